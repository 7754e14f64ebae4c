"""`manage.py smoke`: whether the product works over this database; the last step of a drill."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.backup.smoke import open_pages


class Command(BaseCommand):
    help = "Check the migrations and open the main pages over this database; nothing is changed."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the figures for a program")

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        pages, troubles = open_pages()
        if as_json:
            self.stdout.write(json.dumps({"pages": pages, "troubles": troubles}))
        elif troubles:
            raise CommandError(" ".join(troubles))
        else:
            self.stdout.write(f"{pages} pages answer.")
