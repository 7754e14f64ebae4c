"""Opportunities of the export: judged against names, answers and what is here; written with their past in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from accounts.models import Team
from contacts.models import Party
from contacts.search import index_parties
from crm.core.access import hidden_fields
from crm.core.numbers import take_numbers
from sales.imports import past
from sales.imports.agents import Staff
from sales.imports.context import Context, Finding, Names, Plan, differing, shown
from sales.imports.models import Kind
from sales.imports.organisations import create_organisations, foreign, known_organisations
from sales.imports.products import PriceList
from sales.imports.reading import name_key
from sales.imports.rows import Row
from sales.imports.stages import stage_words
from sales.models import LostReason, Opportunity, Stage
from sales.pipelines import seed_pipeline
from sales.services import STEP

_COLUMNS = {
    "name": ("name",),
    "party_id": ("account",),
    "product_id": ("product",),
    "owner_id": ("agent",),
    "team_id": ("agent",),
    "amount": ("amount", "product", "stage"),
    "pricing": ("amount", "product", "stage"),
    "opened_on": ("opened_on",),
    "closed_on": ("closed_on", "stage"),
    "expected_close": ("expected_close", "closed_on"),
    "stage": ("stage",),
    "state": ("stage",),
}
State = Opportunity.State


def _bottom(stages: Iterable[Stage]) -> dict[int, Decimal]:
    """The rank of the last card in each column: one look at the end of an index for each, however many cards stand above it."""
    cards = Opportunity.objects.unrestricted().filter(stage=OuterRef("pk"), state=State.OPEN).order_by("-rank")
    found = Stage.objects.filter(pk__in=[stage.pk for stage in stages]).annotate(last=Subquery(cards.values("rank")[:1]))
    return {pk: -STEP if last is None else last for pk, last in found.values_list("pk", "last")}


class Opportunities:
    """Judges and writes rows of kind opportunity."""

    kind = Kind.OPPORTUNITY

    def __init__(self, context: Context) -> None:
        self.context = context
        self.words = stage_words(context.run.pipeline)
        self.states = Names((word, place + 1) for place, (word, _meaning) in enumerate(self.words))

    def key(self, facts: dict[str, str]) -> str:
        return facts["external_id"]

    def load(self, rows: Sequence[Row]) -> None:
        context, staged = self.context, not self.context.settled
        self.staff = Staff(context, staged=staged)
        self.list = PriceList(context, staged=staged)
        wanted = [row.facts["account"] for row in rows if "account" in row.facts]
        chosen = [context.answers.get(f"account:{name}", "") for name in wanted]
        wanted += [choice[4:] for choice in chosen if choice.startswith("use:")]
        self.accounts = known_organisations(context, wanted, staged=staged)
        self.foreign = foreign(context, self.accounts)
        if context.settled:
            self._create_missing(wanted)
        keys = [row.key for row in rows]
        held = Opportunity.objects.unrestricted().filter(source=context.run.source, external_id__in=keys).select_related("stage__pipeline")
        if context.settled:
            held = held.select_for_update(of=("self",))
        self.known = {opportunity.external_id: opportunity for opportunity in held}
        here = [opportunity.pk for opportunity in self.known.values()]
        self.may = {verb: set(Opportunity.objects.visible_to(context.by, verb).filter(pk__in=here).values_list("pk", flat=True)) for verb in ("view", "change", "assign")}
        hidden = hidden_fields(context.by, Opportunity)
        self.columns = {column: names for column, names in _COLUMNS.items() if column.removesuffix("_id") not in hidden and not (column == "pricing" and "amount" in hidden)}
        self.earlier = context.earlier(self.kind, keys)

    def _create_missing(self, wanted: Sequence[str]) -> None:
        missing = {name_key(name): name for name in wanted if self.context.answers.get(f"account:{name}") == "create" and self.accounts.get(name) is None}
        if missing:
            ids = create_organisations(self.context, [{"legal_name": name} for name in missing.values()])
            index_parties(ids)
            for name, pk in zip(missing.values(), ids, strict=True):
                self.accounts.add(name, pk)

    def judge(self, row: Row) -> Finding:
        facts, finding, context = row.facts, Finding(), self.context
        meaning = self._meaning(facts, finding)
        state, stage = meaning or (State.OPEN, "")
        account = self._account(facts, state, finding) if meaning else None
        product = context.resolve("product", facts["product"], self.list.names, finding) if "product" in facts else None
        owner = context.resolve("agent", facts["agent"], self.staff.names, finding) if "agent" in facts else None
        team = (self.staff.team_of.get(owner) or context.root.pk) if owner else None if owner == 0 else context.home.pk
        amount, pricing = self._amount(facts, state, finding)
        opened, closed = (date.fromisoformat(facts[name]) if name in facts else None for name in ("opened_on", "closed_on"))
        expected = date.fromisoformat(facts["expected_close"]) if "expected_close" in facts else None
        if state == State.OPEN:
            expected, closed = expected or closed, None
        elif closed is None:
            finding.refuse("closed_without_day")
        elif opened and closed < opened:
            finding.refuse("closed_before_opened", opened=opened.isoformat(), closed=closed.isoformat())
        if max(filter(None, (opened, closed)), default=date.min) > timezone.localdate():
            finding.refuse("in_the_future")
        if state == State.WON and amount is None and meaning:
            finding.refuse("won_without_amount")
        finding.values = {
            "name": self._name(facts), "party_id": account, "product_id": product, "owner_id": owner, "team_id": team, "state": state, "stage": stage,
            "amount": amount, "pricing": pricing, "opened_on": opened, "closed_on": closed, "expected_close": expected,
        }  # fmt: skip
        known = self.known.get(row.key)
        if known is not None:
            self._compare(row, known, finding)
        elif not context.may_add("opportunity", team):
            finding.refuse("no_right", what="opportunity")
        return finding

    def _meaning(self, facts: dict[str, str], finding: Finding) -> tuple[str, str] | None:
        """(state, key of the stage) the word stands for."""
        place = self.context.resolve("stage", facts["stage"], self.states, finding)
        return self.words[place - 1][1] if place else None

    def _account(self, facts: dict[str, str], state: str, finding: Finding) -> int | None:
        if "account" in facts:
            found = self.context.resolve("account", facts["account"], self.accounts, finding)
            if found in self.foreign:
                finding.refuse("no_right", what="party")
                return None
            if found is None and self.context.answers.get(f"account:{facts['account']}") == "create":
                found = self.accounts.get(facts["account"])
            if found is None and state == State.WON and not finding.doubtful and not finding.reasons:
                finding.refuse("won_without_account")
            return found
        if state == State.WON:
            finding.refuse("won_without_account")
        else:
            self.context.choose("no_account", "", finding)
        return None

    def _amount(self, facts: dict[str, str], state: str, finding: Finding) -> tuple[Decimal | None, str]:
        """What the file says; where it says nothing, or 0 for a lost one, the list price: at that value it was open, at that it was lost."""
        amount = Decimal(facts["amount"]) if "amount" in facts else None
        if amount or (amount is not None and state == State.WON):
            return amount, Opportunity.Pricing.TYPED
        name = facts.get("product", "")
        choice = self.context.answers.get(f"product:{name}", "")
        price = self.list.prices.get(name_key(choice[4:] if choice.startswith("use:") else name))
        if price is not None and state != State.WON:
            return price, Opportunity.Pricing.LIST
        return amount, Opportunity.Pricing.TYPED

    def _name(self, facts: dict[str, str]) -> str:
        return (facts.get("name") or ", ".join(filter(None, (facts.get("account"), facts.get("product")))) or facts["external_id"])[:160]

    def _compare(self, row: Row, known: Opportunity, finding: Finding) -> None:
        finding.target_id = known.pk
        if known.pk not in self.may["view"]:  # refused unread
            finding.refuse("no_right", what="opportunity")
            return
        values, earlier = finding.values, self.earlier.get(row.key)
        now = {**vars(known), "stage": known.stage.key}
        columns = dict(self.columns)
        if "name" not in row.facts:
            del columns["name"]  # a made-up name is no fact of the file
        if known.stage.pipeline.key != self.context.run.pipeline:
            del columns["stage"]
        changed = differing(columns, row.facts, earlier, now, values)
        if changed.keys() & {"state", "stage"} and known.state != State.OPEN:
            if earlier is None or earlier.get("stage") != row.facts.get("stage"):
                finding.refuse("decided_here", state=known.state)
            return
        if values["state"] != State.OPEN:
            changed.pop("stage", None)
        finding.changes = {name: [self._said(name, now.get(name)), self._said(name, new)] for name, new in changed.items()}
        moved = bool(finding.changes.keys() & {"owner_id", "team_id"})
        may_give = known.pk in self.may["assign"] and self.context.may_add("opportunity", values["team_id"])
        if (finding.changes and known.pk not in self.may["change"]) or (moved and not may_give):
            finding.refuse("no_right", what="opportunity")

    def _said(self, column: str, value: Any) -> str:
        """The value as a text: records by name, keys and days as they are stored (`words.changes` says them in the reader's language)."""
        if column == "team_id" and value is not None:
            return str(Team.objects.unrestricted().filter(pk=value).first() or "")
        names = {"party_id": self.accounts, "product_id": self.list.names, "owner_id": self.staff.names}.get(column)
        if names is None or value is None:
            return shown(value)
        unseen = column == "party_id" and value in self.foreign
        found = None if unseen else next((names.shown[key] for key, pk in names.ids.items() if pk == value), None)
        return found or str(Party.objects.visible_to(self.context.by).filter(pk=value if column == "party_id" else 0).first() or "…")

    def write(self, plan: Plan) -> None:
        """Create the new ones at the bottom of their columns, change the known ones, and tell the ledger and the contacts' histories."""
        context = self.context
        stages = {stage.key: stage for stage in seed_pipeline(context.run.pipeline).stages.all()}
        unstated, _fresh = LostReason.objects.get_or_create(key="not-stated", defaults={"label_de": "nicht angegeben", "label_en": "not stated", "position": 900, "active": False})
        bottom = _bottom(stages.values())
        fresh = [(row, finding) for row, finding in plan if finding.target_id is None]
        numbers = take_numbers("opportunity", len(fresh)) if fresh else []
        made = []
        for (row, finding), number in zip(fresh, numbers, strict=True):
            values = dict(finding.values)
            stage = stages[values.pop("stage")]
            if values["state"] == State.OPEN:
                bottom[stage.pk] = values["rank"] = bottom[stage.pk] + STEP
            since = past.moment_of(values["opened_on"] or values["closed_on"])
            made.append(
                Opportunity(
                    number=number, stage=stage, stage_since=since, currency_id=context.currency, source=context.run.source, external_id=row.key,
                    lost_reason=unstated if values["state"] == State.LOST else None, created_by=context.by, updated_by=context.by, **values,
                )
            )  # fmt: skip
        Opportunity.objects.bulk_create(made)
        for (_row, finding), opportunity in zip(fresh, made, strict=True):
            finding.target_id = opportunity.pk
        past.tell_new(context, made, sorted(stages.values(), key=lambda stage: stage.position), plan)
        self._change([(row, finding) for row, finding in plan if finding.changes], stages, unstated)

    def _change(self, plan: Plan, stages: dict[str, Stage], unstated: LostReason) -> None:
        steps = []
        for row, finding in plan:
            known, values, changed = self.known[row.key], finding.values, set(finding.changes)
            origin = known.stage
            for name in changed - {"state", "stage"}:
                setattr(known, name, values[name])
            if "state" in changed:
                known.state, known.closed_on = values["state"], values["closed_on"]
                known.lost_reason = unstated if known.state == State.LOST else None
                steps.append((row, known, "win" if known.state == State.WON else "lose", origin, origin, past.moment_of(values["closed_on"])))
            elif "stage" in changed:
                known.stage, known.stage_since = stages[values["stage"]], timezone.now()
                steps.append((row, known, "move", origin, known.stage, known.stage_since))
            known.version += 1
            known.updated_by, known.updated_at = self.context.by, timezone.now()
        columns = ["name", "party", "product", "owner", "team", "amount", "pricing", "opened_on", "closed_on", "expected_close"]
        columns += ["state", "stage", "stage_since", "lost_reason", "version", "updated_by", "updated_at"]
        Opportunity.objects.bulk_update([self.known[row.key] for row, _finding in plan], columns, batch_size=100)
        past.tell_steps(self.context, steps)
