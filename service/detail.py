"""What the desk shows: the queue, the case in the middle, and beside it whom it is about, what caused it and what was granted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from contacts.diary import mails_of
from contacts.models import Interaction, Party
from contacts.panels import panels_for
from contacts.parts import main
from crm.core import formats
from crm.core.access import hidden_fields, may
from crm.core.approvals import open_approval
from crm.core.models import IncomingMail, Installation, OutgoingMail
from crm.core.subjects import kind_of
from service import deadlines, texts
from service.conversation import addresses_for, entries_of
from service.filters import OPEN, of_party, with_party_beside
from service.forms import EntryForm, GrantForm
from service.mailin import mail_drawn, of_case, writers_of
from service.merging import family_of
from service.models import Case, CaseLink, CaseStep, Cause, DeskSetup, Escalation, Macro, Satisfaction, TextModule
from service.queue import LONGEST, TYPE_TONES, Queue, clock, span
from service.reference import path_of
from service.satisfaction import LOW
from service.services import GOODWILL

YEAR = timedelta(days=365)
LATELY = timedelta(days=60)
MOST = 6  # other cases and last contacts beside the case
SHOWN = 200  # entries of a conversation on one page
_FACTS = ["type", "priority", "channel", "touchpoint", "product", "lot", "demanded", "reporter", "team", "owner"]
_DID = {
    "open": gettext_lazy("took it down"),
    "take": gettext_lazy("took it over"),
    "assign": gettext_lazy("assigned it"),
    "ack": gettext_lazy("acknowledged it"),
    "wait": gettext_lazy("waits for the customer"),
    "resume": gettext_lazy("goes on"),
    "solve": gettext_lazy("solved it"),
    "reopen": gettext_lazy("opened it again"),
    "close": gettext_lazy("closed it"),
    "merge": gettext_lazy("merged it into another case"),
    "grant": gettext_lazy("wrote down cause and remedy"),
    "void": gettext_lazy("took a step back"),
}
_SIDES = {Interaction.Direction.IN: "", Interaction.Direction.OUT: "out", Interaction.Direction.NONE: "int"}


def desk(request: HttpRequest, case: Case | None, **forms: Any) -> dict[str, Any]:
    """Everything `service/desk.html` draws; without a case the first of the queue stands in the middle."""
    user, now = request.user, timezone.now()
    queue = Queue(user, request.GET.get("view", ""), now, deadlines.calendars())
    rows = queue.first(LONGEST + 1)
    from_queue = case is None
    if case is None and rows:
        case = _whole(user).filter(pk=rows[0].pk).first()
    tabs = queue.tabs()
    context: dict[str, Any] = {
        "tabs": tabs,
        "tab": next(tab for tab in tabs if tab["current"]),
        "queue": queue.drawn(rows[:LONGEST], case.pk if case else None),
        "more": len(rows) > LONGEST,
        "kept": queue.kept,
        "list_url": f"{reverse('case-list')}?state=unsettled",
        "create_url": reverse("case-create") if may(user, "add", Case) else "",
        "causes_url": reverse("causes") if "cause" not in queue.hidden else "",
        "summary": _summary(user, now, tabs),
        "on_queue": from_queue,
        "object": case,
        "empty": {"title": _("No cases yet"), "text": _("A case is what a customer wants settled: a question, a fault, a request or a complaint, each with its deadline.")}
        if not rows and case is None and not Case.objects.visible_to(user).exists()
        else None,
        "form_url": reverse("case-form") if case is None and DeskSetup.current().form_open else "",
    }
    return context if case is None else {**context, **opened(case, request, queue, **forms)}


def _whole(user: Any) -> QuerySet[Case]:
    rows = with_party_beside(Case.objects.visible_to(user), user)
    return rows.select_related("party", "organisation", "owner", "team", "rule__calendar", "cause", "remedy", "product", "touchpoint", "merged_into")


def _summary(user: Any, now: datetime, tabs: list[dict[str, Any]]) -> str:
    counts = {tab["key"]: tab["count"] for tab in tabs}
    end = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    today = Case.objects.visible_to(user).filter(OPEN, due_next__gt=now, due_next__lt=end).count()
    words = [
        _("%(n)s open") % {"n": formats.number(counts["all"])},
        _("%(n)s due today") % {"n": formats.number(today)},
        _("%(n)s overdue") % {"n": formats.number(counts["late"])},
    ]
    return " · ".join(words)


def opened(case: Case, request: HttpRequest, queue: Queue, entry_form: EntryForm | None = None, grant_form: GrantForm | None = None) -> dict[str, Any]:
    """The case itself and what stands beside it."""
    user, hidden = request.user, queue.hidden
    may_here = {verb: Case.objects.visible_to(user, verb).filter(pk=case.pk).exists() for verb in ("change", "assign", "delete")}
    party = case.party if case.party_seen else None  # type: ignore[attr-defined]
    form = entry_form or EntryForm(auto_id="entry_%s", addresses=addresses_for(case, user))
    words = texts.words_for(case, user)
    macros = Macro.objects.visible_to(user).filter(active=True).select_related("team", "text")
    mail = _address(party)
    return {
        "object": case,
        "title": str(case),
        "may": may_here,
        "may_write": may(user, "add", Interaction),
        "hidden": hidden,
        "tone": TYPE_TONES[case.type],
        "clocks": _clocks(case, queue.now, hidden),
        "clock": clock(case, queue.now, queue.known),
        "talk": talk(case, user, party, hidden, mail),
        "entry_form": form,
        "entry_tabs": form.tabs(),
        "modules": [{"pk": module.pk, "label": module.label, "text": texts.filled(module, case, user, words)} for module in TextModule.objects.visible_to(user).filter(active=True)],
        "macros": [macro for macro in macros if may_here["assign"] or macro.team is None] if case.is_open and may_here["change"] else [],
        "facts": _facts(case, hidden),
        "grant_form": grant_form or (GrantForm(case=case, user=user, hidden=hidden) if may_here["change"] and case.state != Case.State.CLOSED else None),
        "granted": _granted(case, hidden),
        "approval": open_approval(case, GOODWILL) if not hidden & {"goodwill", "remedy"} else None,
        "house": Installation.current().currency,
        "links": _links(case, user),
        "near": _near(case, user, hidden),
        "writer": next((f"{name} <{address}>" if name else address for address, name in writers_of(case)), "") if case.party_id is None and may_here["change"] and "email" not in hidden_fields(user, Party) else "",
        **_customer(case, party, user, queue, mail),
    }


def _clocks(case: Case, now: datetime, hidden: frozenset[str]) -> list[dict[str, str]]:
    """Both promises in words, as the header says them. Of one whose deadline is hidden nothing is said."""
    found = deadlines.clocks_of(case, now=now)
    lines = []
    for label, one, due, done in ((_("Acknowledgement"), found.acknowledgement, "due_ack", "ack_at"), (_("Solution"), found.solution, "due_solution", "solved_at")):
        if one is None or due in hidden or (case.state == Case.State.CLOSED and case.merged_into_id):
            continue
        if (at := getattr(case, done)) is not None:
            words = (_("kept") if one.state == "met" else _("kept too late")) + ("" if done in hidden else f" ({formats.moment(at)})")
        elif one.due is None:
            words = _("rests, %(span)s left") % {"span": span(max(one.remaining, timedelta()))}
        else:
            words = (_("by %(when)s, late") if one.state == "broken" else _("by %(when)s")) % {"when": formats.moment(one.due)}
        lines.append({"label": label, "words": words, "tone": "bad" if one.state == "broken" else "good" if one.state == "met" else ""})
    return lines


def talk(case: Case, user: Any, party: Party | None, hidden: frozenset[str], mail: str = "") -> list[dict[str, Any]]:
    """What happened, the oldest first: the report, what was said, and the steps as small lines."""
    customer = str(party or ("" if "reporter" in hidden else case.reporter) or _("Customer"))
    description = "" if "description" in hidden else case.description
    steps = list(CaseStep.objects.visible_to(user).filter(case=case.pk).order_by("at", "pk"))
    late = list(Escalation.objects.visible_to(user).filter(case=case.pk))
    people = User.objects.in_bulk({step.by_id for step in steps if step.by_id})
    lines: list[dict[str, Any]] = [
        {"at": step.at, "step": True, "who": str(people.get(step.by_id or 0) or _("Lotse itself")), "text": _DID[step.kind]} for step in steps if step.kind != CaseStep.Kind.OPEN
    ]
    lines += [{"at": row.at, "step": True, "who": "", "text": _("Deadline passed and reported: %(what)s") % {"what": row.get_clock_display()}, "bad": True} for row in late]
    seen = set(Interaction.objects.visible_to(user).filter(pk__in=entries_of(case).values("pk")).values_list("pk", flat=True))
    mine = set(Interaction.objects.visible_to(user, "change").filter(pk__in=seen).values_list("pk", flat=True)) if may(user, "change", Interaction) else set()
    shown = list(entries_of(case).filter(pk__in=seen))[-SHOWN:]
    mails, came = mails_of(shown), of_case(family_of(case))
    may_know = "email" not in hidden_fields(user, Party)
    back = urlencode({"next": reverse("case-detail", args=[case.pk])})
    for entry in shown:
        sent, mail_in = mails.get(entry.pk), came.get(entry.pk)
        side = _SIDES[Interaction.Direction(entry.direction)]
        incoming = entry.direction == Interaction.Direction.IN
        lines.append(
            {
                "at": entry.occurred_at,
                "side": side,
                "kind": _("internal") if side == "int" else entry.get_kind_display(),
                "who": _writer(mail_in, may_know) or customer if incoming else str(entry.created_by or _("Lotse itself")),
                "note": _("taken down by %(who)s") % {"who": entry.created_by} if incoming and entry.created_by else "",
                "text": entry.body,
                "edit_url": f"{reverse('interaction-update', args=[entry.pk])}?{back}" if entry.pk in mine and sent is None and mail_in is None else "",
                "mail_url": _mail_url(case, mail, entry.body) if mail and sent is None and (entry.kind, entry.direction) == ("email", "out") else "",
                "sent": _sent(sent) if sent is not None else None,
                **(mail_drawn(mail_in, entry.body, case) if mail_in is not None else {}),
            }
        )
    rated = Satisfaction.objects.visible_to(user).filter(case=case.pk, score__isnull=False).first()
    if rated is not None:
        text = _("gives %(score)s of 5") % {"score": rated.score} + (f": {rated.words}" if rated.words else "")
        lines.append({"at": rated.answered_at, "step": True, "who": customer, "text": text, "bad": rated.score <= LOW})
    lines.sort(key=lambda line: line["at"])
    if case.channel in {Case.Channel.MAIL, Case.Channel.FORM} and not description and came:
        return lines  # what was written first is the report
    report = {"at": case.opened_at, "side": "", "kind": case.get_channel_display(), "who": customer, "text": description or case.heading}
    taken = people.get(steps[0].by_id or 0) if steps else None
    report["note"] = _("taken down by %(who)s") % {"who": taken} if taken else ""
    return [report, *lines]


def _writer(mail: IncomingMail | None, may_know: bool) -> str:
    """Who wrote a mail, as far as the reader may know addresses."""
    return (mail.sender_name or (mail.sender if may_know else "")) if mail is not None else ""


def _sent(mail: OutgoingMail) -> dict[str, str]:
    """What became of an answer that left as a mail."""
    tones = {OutgoingMail.State.ACCEPTED: "good", OutgoingMail.State.REFUSED: "bad", OutgoingMail.State.UNCLEAR: "bad", OutgoingMail.State.WITHDRAWN: "warn", OutgoingMail.State.RETURNED: "bad"}
    return {"words": mail.get_state_display(), "tone": tones.get(OutgoingMail.State(mail.state), "")}


def _mail_url(case: Case, address: str, body: str) -> str:
    """The entry in the reader's own mail program."""
    return f"mailto:{address}?" + urlencode({"subject": f"[{case.number}] {case.heading}", "body": body}).replace("+", "%20")


