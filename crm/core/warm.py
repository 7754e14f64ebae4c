"""What each process of the page would load for itself with its first requests. Loaded once before they part, it is memory they share, nobody waits
for it, and what stays does not lie between what comes and goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import get_default_password_validators
from django.db import connections
from django.template import engines
from django.template.loader import get_template
from django.urls import get_resolver
from django.utils import timezone, translation
from django.utils.translation import gettext

from crm.core import formats


def warm_up() -> None:
    """Views, addresses, templates, words, numbers and days of every language. No connection is left that two processes would share."""
    for name in _templates():
        get_template(name)
    for language, _label in settings.LANGUAGES:
        with translation.override(language):
            gettext("Save")
            get_resolver().reverse_dict  # noqa: B018 - worked out when it is asked for, per language
            formats.money(Decimal(1), "EUR"), formats.day(date(2000, 1, 1)), formats.Moments().exact(timezone.now())
    _compile(get_resolver())
    get_default_password_validators()
    import_module("holidays.countries")  # of all countries, some 20 MB, with the first calendar that is read
    connections.close_all()


def _templates() -> Iterator[str]:
    """Ours, and those of the set-up."""
    folders = [Path(folder) for folder in engines["django"].dirs]
    for folder in [*folders, *(Path(found) for found in engines["django"].template_dirs if "django/contrib/admin/" in str(found))]:
        yield from (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.suffix in (".html", ".txt"))


def _compile(resolver: Any) -> None:
    """The expressions that addresses are compared with."""
    for pattern in resolver.url_patterns:
        pattern.pattern.regex  # noqa: B018 - compiled when it is asked for
        if hasattr(pattern, "url_patterns"):
            _compile(pattern)
