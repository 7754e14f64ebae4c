"""The few tables that live in the roof, reached by their dotted names from settings so that core imports nothing above it."""

from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


@cache
def _load(path: str) -> Any:
    return import_string(path)


def table(setting: str) -> Any:
    """The object a setting such as LOTSE_ENTITIES names."""
    return _load(getattr(settings, setting))
