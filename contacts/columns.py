"""Kinds of columns that Django does not bring."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Func


class Pipe(Func):
    """`a || b || …`: unlike CONCAT it is immutable, so a stored generated column may use it."""

    arg_joiner = " || "
    template = "(%(expressions)s)"
    output_field = models.TextField()


class WebAddress(models.URLField):
    """A URL; typed without a scheme it means https."""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"assume_scheme": "https", **kwargs})

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.URLField", args, kwargs
