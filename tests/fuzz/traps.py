"""All addresses of the product, and four pages with the faults the measure must see: one that raises, one that leaks, one that tells, one that blocks."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from contacts.models import Party
from crm.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500"]

KEPT: list[bytes] = []


@login_not_required
def raises(request: HttpRequest) -> HttpResponse:
    """Only for one of all the values."""
    if request.GET.get("page", "") == "1e999":
        raise ArithmeticError("a trap")
    return HttpResponse("well")


@login_not_required
def leaks(request: HttpRequest) -> HttpResponse:
    """What was asked is kept."""
    KEPT.append(bytes(bytearray(range(256)) * 4000))
    return HttpResponse("well")


@login_not_required
def tells(request: HttpRequest) -> HttpResponse:
    """The names of everybody."""
    return HttpResponse(" ".join(Party.objects.unrestricted().values_list("name", flat=True)))


@login_not_required
def blocks(request: HttpRequest) -> HttpResponse:
    """Nobody else gets a word in."""
    sum(range(40_000_000))  # in one step of the interpreter
    return HttpResponse("well")


urlpatterns = [
    path("trap/raises/", raises),
    path("trap/leaks/", leaks),
    path("trap/tells/", tells),
    path("trap/blocks/", blocks),
    path("", include("crm.urls")),
]