def _address(party: Party | None) -> str:
    found = main(party.emails) if party is not None else None
    return found.address if found else ""


def _facts(case: Case, hidden: frozenset[str]) -> list[dict[str, Any]]:
    """Label and value of what is filled in."""
    found = []
    for name in _FACTS:
        if name in hidden:
            continue
        field: Any = Case._meta.get_field(name)
        value = getattr(case, f"get_{name}_display")() if field.choices else getattr(case, name)
        if value or name == "owner":
            found.append({"label": _("Queue") if name == "team" else str(field.verbose_name)[:1].upper() + str(field.verbose_name)[1:], "text": str(value or _("nobody yet"))})
    return found


def _granted(case: Case, hidden: frozenset[str]) -> list[dict[str, str]]:
    """Cause, remedy and cost for those who may not change them."""
    known = {cause.pk: cause for cause in Cause.objects.all()} if case.cause_id and "cause" not in hidden else {}
    house = Installation.current().currency
    lines = [
        ("cause", _("Cause"), path_of(known.get(case.cause_id or 0), known)),
        ("remedy", _("Granted"), str(case.remedy or "")),
        ("goodwill", _("Goodwill"), formats.money(case.goodwill, house) if case.goodwill else ""),
        ("own_cost", _("Own cost"), formats.money(case.own_cost, house) if case.own_cost else ""),
    ]
    return [{"label": label, "text": text} for name, label, text in lines if text and name not in hidden]


