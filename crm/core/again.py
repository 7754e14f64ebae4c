"""What was typed goes along with a refusal: the page of a 503 holds the form as it was sent, so that one press sends it again.

It carries the same key and the same token: what was done meanwhile is not done twice, and a page of somebody else's gains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.utils.http import escape_leading_slashes

from crm.core.uploads import without_room


@dataclass(frozen=True)
class Sent:
    """One form: where to, its fields, and its files (field, name), which only their owner can choose again."""

    address: str
    fields: list[tuple[str, str]]
    files: list[tuple[str, str]]


def address_of(request: HttpRequest) -> str:
    """What was asked for, as an address of this house: "//elsewhere/" in a link would lead to another one."""
    return escape_leading_slashes(request.get_full_path())


def what_was_sent(request: HttpRequest) -> Sent | None:
    """The form of this request; None if there is none, or if it holds a password, which belongs on no page."""
    if request.method != "POST":
        return None
    try:
        fields = [(name, str(value)) for name, values in request.POST.lists() for value in values]
        files = [(name, str(upload.name)) for name, uploads in request.FILES.lists() for upload in uploads]
    except (OSError, SuspiciousOperation, MultiPartParserError):  # it could not even be read
        return None
    if not fields or any("password" in name and value for name, value in fields):
        return None
    return Sent(address_of(request), fields, [*files, *without_room(request)])
