"""`manage.py demo`: a firm that has lived for eighteen months. A second run finds it there; an interrupted one goes on."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from django.utils import timezone, translation

from accounts.models import User
from crm.catalog.models import Product
from crm.core.access import one_request
from crm.core.models import Event, Undo
from crm.demo import care, consents, desk, firm, journeys, life, mailing, segments, tags
from crm.demo.sign_ins import DOMAIN, PASSWORD
from crm.demo.stock.growing import grow, tidy
from sales.models import Opportunity
from service.models import Case


class Command(BaseCommand):
    help = "Fill an empty installation with a fictional firm whose teams have worked here for eighteen months."

    def add_arguments(self, parser: CommandParser) -> None:
        """How large."""
        parser.add_argument("--size", choices=["small", "large"], default="small", help="large: a million contacts with their histories on top, in minutes")
        parser.add_argument("--contacts", type=int, default=1_000_000, help="how many contacts the large stock has, in steps of 10,000")

    def handle(self, *args: Any, **options: Any) -> None:
        begin = time.monotonic()
        ours = User.objects.filter(email__endswith=f"@{DOMAIN}")
        if ours.exists() and Case.objects.unrestricted().exists():
            self._say("The demo firm is there already.")
            self._grow(options)
            self._show()
            return
        if not ours.exists() and User.objects.exists():
            raise CommandError("This installation has users of its own; the demo firm only moves into an empty one.")
        with translation.override(settings.LANGUAGE_CODE):
            if not ours.exists():
                call_command("seed")  # roles, stages, reasons: after `migrate` alone there are none
                firm.found_firm()
                self._say(f"{firm.NAME}: {len(firm.PEOPLE)} people in {len(firm.TEAMS)} teams can sign in")
            people = {user.last_name: user for user in ours}
            segments.let_marketing_see(people["Weber"])
            dice = random.Random(20260915)  # noqa: S311 - the same firm every time
            if not Opportunity.objects.unrestricted().exists():
                with self._chapter(people):
                    self._sell(dice, people)
            with self._chapter(people):
                self._serve_and_write(dice, people)
        self._say(f"done in {time.monotonic() - begin:.0f} s")
        self._grow(options)
        self._show()

    def _grow(self, options: dict[str, Any]) -> None:
        if options["size"] == "large" and grow(options["contacts"], self._say):
            tidy()

    @contextmanager
    def _chapter(self, people: dict[str, User]) -> Iterator[None]:
        """Whole or not at all; what is whole can be looked at while the next is lived."""
        with transaction.atomic(), one_request():  # nobody's rights change meanwhile: read them once
            yield
            # What was lived is past: nobody is told of it, nothing of it is taken back by a toast, and no bell needs to ring for it.
            Event.objects.filter(done_at__isnull=True).update(done_at=timezone.now())
            Undo.objects.filter(user__in=people.values()).delete()
            connection.run_on_commit = []

    def _sell(self, dice: random.Random, people: dict[str, User]) -> None:
        """Products, customers and eighteen months of opportunities: what the board and the forecast show."""
        products = firm.write_price_list(people["Weber"]) if not Product.objects.exists() else {product.number: product for product in Product.objects.all()}
        self._say(f"{len(products)} products")
        life.meet_customers(dice, people, self._say)
        world = life.read_world(people)
        self._say(f"{life.live(dice, world, timezone.localtime(), self._say)} opportunities")
        life.work_together(world)

    def _serve_and_write(self, dice: random.Random, people: dict[str, User]) -> None:
        """The desk, and what marketing does."""
        world = life.read_world(people)
        consents.agree(random.Random(7), world, timezone.localtime(), self._say)  # noqa: S311 - dice of their own: the rest of the firm stays as it is
        desk.serve(dice, world, timezone.localtime(), self._say)
        self._say(f"{tags.tag_firms(world, people['Weber'])} tags")
        self._say(f"{segments.write_segments(people['Neumann'])} segments")
        mailing.mail_out(dice, people, timezone.localtime(), self._say)
        journeys.let_journeys_run(people, timezone.localtime(), self._say)
        self._say(f"{care.write_down_twice(world, people['Weber'])} pairs of possible duplicates")

    def _show(self) -> None:
        for first, last, role, team in firm.PEOPLE:
            self._say(f"  {firm.address_of(first, last):38} {PASSWORD}   {role}{', ' + team if team else ''}")

    def _say(self, text: str) -> None:
        self.stdout.write(f"demo: {text}")
        self.stdout.flush()
