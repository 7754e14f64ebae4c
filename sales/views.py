"""Pages and verbs of opportunities: each verb is a form that works without JavaScript, and a fragment for htmx."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from accounts.models import User
from contacts.diary import log_interaction, plan_task
from contacts.forms import EntryForm, ShareForm
from contacts.models import Interaction, Party, Task
from crm.core import formats, lists
from crm.core.access import hidden_fields, may
from crm.core.errors import RuleBroken
from crm.core.feedback import go, is_fragment, say
from crm.core.history import changes_of
from crm.core.keys import number_from
from crm.core.middleware import answer
from crm.core.saving import Stale, save_facts
from crm.core.sharing import share_record, unshare_record
from crm.core.undo import offer_undo
from crm.core.views import action, gated
from crm.core.why import explain
from crm.core.work import work
from sales import detail, services
from sales.board import Board
from sales.crud import Opportunities, OpportunityDetail, switch
from sales.filters import offered
from sales.forms import LoseForm, MoveForm, OpportunityForm, StepForm
from sales.models import Opportunity, Pipeline, Stage


def may_view(user: Any) -> bool:
    """May the reader see opportunities at all?"""
    return may(user, "view", Opportunity)


@require_GET
@vary_on_headers("HX-Request")
@gated(may_view)
def board(request: HttpRequest) -> HttpResponse:
    """Columns of open opportunities; `?column=…&after=…` is the next page of one column."""
    pipelines = list(Pipeline.objects.visible_to(request.user).filter(active=True))
    asked = number_from(request, "pipeline")
    pipeline = next((p for p in pipelines if p.pk == asked), pipelines[0] if pipelines and asked is None else None)
    if pipeline is None:
        if asked is not None:
            raise BadRequest(_("This pipeline does not exist any more."))
        return render(request, "sales/board_empty.html", {"title": _("Pipeline"), "may_set_up": may(request.user, "view", Pipeline)})
    drawn = _board(request, pipeline)
    column, after = number_from(request, "column"), request.GET.get("after", "")
    if is_fragment(request) and column is not None:
        found = drawn.columns([column], after=(column, after))
        return render(request, "sales/_more.html", {"column": found[0]} if found else {"column": None})
    columns = drawn.columns(shown=number_from(request, "on"), after=(column, after) if column is not None else None)
    chips = offered(lists.chip(drawn.state, name) for name in drawn.state.filterset.form.fields)
    filtered = any(chip["active"] for chip in chips) or bool(drawn.state.query)
    context = {
        "title": _("Pipeline"),
        "crud": Opportunities,
        "columns": columns,
        "totals": Board.totals(columns),
        "house": drawn.house,
        "money": "amount" not in drawn.hidden,
        "pipeline": pipeline,
        "pipelines": pipelines,
        "filter_chips": chips,
        "filtered": filtered,
        "filter_errors": drawn.state.filterset.form.errors,
        "search_value": drawn.state.query,
        "board_url": reverse("board"),
        "create_url": reverse("opportunity-create") if may(request.user, "add", Opportunity) else "",
        "empty": not filtered and not any(column["count"] for column in columns) and not drawn.rows.exists(),
        **switch(request, "board"),
    }
    return render(request, "sales/_board.html" if is_fragment(request) else "sales/board.html", context)


def _board(request: HttpRequest, pipeline: Pipeline) -> Board:
    return Board(request.user, pipeline, lists.State(Opportunities, request, menus=None))


@action(Opportunities, "change", methods=("GET", "POST"))
def move(request: HttpRequest, row: Opportunity) -> HttpResponse:
    """A step to another stage or place. What the stage demands and is missing is asked first, then the step is taken."""
    form = MoveForm(request.POST if request.method == "POST" else None, row=row, user=request.user)
    if not form.is_valid():
        return _ask_stage(request, row, form)
    stage: Stage = form.cleaned_data["stage"]
    seen = form.cleaned_data["seen_stage"]
    missing = services.missing_for(row, stage) if row.is_open and seen in (None, row.stage_id) else []
    facts = _missing_facts(request, row, missing)
    if facts is not None and not facts.is_valid():
        return _ask_missing(request, row, form, facts)
    above, below = form.neighbour("above"), form.neighbour("below")
    rank = services.rank_between(stage, above, below) if above or below else None
    try:
        with work(by=request.user):
            if facts is not None:
                save_facts(facts, by=request.user)
            undo = services.move_opportunity(row, stage, by=request.user, rank=rank, seen_stage=seen)
    except services.MovedMeanwhile as moved:
        return _stale(request, row, str(moved.message))
    except Stale:
        return _stale(request, row, _changed())
    except services.GateUnmet as unmet:
        if facts is None:
            raise
        facts.add_error(unmet.field if unmet.field in facts.fields else None, unmet.message)
        return _ask_missing(request, row, form, facts)
    return _moved(request, row, [seen, stage.pk], undo)


def _missing_facts(request: HttpRequest, row: Opportunity, missing: list[str]) -> OpportunityForm | None:
    """A form over the fields a stage demands; bound once they were asked."""
    if not missing:
        return None
    data = request.POST if "asked" in request.POST else None
    facts = OpportunityForm(data, instance=Opportunity.objects.visible_to(request.user, "change").get(pk=row.pk), user=request.user, only=missing)
    return facts if set(missing) <= set(facts.fields) else None  # what no form may change is said in words by the service


def _ask_stage(request: HttpRequest, row: Opportunity, form: MoveForm) -> HttpResponse:
    context = {"title": _("Move %(name)s") % {"name": row}, "text": row.stage.label, "form": form, "submit_label": _("Move")}
    return _dialog(request, row, "move", context, status=422 if form.is_bound else 200)


def _ask_missing(request: HttpRequest, row: Opportunity, form: MoveForm, facts: OpportunityForm) -> HttpResponse:
    stage = form.cleaned_data["stage"]
    pairs = [("asked", "1"), ("stage", stage.pk), *((name, form.cleaned_data[name]) for name in ("above", "below", "seen_stage"))]
    context = {
        "title": _("%(name)s to “%(stage)s”") % {"name": row, "stage": stage},
        "text": _("This stage asks for: %(condition)s.") % {"condition": services.gate_sentence(stage)},
        "form": facts,
        "pairs": pairs,
        "submit_label": _("Save and move"),
    }
    return _dialog(request, row, "move", context, status=422)


def _dialog(request: HttpRequest, row: Opportunity, verb: str, context: dict[str, Any], *, status: int) -> HttpResponse:
    """A small form: in a dialog for htmx, on a page of its own otherwise."""
    query = request.GET.urlencode()
    context |= {
        "id": "step",
        "row": row,
        "crud": Opportunities,
        "post_url": reverse(f"opportunity-{verb}", args=[row.pk]) + (f"?{query}" if query else ""),
        "cancel_url": reverse("opportunity-detail", args=[row.pk]),
    }
    if not is_fragment(request):
        return render(request, "sales/step.html", context, status=status)
    return render(request, "sales/_step_dialog.html", context, status=status)  # every request for it targets #dialogs


def _elsewhere(request: Any) -> bool:
    """Was the step taken by htmx from another page than the board?"""
    page = request.htmx.current_url_abs_path
    return bool(page) and not page.startswith(reverse("board"))


def _moved(request: HttpRequest, row: Opportunity, changed: list[int | None], undo: Any) -> HttpResponse:
    """After a step: on the board the card and the figures of its columns as they are now, elsewhere the page of the opportunity."""
    if not is_fragment(request) or _elsewhere(request):
        if undo is not None:
            say(request, undo.label, undo=undo)
        return go(request, reverse("opportunity-detail", args=[row.pk]))
    drawn = _board(request, row.stage.pipeline)
    stages = {stage for stage in changed if stage} | {row.stage_id}
    card = drawn.card(row.pk)
    context = {"card": card, "heads": drawn.heads(stages), "placed": "asked" in request.POST or "dialog" in request.POST, "removed": row.pk if card is None else None}
    heads = drawn.heads()
    response = render(request, "sales/_moved.html", context | {"totals": Board.totals(heads), "house": drawn.house, "money": "amount" not in drawn.hidden})
    if undo is not None:
        say(request, undo.label, undo=undo, response=response)
    return response


def _changed() -> str:
    return _("Somebody else has changed this opportunity meanwhile. Please open it again.")


def _stale(request: HttpRequest, row: Opportunity, message: str) -> HttpResponse:
    """409: where the card is now."""
    row.refresh_from_db()
    if _elsewhere(request):
        return answer(request, 409, message)
    if not is_fragment(request):
        return render(request, "errors/message.html", {"message": message, "status": 409, "url": reverse("opportunity-detail", args=[row.pk])}, status=409)
    drawn = _board(request, row.stage.pipeline)
    return render(request, "sales/_stale.html", {"card": drawn.card(row.pk), "heads": drawn.heads(), "message": message, "row": row}, status=409)


@action(Opportunities, "change", methods=("GET", "POST"))
def win(request: HttpRequest, row: Opportunity) -> HttpResponse:
    """Close as won; contact and amount are asked if they are missing."""
    missing = [name for name in ("party", "amount") if getattr(row, name) is None]
    facts = _missing_facts(request, row, missing)
    if request.method == "GET" or (facts is not None and not facts.is_valid()):
        context = {
            "title": _("%(name)s won?") % {"name": row},
            "text": _("A won opportunity needs these.") if missing else "",
            "form": facts,
            "pairs": [("asked", "1")],
            "submit_label": _("Close as won"),
        }
        return _dialog(request, row, "win", context, status=200 if request.method == "GET" else 422)
    try:
        with work(by=request.user):
            if facts is not None:
                save_facts(facts, by=request.user)
            undo = services.win_opportunity(row, by=request.user)
    except Stale:
        return _stale(request, row, _changed())
    return _moved(request, row, [], undo)


@action(Opportunities, "change", methods=("GET", "POST"))
def lose(request: HttpRequest, row: Opportunity) -> HttpResponse:
    """Close as lost: why, and to whom."""
    form = LoseForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        try:
            undo = services.lose_opportunity(row, by=request.user, **form.cleaned_data)
        except RuleBroken as broken:
            form.add_error(broken.field if broken.field in form.fields else None, broken.message)
        else:
            return _moved(request, row, [], undo)
    told = row.amount is not None and "amount" not in hidden_fields(request.user, Opportunity)
    amount = formats.money(row.amount, row.currency_id) if told else ""
    context = {
        "title": _("Close %(name)s as lost?") % {"name": row},
        "text": " · ".join(filter(None, [amount, str(row.stage)])),
        "form": form,
        "submit_label": _("Close as lost"),
    }
    return _dialog(request, row, "lose", context, status=422 if form.is_bound else 200)


@action(Opportunities, "change")
def reopen(request: HttpRequest, row: Opportunity) -> HttpResponse:
    """Open a closed one again, in the stage it was decided in."""
    services.reopen_opportunity(row, by=request.user)
    say(request, _("%(name)s is open again.") % {"name": row})
    return HttpResponseRedirect(reverse("opportunity-detail", args=[row.pk]))


@action(Opportunities, "view")
def log(request: HttpRequest, row: Opportunity) -> HttpResponse:
    """Write an entry about it into the contact's history, and plan the next step."""
    if not may(request.user, "add", Interaction):
        raise PermissionDenied(_("You do not have the right to write entries."))
    party = get_object_or_404(Party.objects.visible_to(request.user), pk=row.party_id)
    form = EntryForm(request.POST, auto_id="entry_%s")
    if not form.is_valid():
        return _diary(request, row, status=422, form=form)
    facts, due = form.cleaned_data, form.cleaned_data["next_step"]
    log_interaction(
        party, kind=facts["kind"], body=facts["body"], by=request.user, about=row, next_step=due.rest if due else "", next_at=due.at if due else None
    )
    return _diary(request, row, _("Entry saved."))