def _links(case: Case, user: Any) -> list[dict[str, Any]]:
    """Cases it has to do with: linked, merged into it, or it into them; only what the reader sees."""
    pairs = CaseLink.objects.visible_to(user)
    ids = {*pairs.filter(case=case.pk).values_list("other", flat=True), *pairs.filter(other=case.pk).values_list("case", flat=True)}
    rows = Case.objects.visible_to(user)
    found = [{"case": row, "how": _("linked"), "linked": True} for row in rows.filter(pk__in=ids).order_by("-opened_at")]
    found += [{"case": row, "how": _("merged into this one"), "linked": False} for row in rows.filter(merged_into=case.pk).order_by("-opened_at")]
    if case.merged_into_id:
        found += [{"case": row, "how": _("this one was merged into it"), "linked": False} for row in rows.filter(pk=case.merged_into_id)]
    return found


def _near(case: Case, user: Any, hidden: frozenset[str]) -> dict[str, Any] | None:
    """Others with the same lot lately: what one lot breaks is one cause."""
    if not case.lot or "lot" in hidden:
        return None
    same = Case.objects.visible_to(user).filter(lot__iexact=case.lot, opened_at__gte=timezone.now() - LATELY).exclude(pk=case.pk)
    count = same.count()
    if not count:
        return None
    words = ngettext("%(n)s more case with lot %(lot)s in 60 days.", "%(n)s more cases with lot %(lot)s in 60 days.", count) % {"n": formats.number(count), "lot": case.lot}
    return {"words": words, "url": f"{reverse('case-list')}?{urlencode({'lot': case.lot})}"}


