"""Two people choose different main addresses at the same moment: one main one is left, and nobody meets an error."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections
from django.urls import reverse

from contacts.models import EmailAddress, Party
from contacts.search import index_parties
from tests.factories import EmailFactory, PersonFactory
from tests.races.test_double import signed_in

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 6


def run(cast: Any) -> tuple[list[int], int]:
    """(all answers, rounds after which there was not exactly one main address): two choose, a third removes what is the main one."""
    person = PersonFactory(owner=cast.anna)
    rows = [EmailFactory(party=person, is_primary=n == 0) for n in range(3 + ROUNDS)]
    index_parties()
    browsers = [signed_in(user) for user in (cast.anna, cast.ben, cast.clara)]
    answers: list[int] = []
    wrong = 0
    for n in range(ROUNDS):
        main, *others = EmailAddress.objects.filter(party=person).order_by("-is_primary", "pk")
        acts = [("party-address-main", others[0]), ("party-address-main", others[1]), ("party-address-delete", main)]
        gate = threading.Barrier(len(acts))

        def act(browser: Any, name: str, row: Any, gate: threading.Barrier = gate) -> None:
            gate.wait()
            try:
                answers.append(browser.post(reverse(name, args=[person.pk, "email", row.pk])).status_code)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=act, args=(browser, *pair)) for browser, pair in zip(browsers, acts, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wrong += EmailAddress.objects.filter(party=person, is_primary=True).count() != 1
        assert EmailAddress.objects.filter(party=person).count() == len(rows) - n - 1 or max(answers) >= 500
    return answers, wrong


def test_one_main_address_is_left_and_nobody_meets_an_error(cast: Any) -> None:
    answers, wrong = run(cast)
    assert answers == [302] * len(answers) and wrong == 0


def test_red_control_without_the_lock_somebody_meets_an_error(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The constraint keeps two main ones out; that it is met by nobody is the lock's doing."""
    monkeypatch.setattr("contacts.addresses._hold", lambda party, by: Party.objects.get(pk=party.pk))
    monkeypatch.setattr("contacts.addresses._keep_in_step", lambda party, by: None)
    answers, wrong = run(cast)
    assert max(answers) >= 500 and wrong == 0
