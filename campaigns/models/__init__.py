"""Tables of the campaigns app, a module per noun."""

from campaigns.models.segment import Segment, SegmentMember, SegmentSnapshot

__all__ = ["Segment", "SegmentMember", "SegmentSnapshot"]
