"""What can be done with a journey: building its flow, trying it out, publishing it, holding it, and seeing who is where."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.blocks import MOST as MOST_PARTS
from campaigns.blocks import rearranged
from campaigns.content import PLACEHOLDERS
from campaigns.journeys import services, shape
from campaigns.journeys.crud import TONES, Journeys, flow_url
from campaigns.journeys.dry import DAYS, dry_run
from campaigns.journeys.flow import TRIGGER, Flow, counted, counted_dry
from campaigns.journeys.forms import PARTS, TriggerForm, form_for
from campaigns.journeys.trace import of_party, traces
from campaigns.models import Journey, Run
from campaigns.preflight import reaches_nobody
from contacts.models import Party, Tag
from crm.core import formats
from crm.core.access import may
from crm.core.errors import RuleBroken
from crm.core.feedback import is_fragment, say
from crm.core.keys import number_from
from crm.core.models import MailSetup
from crm.core.views import action, gated

SHOWN = 50  # people in a list


@action(Journeys, "change", methods=("GET",))
def flow(request: HttpRequest, row: Journey) -> HttpResponse:
    """The builder: the flow, and beside it the step the address names."""
    if row.state == Journey.State.ENDED:
        return HttpResponseRedirect(Journeys.url("detail", row.pk))
    return render(request, "campaigns/journeys/builder.html", _page(request, row, request.GET.get("step", "")[:12]))


@action(Journeys, "change")
def step(request: HttpRequest, row: Journey) -> HttpResponse:
    """Save the step the address names, or the trigger; buttons within a mail or a condition draw it again."""
    key, do = request.GET.get("step", "")[:12], request.POST.get("do", "")
    seen = number_from(request, "version", 0) or 0
    if key == TRIGGER:
        form: Any = TriggerForm(request.POST, reader=request.user, trigger=row.draft.get("trigger") or {})
        if not form.is_valid():
            return _refused(request, row, key, form)
        services.save_draft(row, {**row.draft, "trigger": form.facts()}, by=request.user, seen=seen)
        return HttpResponseRedirect(flow_url(row))
    found = shape.step_of(row.draft, key)
    if found is None:
        raise RuleBroken(_("This step is gone. Somebody may have removed it meanwhile."))
    if found["kind"] == "ask" and do and do != "save":  # a condition is being built, without JavaScript: what is missing is nobody's mistake yet
        form = form_for(found, request.user, about="tree", typed=request.POST)
        return render(request, "campaigns/journeys/builder.html", _page(request, row, key, form=form))
    form = form_for(found, request.user, data=request.POST, files=request.FILES)
    if not form.is_valid():
        return _refused(request, row, key, form)
    if found["kind"] == "mail":
        blocks, _images = form.stored()
        blocks, _at = rearranged([block for block in blocks if block["kind"] in PARTS], do)
        facts = {name: form.cleaned_data[name].strip() for name in ("subject", "preheader")} | {"blocks": blocks}
    else:
        facts = form.facts()
    draft = shape.replaced(row.draft, key, facts)
    saved = services.save_draft(row, draft, by=request.user, seen=seen)
    stays = (found["kind"] == "mail" and do not in {"", "save"}) or (found["kind"] == "ask" and facts["about"] == "tree" and not facts.get("tree"))
    return HttpResponseRedirect(flow_url(saved, key if stays else ""))


@action(Journeys, "change")
def arrange(request: HttpRequest, row: Journey) -> HttpResponse:
    """Add a step at a place, move one or take it away: `do` is add:mail, up, down or remove, `place` where."""
    verb, _colon, kind = request.POST.get("do", "").partition(":")
    place, draft, key = request.POST.get("place", "")[:12], row.draft, ""
    if verb == "add":
        draft, key = shape.added(draft, kind, place)
        if not key:
            raise RuleBroken(_("There is no room for another step here: at most %(n)s steps, and three questions within each other.") % {"n": shape.MOST_STEPS})
    elif verb == "remove":
        draft = shape.removed(draft, place)
    elif verb in {"up", "down"}:
        draft, key = shape.moved(draft, place, -1 if verb == "up" else 1), place
    services.save_draft(row, draft, by=request.user, seen=number_from(request, "version", 0) or 0)
    return HttpResponseRedirect(flow_url(row, key))


def _refused(request: HttpRequest, row: Journey, key: str, form: Any) -> HttpResponse:
    return render(request, "campaigns/journeys/builder.html", _page(request, row, key, form=form), status=422)


def _faults(row: Journey, reader: Any) -> dict[str, list[str]]:
    """What keeps the draft from being published, the house's mail server included."""
    found = services.faults(row, reader)
    if words := reaches_nobody(MailSetup.current()):
        for step in shape.every(row.draft.get("steps", [])):
            if step["kind"] == "mail":
                found.setdefault(step["key"], []).append(words)
    return found


