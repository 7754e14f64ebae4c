"""Segments: a sentence over contacts that is asked anew each time; its builder, its kept states, its pages."""

from campaigns.segments.who import Standing, members, standing
from campaigns.segments.words import vocabulary_for

__all__ = ["Standing", "members", "standing", "vocabulary_for"]
