"""Limits (of mails per domain, of visits to a public page): a token bucket, pure. In any hour at most the limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

_ONE = 1 - 1e-9  # a whole mail, whatever adding up fractions of a second has done


@dataclass(frozen=True)
class Limit:
    """So many an hour. `burst` of them may go at once (a sixtieth, unless `at_once` says otherwise); the rest comes back at `rate` per second.

    In any hour (the end not counted) at most `per_hour` pass: a full bucket and what flows in are together the limit.
    """

    per_hour: int
    at_once: int = 0

    @property
    def burst(self) -> int:
        return min(self.per_hour, self.at_once) or max(1, self.per_hour // 60)

    @property
    def rate(self) -> float:
        return (self.per_hour - self.burst + 1) / 3600


@dataclass(frozen=True)
class Bucket:
    """`level` mails may go as of `at`; a mail that has to wait gets a slot of its own behind `queued_until`."""

    level: float
    at: datetime
    queued_until: datetime


@dataclass(frozen=True)
class Taken:
    """The bucket afterwards, and when to come again: None means go now."""

    bucket: Bucket
    wait_until: datetime | None


def take(bucket: Bucket, limit: Limit, now: datetime, *, urgent: bool = False) -> Taken:
    """Ask for one mail. An urgent one goes in any case and is owed: those behind it wait the longer. A clock that steps back adds nothing."""
    bucket = _refilled(bucket, limit, now)
    if urgent or bucket.level >= _ONE:
        return Taken(replace(bucket, level=bucket.level - 1), None)
    bucket, slot = _slot(bucket, limit)
    return Taken(bucket, slot)


def queue_up(bucket: Bucket, limit: Limit, now: datetime, urgent: Sequence[bool]) -> tuple[Bucket, list[datetime | None]]:
    """For several mails at once: whose turn it is (None), and a slot of its own for each of the others. Nothing is taken yet."""
    bucket = _refilled(bucket, limit, now)
    free = bucket.level
    slots: list[datetime | None] = []
    for is_urgent in urgent:
        if is_urgent or free >= _ONE:
            free -= 1
            slots.append(None)
        else:
            bucket, slot = _slot(bucket, limit)
            slots.append(slot)
    return bucket, slots


def _refilled(bucket: Bucket, limit: Limit, now: datetime) -> Bucket:
    elapsed = max(0.0, (now - bucket.at).total_seconds())
    return replace(bucket, level=min(float(limit.burst), bucket.level + elapsed * limit.rate), at=max(now, bucket.at))


def _slot(bucket: Bucket, limit: Limit) -> tuple[Bucket, datetime]:
    """The next free moment, a step behind the last one given away."""
    next_one = bucket.at + timedelta(seconds=max(0.0, 1 - bucket.level) / limit.rate)
    slot = max(next_one, bucket.queued_until + timedelta(seconds=1 / limit.rate))
    return replace(bucket, queued_until=slot), slot
