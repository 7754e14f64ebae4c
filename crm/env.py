"""Strict reading of environment variables: a wrong value stops the start with a sentence that names the variable.

Every variable is read here and only from `crm/settings.py`; a test compares the names with README and docker-compose.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_REQUIRED = object()


def text(name: str, default: Any = _REQUIRED) -> str:
    """The value of `name`; without a default an unset or empty variable is an error."""
    value = os.environ.get(name, "")
    if value:
        return value
    if default is _REQUIRED:
        raise ImproperlyConfigured(f"{name} is not set")
    return str(default)


def secret(name: str, default: Any = _REQUIRED) -> str:
    """Like `text`, but `NAME_FILE` may name a file that holds the value (Docker secrets)."""
    path = os.environ.get(f"{name}_FILE", "")
    if path:
        return Path(path).read_text(encoding="utf-8").strip()
    return text(name, default)


def flag(name: str, default: bool = False) -> bool:
    """True for 1/true/yes/on, False for 0/false/no/off; anything else is an error."""
    value = os.environ.get(name, "").lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}")


def choice(name: str, options: Collection[str], default: str) -> str:
    """One of some words; any other is an error that names them."""
    value = text(name, default)
    if value not in options:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(options)}, not {value!r}")
    return value


def number(name: str, default: int) -> int:
    """A whole number."""
    value = os.environ.get(name, "")
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}") from None


def items(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty entries."""
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


def database(name: str) -> dict[str, Any]:
    """Django's DATABASES entry for `postgresql://user:password@host:port/name?host=<socket folder>`."""
    parts = urlsplit(text(name))
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name} must begin with postgresql://")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = query.pop("host", "") or parts.hostname or ""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "lotse",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": query,
    }


def of_process(**changed: str) -> dict[str, str]:
    """The environment for a program that we start: ours, with these values."""
    return {**os.environ, **changed}
