"""Addresses of a contact as pages and fragments: change one in place, add one, choose the main one, remove one."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from contacts import addresses, detail
from contacts.addresses import KINDS, Kind
from contacts.crud import Parties, crud_of
from contacts.models import Party, PostalAddress
from contacts.parts import row_words, seen_texts
from contacts.services import Conflict
from crm.core.access import hidden_fields
from crm.core.errors import RuleBroken
from crm.core.feedback import is_fragment, say
from crm.core.undo import offer_undo
from crm.core.views import action


@action(Parties, "change", methods=("GET", "POST"))
def address_add(request: HttpRequest, party: Party, kind: str) -> HttpResponse:
    """The form of a further one (`?read=1`: without it again), and adding it."""
    one = _kind(request, kind)
    cell = f"{one.key}-new"
    if "read" in request.GET and request.method == "GET":
        return render(request, "contacts/_address_new.html", {"cell": cell}) if is_fragment(request) else _back(party)
    form = _form(request, party, one)
    page = {**_page(party, one.add), "form": form, "cell": cell, "post_url": reverse("party-address-add", args=[party.pk, one.key])}
    if request.method == "GET":
        return _show(request, page)
    if not form.is_valid():
        return _show(request, page, 422)
    try:
        row = addresses.add_address(party, one, form.cleaned_data, by=request.user)
    except RuleBroken as broken:
        form.add_error(broken.field if broken.field in form.fields else None, broken.message)
        return _show(request, page, 422)
    return _done(request, party, one, _("“%(what)s” added.") % {"what": _words(request, row)})


@action(Parties, "change", methods=("GET", "POST"))
def address_edit(request: HttpRequest, party: Party, kind: str, row: int) -> HttpResponse:
    """One of them: its form (`?read=1`: without it again), and saving it. A POST carries in `old` what the form had read."""
    one = _kind(request, kind)
    found = _row(request, party, one, row)
    cell, url = f"{one.key}-{found.pk}", reverse("party-address", args=[party.pk, one.key, found.pk])
    if "read" in request.GET and request.method == "GET":
        return _read(request, party, one, found) if is_fragment(request) else _back(party)
    form = _form(request, party, one, found)
    page = {**_page(party, capfirst(one.model._meta.verbose_name)), "form": form, "cell": cell, "post_url": url, "old": request.POST.get("old", "")}
    if request.method == "GET":
        return _show(request, {**page, "old": addresses.as_seen(found, list(form.fields))})
    if not form.is_valid():
        return _show(request, page, 422)
    typed = {name: form.cleaned_data[name] for name in form.fields}
    try:
        saved = addresses.change_address(found, typed, seen_texts(request.POST.get("old", "")), by=request.user)
    except RuleBroken as broken:
        form.add_error(broken.field if broken.field in form.fields else None, broken.message)
        return _show(request, page, 422)
    except Conflict as clash:
        theirs = {"theirs": _words(request, _row(request, party, one, row), labelled=True), "theirs_by": clash.by, "theirs_at": clash.at}
        return _show(request, {**page, **theirs, "mine": _words(request, form.instance, labelled=True), "pairs": [("old", clash.now), *typed.items()]}, 409)
    text = _("“%(what)s” saved.") % {"what": _words(request, saved)}
    undo = offer_undo(request.user, text)
    if not is_fragment(request):
        say(request, text, undo=undo)
        return _back(party)
    response = _read(request, party, one, saved)
    _letter_again(request, party, one, response)
    say(request, text, undo=undo, response=response)
    return response


@action(Parties, "change")
def address_main(request: HttpRequest, party: Party, kind: str, row: int) -> HttpResponse:
    """Choose it as the main one."""
    one = _kind(request, kind)
    chosen = addresses.choose_main(_row(request, party, one, row), by=request.user)
    return _done(request, party, one, _("“%(what)s” is the %(main)s now.") % {"what": _words(request, chosen), "main": one.main})


@action(Parties, "change")
def address_delete(request: HttpRequest, party: Party, kind: str, row: int) -> HttpResponse:
    """Remove it."""
    one = _kind(request, kind)
    found = _row(request, party, one, row)
    addresses.remove_address(found, by=request.user)
    return _done(request, party, one, _("“%(what)s” removed.") % {"what": _words(request, found)})


# --- what they share ------------------------------------------------------------------------------------------------------------------


def _kind(request: HttpRequest, key: str) -> Kind:
    """The kind an address names, as far as the reader may see it."""
    kind = KINDS.get(key)
    if kind is None or not kind.shown(hidden_fields(request.user, Party)):
        raise BadRequest(_("There is no such field."))
    return kind


def _row(request: HttpRequest, party: Party, kind: Kind, pk: int) -> Any:
    row = kind.model.objects.visible_to(request.user, "change").select_related("party").filter(party=party.pk, pk=pk).first()
    if row is None:
        raise RuleBroken(addresses.gone())
    return row


def _form(request: HttpRequest, party: Party, kind: Kind, row: Any = None) -> Any:
    """The form of one row, new or known, without what is hidden from the reader."""
    cell = f"{kind.key}-{row.pk if row else 'new'}"
    form = kind.form(request.POST if request.method == "POST" else None, instance=row or kind.model(), auto_id=f"{cell}-%s")
    for name in set(form.fields) - {*kind.shown(hidden_fields(request.user, Party)), "label"}:
        del form.fields[name]
    return form


def _page(party: Party, title: Any) -> dict[str, Any]:
    return {"title": title, "party": party, "crud": crud_of(party)}


def _show(request: HttpRequest, page: dict[str, Any], status: int = 200) -> HttpResponse:
    """The form, or after a clash both values: in place for htmx, else as a page."""
    page = {**page, "read_url": f"{page['post_url']}?read=1"}
    first = next((field for field in page["form"] if field.errors), next(iter(page["form"])))
    first.field.widget.attrs["autofocus"] = True
    if not is_fragment(request):
        return render(request, "contacts/address.html", {**page, "plain": True}, status=status)
    return render(request, "components/_inline_conflict.html" if status == 409 else "contacts/_address_edit.html", page, status=status)


def _read(request: HttpRequest, party: Party, kind: Kind, row: Any) -> HttpResponse:
    several = getattr(party, kind.rows).count() > 1
    drawn = addresses.drawn(party, kind, row, hidden_fields(request.user, Party), several=several, editable=True)
    return render(request, "contacts/_address.html", {"row": drawn})


def _done(request: HttpRequest, party: Party, kind: Kind, text: str) -> HttpResponse:
    """All of this kind anew, with the way back."""
    undo = offer_undo(request.user, text)
    if not is_fragment(request):
        say(request, text, undo=undo)
        return _back(party)
    fresh = addresses.block(Party.objects.visible_to(request.user).get(pk=party.pk), kind, hidden_fields(request.user, Party), editable=True)
    response = render(request, "contacts/_addresses.html", {"block": fresh})
    response["HX-Retarget"], response["HX-Reswap"] = f"#{fresh['id']}", "outerHTML"
    _letter_again(request, party, kind, response)
    say(request, text, undo=undo, response=response)
    return response


def _letter_again(request: HttpRequest, party: Party, kind: Kind, response: HttpResponse) -> None:
    """The main postal address stands over a letter's beginning."""
    if kind.model is PostalAddress:
        response.content += detail.letter_again(Party.objects.visible_to(request.user).get(pk=party.pk), request)


def _back(party: Party) -> HttpResponse:
    return HttpResponseRedirect(crud_of(party).url("detail", party.pk))


def _words(request: HttpRequest, row: Any, *, labelled: bool = False) -> str:
    """One address in one line, as far as the reader may see it."""
    text = row_words(row, hidden_fields(request.user, Party))
    return f"{text} ({row.get_label_display()})" if labelled else text
