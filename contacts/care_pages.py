"""Possible duplicates as pages: the queue, "two different ones", the merge, and the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from contacts import care
from contacts.crud import Organisations, Parties, People, crud_of
from contacts.models import DuplicatePair, MergeRecord, Party
from contacts.pages import selected
from contacts.pairs import last_search, running, start_search
from contacts.unmerging import unmerge
from crm.core import formats, paging
from crm.core.access import may
from crm.core.errors import RuleBroken
from crm.core.feedback import say
from crm.core.keys import whole
from crm.core.views import Crud, action, gated

SIZE = 20  # pairs on a page
TABS = ("open", "not_same", "merged")


def may_merge(user: Any) -> bool:
    """Does the reader hold the verb at all?"""
    return may(user, "merge", Party)


class Pairs(Crud):
    """The gate of a pair: both contacts may be seen and merged."""

    name = "duplicate"
    model = DuplicatePair  # type: ignore[assignment]  # no record of its own: its gate asks that of both contacts


class Merges(Crud):
    """The gate of a merge: the survivor may be seen and merged."""

    name = "merge"
    model = MergeRecord  # type: ignore[assignment]  # a ledger: its gate asks that of the survivor


@require_GET
@gated(may_merge)
def duplicate_list(request: HttpRequest) -> HttpResponse:
    """The queue: pairs with score and reasons, both contacts side by side; what was called two; what was merged."""
    tab = request.GET.get("state", "") if request.GET.get("state") in TABS else "open"
    kind, mine, after = request.GET.get("kind", ""), request.GET.get("mine") == "1", request.GET.get("after", "")
    last, at_work = last_search(), running()
    context: dict[str, Any] = {
        "title": _("Duplicates"), "tab": tab, "kind": kind, "mine": mine, "last": last, "running": at_work, "cut": care.cut_words(last, request.user),
        "cut_count": last.result.get("cut_count", 0) if last else 0, "kinds": Party.Kind.choices, "filtered": bool(kind or mine),
    }  # fmt: skip
    pairs = DuplicatePair.objects.visible_to(request.user, "merge")
    counts = {state: paging.capped_count(pairs.filter(state=state))[0] for state in ("open", "not_same")} | {"merged": paging.capped_count(care.merges(request.user))[0]}
    labels = {"open": _("To be looked at"), "not_same": _("Two different ones"), "merged": _("Merged")}
    context["tabs"] = [{"label": labels[key], "url": f"{reverse('duplicate-list')}?state={key}", "current": key == tab, "count": counts[key]} for key in TABS]
    if tab == "merged":
        page = paging.keyset(care.merges(request.user), "at", descending=True, size=SIZE, after=after)
        context |= {"merges": [_merge_line(record) for record in page.rows], "next_url": f"{_here(tab, '', False)}&after={page.after}" if page.after else ""}
    else:
        rows = care.of_kind(pairs.filter(state=tab), kind)
        rows = (care.of_mine(rows, request.user) if mine else rows).select_related("first__owner", "first__team", "second__owner", "second__team")
        page = paging.keyset(rows, "score", descending=True, size=SIZE, after=after)
        context |= {"pairs": [_pair_line(pair, request.user) for pair in page.rows], "next_url": f"{_here(tab, kind, mine)}&after={page.after}" if page.after else ""}
    return render(request, "contacts/duplicate_queue.html", context)


def _here(tab: str, kind: str, mine: bool) -> str:
    kind = kind if kind in Party.Kind.values else ""
    return f"{reverse('duplicate-list')}?state={tab}&kind={kind}&mine={'1' if mine else ''}"


def _pair_line(pair: DuplicatePair, reader: Any) -> dict[str, Any]:
    percent = min(round(pair.score * 100), 99)  # nothing is certain before somebody has looked
    return {"pair": pair, "score": formats.number(percent) + " %", "reasons": care.reasons(pair), "lines": care.glance(pair.first, pair.second, reader), "merge_url": reverse("party-merge", args=[pair.first_id, pair.second_id]) + "?back=1"}


def _merge_line(record: MergeRecord) -> dict[str, Any]:
    gone = record.before.get("party", {})
    name = gone.get("legal_name") or " ".join(filter(None, (gone.get("first_name"), gone.get("last_name"))))
    return {"record": record, "absorbed": f"{gone.get('number', '')} {name}".strip(), "back": getattr(record, "voided_by", None)}


@require_POST
@gated(may_merge)
def duplicate_search(request: HttpRequest) -> HttpResponse:
    """Look through the whole stock now."""
    job = start_search(by=request.user)
    return HttpResponseRedirect(reverse("job-detail", args=[job.pk]))


@action(Pairs, "merge")
def duplicate_not_same(request: HttpRequest, pair: DuplicatePair) -> HttpResponse:
    """Two different ones: the pair leaves the queue."""
    undo = care.call_two(pair, by=request.user)
    say(request, undo.label if undo else _("This was decided already."), undo=undo)
    return HttpResponseRedirect(reverse("duplicate-list"))


@action(Pairs, "merge")
def duplicate_reopen(request: HttpRequest, pair: DuplicatePair) -> HttpResponse:
    """Look at it again."""
    care.look_again({"pair": pair.pk}, by=request.user)
    say(request, _("The pair stands in the queue again."))
    return HttpResponseRedirect(reverse("duplicate-list"))


@action(Parties, "merge", methods=("GET", "POST"))
def party_merge(request: HttpRequest, party: Party, other: int) -> HttpResponse:
    """Two contacts side by side: who stays, whose value stays in each field, what goes over."""
    rows = Party.objects.visible_to(request.user).select_related("owner", "team")
    first = get_object_or_404(rows, pk=party.pk)
    second = get_object_or_404(Party.objects.visible_to(request.user, "merge"), pk=other)
    second = get_object_or_404(rows, pk=second.pk)
    if first.pk == second.pk or first.kind != second.kind:
        raise RuleBroken(_("A contact cannot be merged with itself.") if first.pk == second.pk else _("A person and an organisation cannot be merged."))
    back = reverse("duplicate-list") if request.GET.get("back") or request.POST.get("back") else ""
    problem, keep, survivor = "", dict[str, int](), None
    if request.method == "POST":
        both = {first.pk: first, second.pk: second}
        survivor = both.get(whole(request.POST.get("survivor", "")) or 0)
        keep = {name: key for name in care.FIELDS[first.kind] if (key := whole(request.POST.get(f"keep_{name}", ""))) in both and key is not None}
        try:
            if survivor is None:
                raise RuleBroken(_("Please choose which of the two stays."))
            absorbed = second if survivor.pk == first.pk else first
            versions = {pk: whole(request.POST.get(f"version_{pk}", "")) or 0 for pk in both}  # who names none has read nothing
            undo = care.merge_two(survivor, absorbed, by=request.user, keep=keep, versions=versions)
        except RuleBroken as broken:
            problem = str(broken.message)
            first, second = rows.filter(pk=first.pk).first() or first, rows.filter(pk=second.pk).first() or second
        else:
            say(request, undo.label, undo=undo)
            return HttpResponseRedirect(back or crud_of(survivor).url("detail", survivor.pk))
    lines = [replace(line, keep=keep.get(line.name, line.keep)) for line in care.choices(first, second, request.user)]
    context = {
        "title": _("Merge two contacts"), "first": first, "second": second, "both": [first, second], "crud": crud_of(first), "lines": lines, "glance": care.glance(first, second, request.user),
        "going": care.going(first, second), "stays": (survivor or care.fuller(first, second)).pk, "problem": problem, "back": back, "cancel_url": back or crud_of(first).url("detail", first.pk),
    }  # fmt: skip
    return render(request, "contacts/merge.html", context, status=422 if problem else 200)


@action(Merges, "merge")
def merge_undo(request: HttpRequest, record: MergeRecord) -> HttpResponse:
    """Take a merge back; what cannot be given back is said."""
    lost = unmerge(record, by=request.user)
    say(request, " ".join([_("The merge was taken back: both contacts are there again."), *lost]))
    return HttpResponseRedirect(crud_of(record.survivor).url("detail", record.survivor_id))


def merge_selected(crud: type[Parties]) -> Any:
    """From the list: exactly two ticked rows go on to be merged."""

    @require_POST
    @gated(may_merge)
    def page(request: HttpRequest) -> HttpResponse:
        ids = selected(crud, request)
        if len(ids) != 2:
            raise RuleBroken(_("Please tick exactly two contacts to merge them."))
        return HttpResponseRedirect(reverse("party-merge", args=ids))

    return page


person_merge, organisation_merge = merge_selected(People), merge_selected(Organisations)
