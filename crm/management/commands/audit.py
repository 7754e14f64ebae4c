"""`manage.py audit`: see docs/operations.md."""

from __future__ import annotations

import math
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.core.audit import replay
from crm.core.audit.checking import check_now
from crm.core.audit.guards import audited
from crm.core.audit.head import keep_head
from crm.core.audit.sealing import seal
from crm.core.audit.words import figures, sentence


class Command(BaseCommand):
    help = "Check that nobody touched the audit and that every table is what it says; ends with 0 only if all holds."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--accept", action="store_true", help="after a look at what was found: write down what the tables hold now, as the house, and note this database's chain as the one that counts")

    def handle(self, *args: Any, accept: bool, **options: Any) -> None:
        if accept:
            settled = sum(replay.settle(table) for table in audited())
            keep_head(anew=True)
            self.stdout.write(f"Written down as they are now: {settled} rows. What was done to seals and entries cannot be made undone and goes on being told.")
        seal(math.inf)
        row = check_now()
        self.stdout.write(figures(row))
        for finding in row.found:
            self.stdout.write(f"  {sentence(finding)}")
        if not row.held:
            raise CommandError("The audit does not hold, see above.")
        self.stdout.write("The audit holds: nobody touched it, and every table is what it says.")
