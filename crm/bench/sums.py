"""The floors of pages that show sums: the same sums by hand, in one statement. They have no keys, so only their cost is compared."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from analytics import periods
from analytics.forecast import current_period
from crm.bench.floors import Gate
from crm.bench.measure import Sql
from crm.bench.personas import Persona
from crm.core.days import midnight, on_days
from crm.core.models import Installation
from crm.today import MOST, QUIET
from sales.learning import current_rates
from sales.models import Opportunity
from service.models import Case

Part = tuple[str, list[Any]]
LINES = MOST + 1


def board(persona: Persona) -> list[Sql]:
    """How many and how much in each stage, in the house currency and to the cent, and how much of it by the stage's rate: what the board shows."""
    rate = "SELECT r.value FROM catalog_rate r WHERE r.currency_id = p.currency_id AND r.valid_from <= %s ORDER BY r.valid_from DESC LIMIT 1"
    value = f"CASE WHEN p.currency_id = %s THEN p.amount ELSE round(p.amount * ({rate}), 2) END"
    share = " ".join(f"WHEN {stage} THEN {known}" for stage, known in current_rates().items())
    found = []
    for condition, mine in Gate(persona, Opportunity, "opportunity").plans():
        rows = f"SELECT p.stage_id AS stage, {value} AS value FROM sales_opportunity p WHERE {condition} AND p.state = 'open' OFFSET 0"  # once for each row
        text = f"SELECT stage, count(*), sum(value), sum(round(value * CASE stage {share} ELSE 0 END, 2)) FROM ({rows}) p GROUP BY 1 ORDER BY 1"
        found.append(Sql(text, [Installation.current().currency, timezone.localdate(), *mine]))
    return found


def today(persona: Persona) -> list[Sql]:
    """The first lines of each group, each within what the reader looks after: tasks, cases, what should have closed, and where nothing happens;
    and what was won and is expected in the quarter, likewise."""
    end, mine = midnight(timezone.localdate() + timedelta(days=1)), "p.owner_id = %s AND p.state = 'open'"
    period = current_period()
    hangs = "x.subject_type_id = %s AND x.subject_id = p.id"
    kind = ContentType.objects.get_for_model(Opportunity).pk
    since = timezone.now() - timedelta(days=QUIET)
    none = [f"NOT EXISTS (SELECT FROM {table} x WHERE {hangs} AND {what})" for table, what in (("contacts_task", "x.done_at IS NULL"), ("contacts_interaction", "x.occurred_at >= %s"), ("contacts_task", "x.done_at >= %s"))]
    quiet = " AND ".join([mine, "p.stage_since < %s", *none])
    return [_together([
        (f"SELECT t.id FROM contacts_task t WHERE t.owner_id = %s AND t.done_at IS NULL AND t.due_at < %s ORDER BY t.due_at, t.id LIMIT {LINES}", [persona.user.pk, end]),
        (f"SELECT c.id FROM service_case c WHERE c.owner_id = %s AND c.due_next < %s ORDER BY c.due_next, c.id LIMIT {LINES}", [persona.user.pk, end]),
        (f"SELECT p.id FROM sales_opportunity p WHERE {mine} AND p.expected_close < %s ORDER BY p.expected_close, p.id LIMIT {LINES}", [persona.user.pk, timezone.localdate()]),
        (f"SELECT p.id FROM sales_opportunity p WHERE {quiet} ORDER BY p.amount DESC NULLS LAST, p.id LIMIT {LINES}", [persona.user.pk, since, kind, kind, since, kind, since]),
        ("SELECT sum(p.amount) FROM sales_opportunity p WHERE p.owner_id = %s AND p.state = 'won' AND p.closed_on BETWEEN %s AND %s", [persona.user.pk, period.start, period.end]),
        (f"SELECT sum(p.amount) FROM sales_opportunity p WHERE {mine} AND p.expected_close BETWEEN %s AND %s", [persona.user.pk, period.start, period.end]),
    ])]  # fmt: skip


def forecast(persona: Persona) -> list[Sql]:
    """What was decided and what is expected in the year, by month, team, owner and stage, and what is late."""
    return [_together(parts) for parts in _forecast(persona)]


def overview(persona: Persona) -> list[Sql]:
    """The forecast, and the complaints of the quarter and of the one before: by cause, solved and waiting."""
    return [_together([*parts, *more]) for parts, more in zip(_forecast(persona), _complaints(persona), strict=True)]


def _forecast(persona: Persona) -> list[list[Part]]:
    year = periods.year_of(current_period(), Installation.current().fiscal_year_start)
    days, found = [year.start, year.end], []
    for condition, mine in Gate(persona, Opportunity, "opportunity").plans():
        rows = f"count(*), sum(p.amount) FROM sales_opportunity p WHERE {condition}"
        by = "date_trunc('month', p.{day})::date, p.team_id, p.owner_id, p.state, p.stage_id"
        found.append([
            (f"SELECT {by.format(day='closed_on')}, {rows} AND p.state <> 'open' AND p.closed_on BETWEEN %s AND %s GROUP BY 1, 2, 3, 4, 5", [*mine, *days]),
            (f"SELECT {by.format(day='expected_close')}, {rows} AND p.state = 'open' AND p.expected_close BETWEEN %s AND %s GROUP BY 1, 2, 3, 4, 5", [*mine, *days]),
            (f"SELECT NULL, NULL, NULL, 'late', NULL, {rows} AND p.state = 'open' AND p.expected_close < %s", [*mine, timezone.localdate()]),
        ])  # fmt: skip
    return found


def _complaints(persona: Persona) -> list[list[Part]]:
    here = current_period()
    before = periods.before(here, Installation.current().fiscal_year_start)
    found = []
    for condition, mine in Gate(persona, Case, "case").plans():
        rows = f"count(*), {{sum}} FROM service_case p WHERE {condition} AND p.type = 'complaint' AND p.merged_into_id IS NULL"
        plain, days = rows.format(sum="NULL"), list(on_days("", here.start, here.end).values())
        found.append([
            (f"SELECT NULL, p.cause_id, NULL, 'opened', NULL, {rows.format(sum='sum(p.goodwill + p.own_cost)')} AND p.opened_at >= %s AND p.opened_at < %s GROUP BY 2", [*mine, *days]),
            (f"SELECT NULL, NULL, NULL, 'before', NULL, {plain} AND p.opened_at >= %s AND p.opened_at < %s", [*mine, midnight(before.start), midnight(here.start)]),
            (f"SELECT NULL, NULL, NULL, 'solved', NULL, {plain} AND p.solved_at >= %s AND p.solved_at < %s", [*mine, *days]),
            (f"SELECT NULL, NULL, NULL, 'waiting', NULL, {plain} AND NOT p.state IN ('solved', 'closed')", mine),
        ])  # fmt: skip
    return found


def _together(parts: list[Part]) -> Sql:
    return Sql(" UNION ALL ".join(f"({text})" for text, _values in parts), [value for _text, values in parts for value in values])
