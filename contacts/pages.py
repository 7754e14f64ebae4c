"""The verbs of contacts as pages: writing an entry, editing a cell, sharing, assigning, history and why."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Role, User
from contacts import detail, diary, duplicates, services, tags
from contacts.crud import Organisations, Parties, People, crud_of
from contacts.fields import SUGGESTED, party_label
from contacts.forms import AssignForm, EntryForm, ShareForm, TagForm
from contacts.hints import typed_beginning
from contacts.history import party_changes
from contacts.models import Interaction, Party
from contacts.parts import read_parts
from contacts.search import first_parties
from contacts.stale import raw_value
from contacts.timeline import timeline
from crm.core import lists
from crm.core.access import hidden_fields, may, scope_of
from crm.core.errors import RuleBroken
from crm.core.feedback import go, is_fragment, say
from crm.core.keys import number_from, whole
from crm.core.sharing import shares_of
from crm.core.undo import offer_undo
from crm.core.views import action, gated
from crm.core.why import explain


def may_view(user: Any) -> bool:
    """Does the reader hold the verb on contacts at all?"""
    return may(user, "view", Party)


@action(Parties, "view", methods=("GET",))
def party_detail(request: HttpRequest, party: Party) -> HttpResponse:
    """The one address of a contact: on to the page of its kind."""
    return HttpResponseRedirect(crud_of(party).url("detail", party.pk))


@require_GET
@gated(may_view)
def party_options(request: HttpRequest) -> HttpResponse:
    """Suggestions for a field in which a contact is chosen: `field` names it, `kind` narrows to people or organisations."""
    name, kind = request.GET.get("field", ""), request.GET.get("kind", "")
    rows = Party.objects.visible_to(request.user)
    if kind:
        rows = rows.filter(kind=kind)
    found = first_parties(rows, request.GET.get(name, "")[:100], SUGGESTED)
    return render(request, "contacts/_options.html", {"labels": [party_label(party) for party in found]})


def duplicate_page(crud: type[Parties]) -> Any:
    """The live warning while somebody types: GET with what stands in the form."""

    @require_GET
    @gated(lambda user: may(user, "add", Party))
    def page(request: HttpRequest) -> HttpResponse:
        found = duplicates.look_up(crud.kind, request.GET, request.user)
        template = "contacts/_duplicates.html" if is_fragment(request) else "contacts/duplicates.html"
        return render(request, template, {"found": found, "title": _("Possible duplicates"), "crud": crud})

    return page


def letter_page(crud: type[Parties]) -> Any:
    """How a letter would begin, while somebody types: GET with what stands in the form."""

    @require_GET
    @gated(may_view)
    def page(request: HttpRequest) -> HttpResponse:
        typed = {name: text for name, text in request.GET.items() if name not in hidden_fields(request.user, Party)}
        context = {"title": _("How a letter begins"), "crud": crud, **typed_beginning(crud.kind, typed, request.user, number_from(request, "party"))}
        return render(request, "contacts/_letter.html", {**context, "oob": True}) if is_fragment(request) else render(request, "contacts/letter.html", context)

    return page


# --- a letter's beginning ---------------------------------------------------------------------------------------------------------------


def _settle(request: HttpRequest, party: Party, act: Any, text: str) -> HttpResponse:
    act(party, request.POST.get("key", "")[:60], by=request.user)
    say(request, text, undo=offer_undo(request.user, text))
    return HttpResponseRedirect(crud_of(party).url("detail", party.pk))


@action(Parties, "change")
def party_hint_accept(request: HttpRequest, party: Party) -> HttpResponse:
    """Set what a hint proposes."""
    return _settle(request, party, services.accept_hint, _("%(name)s corrected.") % {"name": party})


@action(Parties, "change")
def party_hint_dismiss(request: HttpRequest, party: Party) -> HttpResponse:
    """Leave everything as it is, and say so once."""
    return _settle(request, party, services.dismiss_hint, _("Noted: all is well with %(name)s.") % {"name": party})


# --- the diary ------------------------------------------------------------------------------------------------------------------------


@action(Parties, "view", methods=("GET",))
def party_timeline(request: HttpRequest, party: Party) -> HttpResponse:
    """The timeline alone: another selection, or further back."""
    context = {"party": party, "title": str(party), "crud": crud_of(party), **timeline(party, request.user, request.GET.get("kind", ""), request.GET.get("after", ""))}
    if not is_fragment(request):
        return render(request, "contacts/timeline.html", context)
    return render(request, "contacts/_entries.html" if "after" in request.GET else "contacts/_timeline.html", context)


@action(Parties, "view")
def party_log(request: HttpRequest, party: Party) -> HttpResponse:
    """Write an entry and plan the next step."""
    if not may(request.user, "add", Interaction):
        raise PermissionDenied(_("You do not have the right to write entries."))
    form = EntryForm(request.POST, auto_id="entry_%s")
    if not form.is_valid():
        if is_fragment(request):
            return render(request, "contacts/_diary.html", detail.diary(party, request, form), status=422)
        rights = {verb: Party.objects.visible_to(request.user, verb).filter(pk=party.pk).exists() for verb in ("change", "delete")}
        crud = crud_of(party)
        whole = {"crud": crud, "object": party, "title": str(party), "may": rights, **detail.context(party, request, crud, rights), **detail.diary(party, request, form)}
        return render(request, "contacts/party.html", whole, status=422)
    facts = form.cleaned_data
    due = facts["next_step"]
    diary.log_interaction(party, kind=facts["kind"], body=facts["body"], by=request.user, next_step=due.rest if due else "", next_at=due.at if due else None)
    text = _("Entry saved.")
    undo = offer_undo(request.user, text)
    if not is_fragment(request):
        say(request, text, undo=undo)
        return HttpResponseRedirect(crud_of(party).url("detail", party.pk))
    fresh = Party.objects.select_related("activity", "owner").get(pk=party.pk)
    response = render(request, "contacts/_diary.html", {**detail.diary(fresh, request), "saved": True})
    say(request, text, undo=undo, response=response)
    return response


@require_GET
@gated(lambda user: may(user, "add", Interaction))
def due_words(request: HttpRequest) -> HttpResponse:
    """What day is read from the next step as it is typed."""
    form = EntryForm({"kind": "note", "body": "-", "next_step": request.GET.get("next_step", "")})
    form.is_valid()
    due = form.cleaned_data.get("next_step")
    return render(request, "contacts/_due.html", {"due": due, "error": " ".join(map(str, form.errors.get("next_step", [])))})


# --- one field in place ---------------------------------------------------------------------------------------------------------------


@action(Parties, "view", methods=("GET", "POST"))
def party_cell(request: HttpRequest, party: Party, name: str) -> HttpResponse:
    """One field: read it (`?read=1`), open it, save it. A POST carries the value it was typed over in `old`."""
    crud = crud_of(party)
    if name not in [*detail.FACTS[party.kind], *detail.IN_LISTS] or name in hidden_fields(request.user, Party):
        raise BadRequest(_("There is no such field."))
    party = crud.rows(request, "view").get(pk=party.pk)
    cell = {"party": party, "cell": f"{name}-{party.pk}", "name": name, "post_url": reverse("party-cell", args=[party.pk, name])}
    if request.method == "GET" and "read" in request.GET:
        return _read(request, party, cell)
    if request.method == "POST" and not may(request.user, "change", Party):
        raise PermissionDenied
    changeable = crud.rows(request, "change").filter(pk=party.pk)
    if request.method == "POST":
        get_object_or_404(changeable)
    elif not changeable.exists():
        return _read(request, party, cell) if is_fragment(request) else HttpResponseRedirect(crud.url("detail", party.pk))
    elif not is_fragment(request):
        return HttpResponseRedirect(crud.url("update", party.pk) + f"#id_{name}")
    form = _one_field(crud, party, name, request.POST if request.method == "POST" else None, request.user)
    if name not in form.fields:  # it names a contact the reader cannot see
        if request.method == "POST":
            raise PermissionDenied
        return _read(request, party, cell)
    cell |= {"read_url": f"{cell['post_url']}?read=1", "label": form.fields[name].label}
    if request.method == "GET":
        return render(request, "components/_inline_edit.html", {**cell, "field": form[name], "old": raw_value(form, party, name)})
    if not form.is_valid():
        return render(request, "components/_inline_edit.html", {**cell, "field": form[name], "old": request.POST.get("old", "")}, status=422)
    try:
        saved = services.save_cell(form, name, request.POST.get("old", ""), by=request.user)
    except services.Conflict as clash:
        mine = request.POST.get(name, "")
        theirs = detail.fact_words(Parties.rows(request, "view").get(pk=party.pk), name, read_parts(party), request.user)
        context = {**cell, "theirs": theirs, "theirs_by": clash.by, "theirs_at": clash.at, "mine": mine, "pairs": [("old", clash.now), (name, mine)]}
        return render(request, "components/_inline_conflict.html", context, status=409)
    response = _read(request, saved, cell)
    text = _("%(what)s of %(name)s saved.") % {"what": cell["label"], "name": saved}
    if is_fragment(request):
        response.content += detail.letter_again(saved, request)
    say(request, text, undo=offer_undo(request.user, text), response=response)
    return response if is_fragment(request) else HttpResponseRedirect(crud.url("detail", party.pk))


def _one_field(crud: type[Parties], party: Party, name: str, data: Any, user: Any) -> Any:
    """The form of this kind of contact with a single field left: validation, narrowing and hidden fields stay the same."""
    form = crud.form_class(data, instance=party, user=user)
    for other in list(form.fields):
        if other != name:
            del form.fields[other]
    return form


def _read(request: HttpRequest, party: Party, cell: dict[str, Any]) -> HttpResponse:
    found = detail.facts(party, request.user, crud_of(party), editable=True, named=cell["name"])[0]
    changeable = Party.objects.visible_to(request.user, "change").filter(pk=party.pk).exists()
    return render(request, "contacts/_value.html", {**cell, **found, "changeable": changeable})


# --- who sees it, who has it ----------------------------------------------------------------------------------------------------------


@action(Parties, "change", methods=("GET", "POST"))
def party_share(request: HttpRequest, party: Party) -> HttpResponse:
    """With whom the contact is shared, and sharing it with one more."""
    form = ShareForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            services.share_party(party, form.cleaned_data["who"], by=request.user, action=form.cleaned_data["action"])
        except RuleBroken as broken:
            form.add_error("who", broken.message)
        else:
            text = _("%(name)s is shared now.") % {"name": party}
            say(request, text, undo=offer_undo(request.user, text))
            return go(request, crud_of(party).url("detail", party.pk))
    context = {"title": _("Share %(name)s") % {"name": party}, "party": party, "crud": crud_of(party), "form": form, "shares": shares_of(party)}
    return render(request, "contacts/_share.html" if is_fragment(request) else "contacts/share.html", context, status=422 if form.is_bound else 200)


@action(Parties, "change")
def party_unshare(request: HttpRequest, party: Party) -> HttpResponse:
    """Take a share back: `user` or `role` names with whom."""
    user, role = number_from(request, "user"), number_from(request, "role")
    people, roles = User.objects.visible_to(request.user), Role.objects.visible_to(request.user)
    who: Any = people.filter(pk=user).first() if user else getattr(roles.filter(pk=role or 0).first(), "group", None)
    if who is None:
        raise RuleBroken(_("This share does not exist any more."))
    services.unshare_party(party, who, by=request.user)
    text = _("%(name)s is no longer shared with %(who)s.") % {"name": party, "who": getattr(who, "role", who)}
    say(request, text, undo=offer_undo(request.user, text))
    return HttpResponseRedirect(crud_of(party).url("detail", party.pk))


@action(Parties, "view", methods=("GET",))
def party_changes_page(request: HttpRequest, party: Party) -> HttpResponse:
    """Who changed what, field by field."""
    context = {"title": _("Change history"), "object": party, "crud": crud_of(party), "entries": party_changes(party, request.user)}
    return render(request, "crud/changes.html", context)


@action(Parties, "view", methods=("GET",))
def party_why(request: HttpRequest, party: Party) -> HttpResponse:
    """Why the reader can see it; who sees the set-up may ask about anybody."""
    people = list(User.objects.visible_to(request.user)) if scope_of(request.user).may("view", "setup") else []
    asked = number_from(request, "who")
    who = next((person for person in people if person.pk == asked), request.user)
    context = {"title": _("Who may see this, and why"), "object": party, "crud": crud_of(party), "who": who, "people": people, "verdicts": explain(party, who)}
    return render(request, "crud/why.html", context)


def bulk_page(crud: type[Parties], verb: str, form_class: Any, act: Any, words: Any) -> Any:
    """What is selected in the list is asked about once, with the number in words, and then done: `act(ids, facts, by=user)` says what was
    done, `words(facts, count)` the title of the question, its small print, its button and, afterwards, the sentence."""

    @require_POST
    @gated(lambda user: may(user, verb, Party))
    def page(request: HttpRequest) -> HttpResponse:
        ids = selected(crud, request)
        if not ids:
            raise RuleBroken(_("Nothing is selected. Please tick the rows first."))
        if len(ids) > services.AT_ONCE:
            raise services.too_many()
        asked = next(iter(form_class.base_fields)) in request.POST
        form = form_class(request.POST if asked else None, user=request.user)
        if not form.is_valid():
            context = {"crud": crud, "form": form, "pairs": [("pk", ",".join(map(str, ids)))], **words(None, len(ids))}
            return render(request, "contacts/bulk.html", context, status=422 if form.is_bound else 200)
        done = act(ids, form.cleaned_data, by=request.user)
        text = words(form.cleaned_data, done.count)["text"]
        if done.skipped:
            text = _("%(done)s Skipped: %(why)s.") % {"done": text, "why": ", ".join(done.skipped)}
        say(request, text, undo=offer_undo(request.user, text) if done.count else None)
        return HttpResponseRedirect(crud.url("list"))

    return page


def _assign(ids: list[int], facts: dict[str, Any], *, by: Any) -> services.Done:
    return services.assign_parties(ids, facts["owner"], by=by)


def _assign_words(facts: dict[str, Any] | None, n: int) -> dict[str, Any]:
    if facts is not None:
        return {"text": ngettext("%(n)s contact assigned to %(who)s.", "%(n)s contacts assigned to %(who)s.", n) % {"n": n, "who": facts["owner"]}}
    title = ngettext("Assign %(n)s contact", "Assign %(n)s contacts", n) % {"n": n}
    return {"title": title, "note": _("They move to the team of the new owner. You can undo this afterwards."), "button": _("Assign")}


def _tag(ids: list[int], facts: dict[str, Any], *, by: Any) -> services.Done:
    return tags.tag_parties(ids, facts["tag"], by=by, take=facts["way"] == "take")


def _tag_words(facts: dict[str, Any] | None, n: int) -> dict[str, Any]:
    if facts is not None:
        taken = ngettext("Tag “%(tag)s” taken from %(n)s contact.", "Tag “%(tag)s” taken from %(n)s contacts.", n)
        given = ngettext("Tag “%(tag)s” given to %(n)s contact.", "Tag “%(tag)s” given to %(n)s contacts.", n)
        return {"text": (taken if facts["way"] == "take" else given) % {"n": n, "tag": facts["tag"]}}
    return {"title": ngettext("Tag %(n)s contact", "Tag %(n)s contacts", n) % {"n": n}, "note": _("You can undo this afterwards."), "button": _("Save")}


def selected(crud: type[Parties], request: HttpRequest) -> list[int]:
    """The ticked rows, each as a field or, once they were asked about, all in one; with `all`, every row of the view the list showed (its query
    string comes along)."""
    if request.POST.get("all") == "1":
        request.GET = QueryDict(request.POST.get("query", "")[:2000])  # type: ignore[assignment]
        rows = lists.State(crud, request).narrowed(crud.rows(request, "view"))
        return list(rows.order_by("pk").values_list("pk", flat=True)[: services.AT_ONCE + 1])
    return sorted({key for texts in request.POST.getlist("pk") for text in texts.split(",") if (key := whole(text)) is not None})


person_letter, organisation_letter = letter_page(People), letter_page(Organisations)
person_duplicates, organisation_duplicates = duplicate_page(People), duplicate_page(Organisations)
person_assign, organisation_assign = (bulk_page(crud, "assign", AssignForm, _assign, _assign_words) for crud in (People, Organisations))
person_tag, organisation_tag = (bulk_page(crud, "change", TagForm, _tag, _tag_words) for crud in (People, Organisations))
