"""`manage.py bench`: each operation for each persona against the best hand-written SQL for the same rows (D15).

Ratios and buffers are the result; milliseconds are printed and promise nothing. Needs a stock: `manage.py demo --size large`. `--long` adds what
takes minutes and writes much: exports, an import, a bulk update, moving a team, signing in. It is taken back, but meanwhile it holds the rows.
`--walk` follows the links from page to page for one person of each role, and tells which pages cost most.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from crm.bench.long import Long, longs
from crm.bench.measure import buffers_of, cost_of
from crm.bench.operations import Operation, operations
from crm.bench.personas import Persona, of_each_role, personas, whoever_may
from crm.bench.results import FRAGMENT, GROWTH, HEAD, LONG_HEAD, LongResult, Result, held_against, long_result
from crm.bench.walk import MUCH, walk
from crm.core.access import one_request

DEAREST = 12  # pages of a walk that are shown at least
SLOW = 3_000  # ms that weigh as much as what is too many buffers


class Command(BaseCommand):
    help = "Measure lists, search, board, pages and long work against hand-written SQL that does the same."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to measure and where to write it."""
        parser.add_argument("names", nargs="*", help="only operations whose name begins like this")
        parser.add_argument("--persona", action="append", help="management, wide, narrow, few or rep; default: all of them. With --long also: all; with --walk a role by its name")
        parser.add_argument("--long", action="store_true", help="also exports, import, bulk update, moving a team, sign-in")
        parser.add_argument("--walk", action="store_true", help="instead: from page to page for one person of each role, and which of them cost most")
        parser.add_argument("--rows", type=int, help="how many rows these take at most, instead of each its own many")
        parser.add_argument("--json", type=Path, help="keep the results in a file")
        parser.add_argument("--since", type=Path, help="what --json kept of a smaller stock: shows how the buffers grew")
        parser.add_argument("--profile", action="store_true", help="show each statement with its time and buffers")

    def handle(self, *args: Any, **options: Any) -> None:
        """Within a transaction that is taken back: a house in use keeps no trace of the visits, no session and nothing "opened last"."""
        with transaction.atomic():
            (self._walk if options["walk"] else self._measure)(options)
            transaction.set_rollback(True)

    def _measure(self, options: dict[str, Any]) -> None:
        with one_request():
            people = [persona for persona in personas() if not options["persona"] or persona.name in options["persona"]]
        if not people and not (options["long"] and "all" in (options["persona"] or ())):
            raise CommandError("There is nobody to measure for. Load a stock first: manage.py demo --size large")
        for persona in people:
            self.stdout.write(f"{persona.name:<11} {persona.user} sees {persona.sees:,} contacts")
        chosen = [one for one in operations() if _named(one.name, options)]
        earlier = json.loads(options["since"].read_text(encoding="utf-8")) if options["since"] else []
        self.smaller = {(row["operation"], row["persona"]): row for row in earlier}
        results: list[Result | LongResult] = []
        if chosen:
            self.stdout.write(HEAD)
        for operation in chosen:
            for persona in people:
                if operation.open_to(persona):
                    results.append(self._measured(operation, persona, options["profile"]))
                    _keep(results, options["json"])
        if options["long"]:
            self.stdout.write(LONG_HEAD)
            for long in [one for one in longs() if _named(one.name, options)]:
                results += self._long(long, people, options)
                _keep(results, options["json"])
        missed = [result for result in results if not result.holds]
        self.stdout.write(f"{len(results)} measured, {len(missed)} above the promise" + "".join(f"\n  {result.operation} ({result.persona})" for result in missed))
        if drawn := [result for result in results if isinstance(result, Result) and result.fragment_ratio is not None]:
            heavy = [result for result in drawn if (result.fragment_ratio or 0) > FRAGMENT]
            self.stdout.write(f"{len(drawn)} fragments, {len(heavy)} take more than {FRAGMENT} times as long as the plain view" + "".join(f"\n  {result.operation} ({result.persona})" for result in heavy))
        if earlier:
            grown = [result for result in results if result.grows]
            self.stdout.write(f"{len(grown)} grew to more than {GROWTH} times" + "".join(f"\n  {result.operation} ({result.persona})" for result in grown))
            more = [result for result in grown if result.outgrows]
            self.stdout.write(f"{len(more)} of them more than {GROWTH} times as much as the floor" + "".join(f"\n  {result.operation} ({result.persona})" for result in more))

    def _walk(self, options: dict[str, Any]) -> None:
        for persona in of_each_role():
            if options["persona"] and persona.name not in options["persona"]:
                continue
            pages = sorted(walk(persona), key=lambda page: -max(page.buffers / MUCH, page.ms / SLOW))
            missed = sum(not page.holds for page in pages)
            self.stdout.write(f"{persona.name}: {persona.user} saw {len(pages)} pages, {missed} failed or touch more than {MUCH:,} buffers")
            for page in pages[: max(missed, DEAREST)]:
                self.stdout.write(page.line())
            self.stdout.flush()

    def _measured(self, operation: Operation, persona: Persona, profile: bool) -> Result:
        with one_request():
            ours = cost_of(lambda: operation.run(persona))
            result = held_against(operation, persona, ours, self.smaller)
        self.stdout.write(result.line())
        if profile:
            for sql, ms in sorted(ours.statements, key=lambda pair: -pair[1])[:5]:
                text = " ".join(sql.text.split())
                self.stdout.write(f"      {ms:9.1f} ms {buffers_of(sql):>9,}  … {text[max(text.find(' FROM '), 0) :][:600]}")
        self.stdout.flush()
        return result

    def _long(self, long: Long, people: list[Persona], options: dict[str, Any]) -> Iterator[LongResult]:
        """For those of the readers who may, and for somebody who may do it everywhere."""
        everywhere = whoever_may(*long.right)
        those = [persona for persona in people if persona.scope.may(*long.right)]
        if everywhere and not (options["persona"] and "all" not in options["persona"]):
            those.insert(0, everywhere)
        for persona in those:
            both = long.measure(persona, options["rows"] or long.rows)
            result = long_result(long.name, persona, both, self.smaller)
            self.stdout.write(result.line())
            self.stdout.flush()
            yield result


def _keep(results: list[Result | LongResult], file: Path | None) -> None:
    """After each line: what was measured is not lost where the rest takes too long."""
    if file:
        file.write_text(json.dumps([result.as_row() for result in results], ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _named(name: str, options: dict[str, Any]) -> bool:
    return not options["names"] or any(name.startswith(chosen) for chosen in options["names"])
