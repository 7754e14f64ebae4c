"""Tables of the campaigns app, a module per noun."""

from campaigns.models.frequency import FrequencyCap
from campaigns.models.segment import Segment, SegmentMember, SegmentSnapshot

__all__ = ["FrequencyCap", "Segment", "SegmentMember", "SegmentSnapshot"]