@action(Opportunities, "view")
def plan_step(request: HttpRequest, row: Opportunity) -> HttpResponse:
    """A next step from one line of words."""
    if not may(request.user, "add", Task):
        raise PermissionDenied(_("You do not have the right to plan steps."))
    form = StepForm(request.POST)
    if not form.is_valid():
        return _diary(request, row, status=422, step_form=form)
    party = Party.objects.visible_to(request.user).filter(pk=row.party_id or 0).first()
    step = plan_task(party, text=form.cleaned_data["text"], due_at=form.cleaned_data["due_at"], by=request.user, about=row)
    return _diary(request, row, _("Planned for %(day)s: %(step)s") % {"day": formats.moment(step.due_at), "step": step.text})


def _diary(request: HttpRequest, row: Opportunity, text: str = "", *, status: int = 200, **forms: Any) -> HttpResponse:
    """The page again after an entry or a step: its changed parts for htmx; otherwise a redirect, or the whole page with what is wrong."""
    undo = offer_undo(request.user, text) if text else None
    if is_fragment(request):
        response = render(request, "sales/_diary.html", {**detail.diary(row, request, **forms), "saved": bool(text)}, status=status)
        if text:
            say(request, text, undo=undo, response=response)
        return response
    if text:
        say(request, text, undo=undo)
        return HttpResponseRedirect(reverse("opportunity-detail", args=[row.pk]))
    page = OpportunityDetail(crud=Opportunities, request=request, object=row, kwargs={"pk": row.pk})
    return render(request, "sales/opportunity.html", {**page.get_context_data(), **detail.diary(row, request, **forms)}, status=status)


