"""What may be forgotten: answers kept in Valkey for a while. Where it is gone nothing is remembered, and the page works without."""

from __future__ import annotations

import logging
from typing import Any

from django.core.cache import cache
from redis import RedisError

log = logging.getLogger("lotse.memory")


def recall(key: str) -> Any:
    """What was kept, or None."""
    try:
        return cache.get(key)
    except (RedisError, OSError):
        log.warning("Valkey does not answer; nothing is remembered")
        return None


def keep(key: str, value: Any, seconds: int | None) -> None:
    """Keep a value for a while, if possible."""
    try:
        cache.set(key, value, seconds)
    except (RedisError, OSError):
        log.warning("Valkey does not answer; nothing is remembered")


def claim(key: str, seconds: int) -> bool:
    """Whether this is the first to say so within that time. Where nobody remembers, everybody is."""
    try:
        return bool(cache.add(key, 1, seconds))
    except (RedisError, OSError):
        log.warning("Valkey does not answer; nothing is remembered")
        return True


def forget(key: str) -> None:
    """Take back what was kept, if anything."""
    try:
        cache.delete(key)
    except (RedisError, OSError):
        log.warning("Valkey does not answer; nothing is forgotten")