def _customer(case: Case, party: Party | None, user: Any, queue: Queue, mail: str) -> dict[str, Any]:
    """Whom it is about: how to reach them, what else is open, what was said last, and the panels of the other apps."""
    if party is None:
        return {"party": None, "organisation": None, "others": [], "lately": [], "panels": [], "reach": []}
    organisation = case.organisation if case.organisation_id and case.organisation_id != party.pk and Party.objects.visible_to(user).filter(pk=case.organisation_id).exists() else None
    whole = organisation or party
    theirs = Case.objects.visible_to(user).filter(of_party(whole)).exclude(pk=case.pk)
    complaints = theirs.filter(type=Case.Type.COMPLAINT, merged_into__isnull=True, opened_at__gte=queue.now - YEAR).count() + case.is_complaint
    phone = main(party.phones)
    hidden = hidden_fields(user, Party)
    reach = [{"icon": "phone", "text": phone.number, "url": f"tel:{phone.number.replace(' ', '')}"}] if phone and "phone" not in hidden else []
    if mail and "email" not in hidden:
        reach.append({"icon": "mail", "text": mail, "url": f"mailto:{mail}?" + urlencode({"subject": f"[{case.number}] {case.heading}"}).replace("+", "%20")})
    return {
        "party": party,
        "organisation": organisation,
        "reach": reach,
        "complaints": complaints,
        "others": list(theirs.order_by("-opened_at")[:MOST]),
        "others_url": f"{reverse('case-list')}?party={whole.pk}",
        "lately": _lately(whole, case, user),
        "panels": [
            {"key": panel.key, "label": panel.label, "url": reverse(panel.url_name, args=[whole.pk]), "list_url": panel.list_url(whole)} for panel in panels_for(user) if panel.key != "cases"
        ],
    }


def _lately(party: Party, case: Case, user: Any) -> list[dict[str, Any]]:
    """The last entries of the customer's history that are not about this case."""
    rows = Interaction.objects.visible_to(user).filter(party=party.pk).exclude(kind=Interaction.Kind.SYSTEM)
    found = []
    for entry in rows.select_related("created_by").order_by("-occurred_at", "-pk")[: MOST * 2]:
        kind = kind_of(entry.subject_type_id)
        if kind is not None and kind.model is Case and entry.subject_id == case.pk:
            continue
        found.append({"label": entry.get_kind_display(), "who": str(entry.created_by or ""), "at": entry.occurred_at, "text": entry.heading or entry.body})
    return found[:3]