@action(Opportunities, "change", methods=("GET", "POST"))
def share(request: HttpRequest, row: Opportunity) -> HttpResponse:
    """Open this one to a person or to everyone in a role."""
    form = ShareForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        try:
            share_record(row, form.cleaned_data["who"], by=request.user, actions=[form.cleaned_data["action"]])
        except RuleBroken as broken:
            form.add_error("who", broken.message)
        else:
            say(request, _("%(name)s is shared now.") % {"name": row})
            return go(request, reverse("opportunity-detail", args=[row.pk]))
    context = {"title": _("Share %(name)s") % {"name": row}, "text": _("A share opens this one opportunity, nothing else."), "form": form, "submit_label": _("Share")}
    return _dialog(request, row, "share", context, status=422 if form.is_bound else 200)


@action(Opportunities, "change")
def unshare(request: HttpRequest, row: Opportunity) -> HttpResponse:
    """Take a share back; `who` as in the form that made it."""
    form = ShareForm({"who": request.POST.get("who", ""), "action": "view"}, user=request.user)
    if not form.is_valid():
        raise RuleBroken(_("This share does not exist any more."))
    unshare_record(row, form.cleaned_data["who"], by=request.user)
    say(request, _("The share is taken back."))
    return HttpResponseRedirect(reverse("opportunity-detail", args=[row.pk]))


@action(Opportunities, "view", methods=("GET",))
def changes(request: HttpRequest, row: Opportunity) -> HttpResponse:
    """Who changed what, field by field."""
    context = {"title": _("Change history"), "object": row, "crud": Opportunities, "entries": changes_of(row, request.user)}
    return render(request, "crud/changes.html", context)


@action(Opportunities, "view", methods=("GET",))
def why(request: HttpRequest, row: Opportunity) -> HttpResponse:
    """Why the reader can see it; who may change it may ask about a colleague, too."""
    people = []
    if Opportunity.objects.visible_to(request.user, "change").filter(pk=row.pk).exists():
        people = list(User.objects.visible_to(request.user).filter(is_active=True))
    asked = number_from(request, "who")
    who = next((person for person in people if person.pk == asked), request.user)
    context = {"title": _("Who may see this, and why"), "object": row, "crud": Opportunities, "who": who, "people": people, "verdicts": explain(row, who)}
    return render(request, "crud/why.html", context)
