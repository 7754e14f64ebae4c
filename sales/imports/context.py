"""What the rows of one import are judged against: rights, answers, names that exist, and facts an earlier import brought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Team
from crm.core.access import Reach, scope_of
from crm.core.bulk import among
from crm.core.errors import RuleBroken
from crm.core.models import Installation
from crm.core.numbers import take_numbers
from sales.imports.models import ImportQuestion, ImportRow, ImportRun
from sales.imports.reading import Reason, name_key
from sales.imports.rows import Row
from sales.matching import closest

Verdict = ImportRow.Verdict
NEAR = 2_000  # names a misspelt one is compared with at most


@dataclass
class Finding:
    """What is known of one row after judging it. `values` are columns of the record; `doubtful` waits for a person."""

    target_id: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, list[str]] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    doubtful: bool = False

    def refuse(self, reason: str, **params: Any) -> None:
        """The row is not taken in, and why."""
        self.reasons.append([reason, params])

    @property
    def verdict(self) -> str:
        """The strictest of what was found."""
        if self.reasons:
            return Verdict.REFUSED
        if self.doubtful:
            return Verdict.DOUBTFUL
        if self.target_id is None:
            return Verdict.NEW
        return Verdict.CHANGED if self.changes else Verdict.MATCHED


Plan = list[tuple[Row, Finding]]


class Names:
    """Names and what they stand for: an id, or 0 for a record this very import will create."""

    def __init__(self, pairs: Iterable[tuple[str, int]] = ()) -> None:
        self.ids: dict[str, int] = {}
        self.shown: dict[str, str] = {}
        for name, pk in pairs:
            self.add(name, pk)

    def add(self, name: str, pk: int) -> None:
        """A name that is known already keeps its record."""
        key = name_key(name)
        if not self.ids.get(key):
            self.ids[key], self.shown[key] = pk, name

    def get(self, name: str) -> int | None:
        """The record of this name, whatever its case and blanks."""
        return self.ids.get(name_key(name))

    def near(self, name: str) -> list[str]:
        """Names that may be meant, best first. Of very many names those with the same beginning are looked at."""
        shown = list(self.shown.values())
        if len(shown) > NEAR:
            start = name_key(name)[:1]
            shown = [other for key, other in self.shown.items() if key.startswith(start)][:NEAR]
        return [other for other, _score in closest(name, shown)]


class Context:
    """One import in one step. `settled` = all is decided (bringing in); before, an unanswered question makes a row doubtful."""

    def __init__(self, run: ImportRun, by: Any, *, settled: bool, job: int | None = None, numbers: Sequence[str] = ()) -> None:
        self.run, self.by, self.settled, self.job, self.numbers = run, by, settled, job, numbers
        self.scope = scope_of(by)
        self.currency = str(Installation.current().currency)
        root = Team.objects.unrestricted().filter(parent__isnull=True).first()
        if root is None:
            raise RuleBroken(_("There is no team yet. Create the firm's team first."))
        self.root = root
        self.answers = {f"{kind}:{value}": choice for kind, value, choice in run.questions.values_list("kind", "value", "choice")} if settled else remembered(run)

    @cached_property
    def home(self) -> Team:
        """The team of records the export names no team for: the firm, or the importer's own if that is as far as the right goes."""
        reach = self.reach("add", "party")
        return self.root if reach is None or reach.everything or self.by.team is None else self.by.team

    def party_numbers(self, count: int) -> list[str]:
        """Numbers of new contacts: those laid aside for this step, and further ones where they do not suffice."""
        laid, self.numbers = list(self.numbers[:count]), self.numbers[count:]
        return laid + take_numbers("party", count - len(laid)) if len(laid) < count else laid

    def reach(self, verb: str, entity: str) -> Reach | None:
        return self.scope.reach(verb, entity)

    def may_add(self, entity: str, team_id: int | None) -> bool:
        """May the importer create such a record in this team? None = a team this import will create."""
        reach = self.reach("add", entity)
        return reach is not None and (reach.everything or team_id is None or team_id in reach.teams)

    def choose(self, kind: str, value: str, finding: Finding) -> str | None:
        """The decision on a question: "use:<name>", "create" or "empty"; None where the row waits or is refused."""
        key = f"{kind}:{value}"[:220]
        if key not in finding.asks:
            finding.asks.append(key)
        choice = self.answers.get(key)
        if choice is None:
            if self.settled:
                finding.refuse("undecided", question=kind, value=value)
            finding.doubtful = True
        elif choice == "refuse":
            finding.refuse("by_decision", question=kind, value=value)
        else:
            return choice
        return None

    def resolve(self, kind: str, value: str, names: Names, finding: Finding) -> int | None:
        """The record a name means; asks where it is not known. None = left empty, waiting or refused; 0 = will be created."""
        found = names.get(value)
        if found is not None:
            return found
        choice = self.choose(kind, value, finding)
        if choice is None or not choice.startswith("use:"):
            return 0 if choice == "create" and not self.settled else None
        found = names.get(choice[4:])
        if found is None:
            finding.refuse("gone", value=choice[4:])
        return found

    def earlier(self, kind: str, keys: Iterable[str]) -> dict[str, dict[str, str]]:
        """key → facts as the last import of this source brought them: what did not change there is not forced on what changed here."""
        rows = (
            ImportRow.objects.unrestricted()
            .filter(kind=kind, key__in=among(keys, "text"), run__source=self.run.source, run__state=ImportRun.State.APPLIED)
            .exclude(outcome__in=[ImportRow.Outcome.REFUSED, ImportRow.Outcome.NONE])
            .order_by("key", "-id")
            .distinct("key")
        )
        return dict(rows.values_list("key", "facts"))

    def staged(self, kind: str, keys: Iterable[str] | None = None) -> Iterable[tuple[str, dict[str, str]]]:
        """(key, facts) of this import's rows of a kind that are not refused; all of them or those with these keys."""
        rows = ImportRow.objects.unrestricted().filter(run=self.run, kind=kind).exclude(verdict=Verdict.REFUSED)
        if keys is not None:
            rows = rows.filter(key__in=among(keys, "text"))
        return rows.values_list("key", "facts")


def remembered(run: ImportRun) -> dict[str, str]:
    """Question → decision of earlier imports of this source that still stand; the latest counts."""
    asked = ImportQuestion.objects.unrestricted().filter(run__source=run.source, run__state=ImportRun.State.APPLIED).exclude(run=run)
    return {f"{kind}:{value}": choice for kind, value, choice in asked.order_by("pk").values_list("kind", "value", "choice")}


def differing(columns: Mapping[str, tuple[str, ...]], facts: dict[str, str], earlier: dict[str, str] | None, now: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """The columns to change in a known record: filled in the file, other than here, and — if this source told before — changed there since.

    `columns` names the facts each column comes from. What somebody changed here stays unless the source changed it, too.
    """
    found = {}
    for column, sources in columns.items():
        old, new = now.get(column), values.get(column)
        if new in (None, "") or new == old:
            continue
        if earlier is not None and old not in (None, "") and all(earlier.get(name) == facts.get(name) for name in sources):
            continue
        found[column] = new
    return found


def shown(value: Any) -> str:
    """A value of a record as it stands beside the file's: nothing is an empty text."""
    return "" if value is None else str(value)
