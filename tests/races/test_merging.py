"""Two people merge at the same moment, or write what hangs on the contact that goes: one is first, the other is told, nobody meets an error."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections
from django.urls import reverse

from accounts.grants import sync_grants
from accounts.models import Membership, Role, User
from contacts.models import Interaction, MergeRecord, Party
from contacts.search import index_parties
from contacts.tombstones import survivor_of
from tests.factories import PersonFactory
from tests.races.test_double import signed_in

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4


def second_manager(cast: Any) -> User:
    user = User.objects.create(username="erna", email="erna@lotse.test", team=cast.firm.root, language="de")
    Membership.objects.create(user=user, team=cast.firm.root, role=Role.objects.get(key="manager"))
    sync_grants()
    return user


def at_once(acts: list[tuple[Any, str, dict[str, str]]]) -> list[int]:
    """Send each of (browser, address, form) at the same moment."""
    gate, answers = threading.Barrier(len(acts)), [0] * len(acts)

    def act(place: int, browser: Any, url: str, data: dict[str, str]) -> None:
        gate.wait()
        try:
            answers[place] = browser.post(url, data).status_code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act, args=(place, *one)) for place, one in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def people(count: int) -> list[Party]:
    rows = [PersonFactory(first_name="Anke", last_name="Doppel") for _ in range(count)]
    index_parties()
    return [Party.objects.get(pk=row.pk) for row in rows]


def chosen(survivor: Party, *both: Party) -> dict[str, str]:
    """What the form of a merge sends, read a moment ago."""
    return {"survivor": str(survivor.pk), **{f"version_{party.pk}": str(Party.objects.values_list("version", flat=True).get(pk=party.pk)) for party in both}}


def test_the_same_pair_twice_at_once(cast: Any) -> None:
    browsers = [signed_in(cast.emil), signed_in(second_manager(cast))]
    for _ in range(ROUNDS):
        one, two = people(2)
        url = reverse("party-merge", args=[one.pk, two.pk])
        answers = at_once([(browsers[0], url, chosen(one, one, two)), (browsers[1], url, chosen(two, one, two))])
        assert sorted(answers)[0] == 302 and sorted(answers)[1] in (404, 409, 422), answers
        assert Party.objects.filter(pk__in=[one.pk, two.pk]).count() == 1


def test_into_one_that_goes_itself(cast: Any) -> None:
    browsers = [signed_in(cast.emil), signed_in(second_manager(cast))]
    for _ in range(ROUNDS):
        a, b, c = people(3)
        onward = reverse("party-merge", args=[c.pk, b.pk])
        answers = at_once([(browsers[0], reverse("party-merge", args=[b.pk, a.pk]), chosen(b, a, b)), (browsers[1], onward, chosen(c, b, c))])
        assert set(answers) <= {302, 404, 409, 422} and 302 in answers, answers
        if answers[1] == 422:  # the first was quicker and changed b: whoever is told looks again
            assert browsers[1].post(onward, chosen(c, b, c)).status_code == 302
        left = set(Party.objects.filter(pk__in=[a.pk, b.pk, c.pk]).values_list("pk", flat=True))
        assert c.pk in left and b.pk not in left and (a.pk in left or survivor_of(a.pk) == c.pk)
        assert MergeRecord.objects.filter(absorbed__in=[a.pk, b.pk]).count() == 3 - len(left)


def written_meanwhile(cast: Any) -> list[int]:
    answers: list[int] = []
    emil, writer = signed_in(cast.emil), signed_in(second_manager(cast))
    for _ in range(3 * ROUNDS):
        one, two = people(2)
        merge = (emil, reverse("party-merge", args=[one.pk, two.pk]), chosen(one, one, two))
        answers += at_once([merge, (writer, reverse("party-log", args=[two.pk]), {"kind": "note", "body": "noch etwas"})])
        assert not Interaction.objects.filter(party=two.pk).exists() or Party.objects.filter(pk=two.pk).exists()
    return answers


def test_what_is_written_meanwhile_goes_over_or_is_refused_in_words(cast: Any) -> None:
    answers = written_meanwhile(cast)
    assert max(answers) < 500, answers


def test_a_key_that_fails_at_the_commit_is_answered_in_words(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contact goes between the writer's look and the writer's commit; where nobody listens that is a 500."""
    emil, person = signed_in(cast.emil), people(1)[0]

    def gone(*_: Any, **__: Any) -> Any:
        Interaction.objects.create(party_id=person.pk + 4711, kind="note", body="x")

    monkeypatch.setattr("contacts.pages.diary.log_interaction", gone)
    answer = emil.post(reverse("party-log", args=[person.pk]), {"kind": "note", "body": "x"})
    assert answer.status_code == 409 and "inzwischen" in answer.content.decode()
    monkeypatch.setattr("crm.core.middleware.IntegrityError", ZeroDivisionError)
    assert emil.post(reverse("party-log", args=[person.pk]), {"kind": "note", "body": "x"}).status_code == 500
