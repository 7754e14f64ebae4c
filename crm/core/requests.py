"""The request as gunicorn hands it over. What stands in its head may be anything; nothing of ours has seen it yet."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters


class Request(WSGIRequest):
    """Django's own, which falls over some kinds of Content-Type before anybody could answer, and over others when it decodes the form."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        """A kind that cannot be read is none. We speak UTF-8 alone: a form in another encoding is refused by `CleanInput`, and the address of a page
        has nothing to do with it."""
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:  # an encoding of its own for a part of it (RFC 2231) that nobody knows
            self.content_type, self.content_params = "", {}


def is_utf8(request: Any) -> bool:
    """Whether the form is said to be in our encoding; one that does not say is."""
    return str(request.content_params.get("charset", "utf-8")).lower() in ("utf-8", "utf8", "us-ascii")
