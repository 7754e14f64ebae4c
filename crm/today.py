"""Today: what to do next, and why, in words. Every line is a record the reader looks after."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from analytics import page, periods
from analytics.forecast import Ask, Forecast, current_period, likely, may_read
from contacts.models import Interaction, Party, Task
from crm.core import formats
from crm.core.access import hidden_fields, may
from crm.core.models import Notification
from crm.core.subjects import kind_of, name_subject
from sales.models import Opportunity
from service.models import Case

QUIET = 14  # days without a next step until an opportunity is named
MOST = 25  # lines of one group
NEW = 8


def today(user: Any) -> dict[str, Any]:
    """Everything `today.html` draws: groups of lines [{icon, state, title, url, about, reason, more, amount, currency, task}], what is new, figures."""
    now = timezone.now()
    end = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    tasks = list(Task.objects.visible_to(user).filter(owner=user, done_at__isnull=True, due_at__lt=end).select_related("party").order_by("due_at", "pk")[: MOST + 1])
    seen = Party.objects.visible_to(user).in_bulk({task.party_id for task in tasks if task.party_id})
    late, rest = [task for task in tasks if task.due_at < now], [task for task in tasks if task.due_at >= now]
    overdue = _overdue(user)
    told = {row.pk for row in overdue}
    quiet = [row for row in _quiet(user, now) if row.pk not in told]
    cases = _cases(user, end)
    groups = [
        (_("Cases due today"), [_case(row, now) for row in cases]),
        (_("Overdue"), [_task(task, seen, now) for task in late]),
        (_("Today"), [_task(task, seen, now) for task in rest]),
        (_("Past their expected close"), [_past_close(row, user) for row in overdue]),
        (_("Without a next step"), [_without_step(row, user, now) for row in quiet]),
    ]
    news = list(Notification.objects.visible_to(user).filter(read_at__isnull=True)[:NEW])
    return {
        "now": now,
        "groups": [{"label": label, "items": items[:MOST], "more": len(items) > MOST} for label, items in groups if items],
        "news": news,
        "figures": [
            *_money(user),
            {"label": _("Overdue tasks"), "value": _capped(late), "detail": _("mine"), "state": "bad" if late else ""},
            {"label": _("Tasks today"), "value": _capped(rest), "detail": formats.short_day(now)},
            *([{"label": _("Cases due today"), "value": _capped(cases), "detail": _("mine"), "state": "warn" if cases else ""}] if may(user, "change", Case) else []),
            *(
                [
                    {"label": _("Past expected close"), "value": _capped(overdue), "detail": _("my open opportunities"), "state": "warn" if overdue else ""},
                    {"label": _("Without a next step"), "value": _capped(quiet), "detail": _("for %(n)s days or longer") % {"n": QUIET}},
                ]
                if may(user, "view", Opportunity)
                else []
            ),
        ],
    }


def _money(user: Any) -> list[dict[str, Any]]:
    """Closed and likely in this quarter: one's own, or of all one sees where one sells nothing oneself."""
    if not may_read(user):
        return []
    period = current_period()
    for owner in (user, None):
        found = Forecast(Ask(user, period, owner=owner))
        if owner and not found.rows.exists():
            continue
        total = found.alone
        if total.n_won or total.n_open:
            break
    else:
        return []
    url = f"{reverse('forecast')}?{page.query(found.ask)}"
    return [
        {"label": _("My closed") if owner else _("Closed"), "value": formats.money(total.won_revenue, found.currency, decimals=0),
         "detail": _("%(n)s won in %(period)s") % {"n": formats.number(total.n_won), "period": periods.label(period)}, "url": url},
        {"label": _("Likely"), "value": formats.money(likely(total), found.currency, decimals=0), "detail": _("closed + weighted"), "state": "acc", "url": url},
    ]  # fmt: skip


def _cases(user: Any, end: datetime) -> list[Case]:
    """My cases whose deadline passes today or has passed, the most urgent first."""
    rows = Case.objects.visible_to(user).filter(owner=user, due_next__lt=end)
    return list(rows.order_by("due_next", "pk")[: MOST + 1])