def _page(request: HttpRequest, row: Journey, key: str, *, form: Any = None) -> dict[str, Any]:
    """The context of the builder; `form` may be the one that was sent and refused."""
    faults = _faults(row, request.user)
    tags = Tag.objects.visible_to(request.user).filter(active=True).exists()  # where the house has none, no step could give one
    chosen = shape.step_of(row.draft, key) if key != TRIGGER else None
    selected = key if key == TRIGGER or chosen is not None else ""
    context: dict[str, Any] = {
        "crud": Journeys,
        "journey": row,
        "title": str(row),
        "tone": TONES[row.state],
        "selected": selected,
        "step": chosen,
        "faults": faults,
        "flow": Flow(row.draft, request.user, counts=counted(row) if row.live_id else None, faults=faults, base=flow_url(row), selected=selected),
        "kinds": [(kind, label, icon) for kind, (label, icon) in shape.KINDS.items() if kind != "tag" or tags],
    }
    if selected == TRIGGER:
        context["form"] = form or TriggerForm(reader=request.user, trigger=row.draft.get("trigger") or {}, kind=request.GET.get("kind", ""))
    elif chosen is not None:
        context["form"] = form or form_for(chosen, request.user, about=request.GET.get("about", ""))
        context |= {"kind_label": shape.KINDS[chosen["kind"]][0], "builder": getattr(context["form"], "builder", None)}
        if chosen["kind"] == "mail":
            context |= {"parts": [(one, label, icon) for one, (label, icon) in PARTS.items()], "placeholders": PLACEHOLDERS.items(), "full": len(context["form"].blocks) >= MOST_PARTS}
    return context


@action(Journeys, "view", methods=("GET",))
def dry(request: HttpRequest, row: Journey) -> HttpResponse:
    """Whom the draft would have reached in the last days; nothing is written."""
    found = dry_run(row, row.draft, request.user)
    trials = found.trials
    context = {
        "crud": Journeys, "journey": row, "title": _("Dry run"), "found": found, "days": DAYS, "rows": trials[:SHOWN], "more": max(0, len(trials) - SHOWN),
        "flow": Flow(row.draft, request.user, counts=counted_dry(trial.way for trial in trials)),
    }  # fmt: skip
    return render(request, "campaigns/journeys/dry.html", context)


@action(Journeys, "change")
def publish(request: HttpRequest, row: Journey) -> HttpResponse:
    """The draft runs from now on."""
    if _faults(row, request.user):
        raise RuleBroken(_("Not yet: please put right what is marked."))
    made = services.publish_journey(row, by=request.user, seen=number_from(request, "version", 0))
    say(request, _("Version %(n)s runs. Whoever is on the way goes on as it began.") % {"n": formats.number(made.number)})
    return HttpResponseRedirect(Journeys.url("detail", row.pk))


@action(Journeys, "change")
def pause(request: HttpRequest, row: Journey) -> HttpResponse:
    """Nobody begins, nobody moves on."""
    services.pause_journey(row, by=request.user)
    say(request, _("Paused. Nobody begins or moves on until you go on."))
    return HttpResponseRedirect(Journeys.url("detail", row.pk))


@action(Journeys, "change")
def resume(request: HttpRequest, row: Journey) -> HttpResponse:
    """Go on."""
    services.resume_journey(row, by=request.user)
    say(request, _("It goes on."))
    return HttpResponseRedirect(Journeys.url("detail", row.pk))


@action(Journeys, "change")
def end(request: HttpRequest, row: Journey) -> HttpResponse:
    """For good."""
    services.end_journey(row, by=request.user)
    say(request, _("Ended. Whoever was on the way has left."))
    return HttpResponseRedirect(Journeys.url("detail", row.pk))


@action(Journeys, "change")
def retry(request: HttpRequest, row: Journey) -> HttpResponse:
    """Try again what got stuck."""
    count = services.retry_runs(row, by=request.user)
    say(request, _("Tried again within a minute: %(n)s.") % {"n": formats.number(count)})
    return HttpResponseRedirect(Journeys.url("detail", row.pk))


@action(Journeys, "view", methods=("GET",))
def people(request: HttpRequest, row: Journey) -> HttpResponse:
    """Who is or was in it, the latest first; only contacts the reader may see."""
    state = request.GET.get("state", "")
    rows = Run.objects.visible_to(request.user).filter(journey=row).select_related("journey", "version", "party")
    rows = rows.filter(state=state) if state in Run.State.values else rows
    found = list(rows.order_by("-began_at", "-pk")[: SHOWN + 1])
    label = Run.State(state).label if state in Run.State.values else ""
    context = {"crud": Journeys, "journey": row, "title": _("People in the journey"), "traces": traces(found[:SHOWN], request.user), "more": len(found) > SHOWN, "state": label}
    return render(request, "campaigns/journeys/people.html", context)


@require_safe
@gated(lambda user: may(user, "view", Party) and may(user, "view", Journey))
def of_contact(request: HttpRequest, pk: int) -> HttpResponse:
    """The journeys of a contact, step by step: a panel of its page, or a page."""
    party = get_object_or_404(Party.objects.visible_to(request.user), pk=pk)
    rows = list(of_party(party, request.user)[: SHOWN if not is_fragment(request) else 3])
    context = {"party": party, "traces": traces(rows, request.user), "title": _("Journeys of %(name)s") % {"name": party}}
    return render(request, "campaigns/journeys/_panel.html" if is_fragment(request) else "campaigns/journeys/of_contact.html", context)