def _case(row: Case, now: datetime) -> dict[str, Any]:
    assert row.due_next is not None
    late = row.due_next <= now
    acknowledge = row.ack_at is None and row.due_next == row.due_ack
    reason = (_("To be acknowledged by %(when)s.") if acknowledge else _("To be solved by %(when)s.")) % {"when": formats.moment(row.due_next)}
    words = {"icon": "headset", "state": "bad" if late else "warn", "title": row.heading, "url": reverse("case-detail", args=[row.pk]), "about": row.number}
    return {**words, "reason": reason, "more": "", "action": pgettext("verb", "Open")}


def _capped(rows: list[Any]) -> str:
    return _("more than %(n)s") % {"n": MOST} if len(rows) > MOST else formats.number(len(rows))


def _mine(user: Any) -> QuerySet[Opportunity]:
    return Opportunity.objects.visible_to(user).filter(owner=user, state=Opportunity.State.OPEN)


def _overdue(user: Any) -> list[Opportunity]:
    if "expected_close" in hidden_fields(user, Opportunity):
        return []
    return list(_mine(user).filter(expected_close__lt=timezone.localdate()).order_by("expected_close", "pk")[: MOST + 1])


def _quiet(user: Any, now: datetime) -> list[Opportunity]:
    """Open ones without an open task, where for two weeks nothing was moved, written or done; the largest first."""
    here = {"subject_type": name_subject(Opportunity())["subject_type"], "subject_id": OuterRef("pk")}
    said, tasks, since = Interaction.objects.unrestricted().filter(**here), Task.objects.unrestricted().filter(**here), now - timedelta(days=QUIET)
    written = said.order_by().values("subject_id").annotate(last=Max("occurred_at")).values("last")
    done = tasks.order_by().values("subject_id").annotate(last=Max("done_at")).values("last")
    last = Greatest(F("stage_since"), Coalesce(Subquery(written), F("stage_since")), Coalesce(Subquery(done), F("stage_since")))  # of those shown alone
    rows = _mine(user).filter(~Exists(tasks.filter(done_at__isnull=True)), ~Exists(said.filter(occurred_at__gte=since)), ~Exists(tasks.filter(done_at__gte=since)), stage_since__lt=since)
    return list(rows.annotate(quiet_since=last).order_by(F("amount").desc(nulls_last=True), "pk")[: MOST + 1])


def _task(task: Task, seen: dict[int, Party], now: datetime) -> dict[str, Any]:
    kind = kind_of(task.subject_type_id)
    party = seen.get(task.party_id or 0)
    late = task.due_at < now
    url = kind.url(task.subject_id) if kind and task.subject_id else reverse("party-detail", args=[party.pk]) if party else ""
    days = (timezone.localtime(now).date() - timezone.localtime(task.due_at).date()).days
    if late and days:
        reason = ngettext("Overdue for %(n)s day.", "Overdue for %(n)s days.", days) % {"n": formats.number(days)}
    else:
        reason = (_("Was due at %(time)s.") if late else _("Due at %(time)s.")) % {"time": formats.clock(task.due_at)}
    return {"icon": "checkbox", "state": "bad" if late else "", "title": task.text, "url": url, "about": str(party or ""), "reason": reason, "more": "", "task": task.pk}


def _line(row: Opportunity, user: Any, **words: Any) -> dict[str, Any]:
    amount = None if "amount" in hidden_fields(user, Opportunity) else row.amount
    return {"icon": "target", "state": "warn", "title": row.name, "url": reverse("opportunity-detail", args=[row.pk]), "about": row.number, "amount": amount, "currency": row.currency_id, **words}


def _past_close(row: Opportunity, user: Any) -> dict[str, Any]:
    assert row.expected_close is not None
    days = (timezone.localdate() - row.expected_close).days
    reason = ngettext("Its close was expected %(n)s day ago", "Its close was expected %(n)s days ago", days) % {"n": formats.number(days)}
    return _line(row, user, reason=f"{reason} ({formats.day(row.expected_close)}).", more=_("Win it, lose it, or set a new day."), action=_("Decide"))


def _without_step(row: Any, user: Any, now: datetime) -> dict[str, Any]:
    days = (now - row.quiet_since).days
    reason = ngettext("For %(n)s day nothing has happened and no next step is planned.", "For %(n)s days nothing has happened and no next step is planned.", days)
    return _line(row, user, reason=reason % {"n": formats.number(days)}, more="", action=_("Plan"), icon="route", state="")
