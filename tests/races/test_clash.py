"""Two people whose forms wait for each other in the same records: Postgres ends one of them, and it is done once more."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg2 import errors

from contacts import diary
from contacts.models import Interaction, Party, PartyActivity
from crm.core.middleware import TRIES, Once
from tests.factories import PersonFactory


class Deadlock(errors.DeadlockDetected):
    """As psycopg2 raises it; the code of its own class is set by the server alone."""

    pgcode = "40P01"


def clash() -> None:
    """As Django passes it on."""
    raise OperationalError("deadlock detected") from Deadlock()


def written(browser: Any, person: Any, **head: str) -> Any:
    """Anna writes something down about this contact."""
    return browser.post(f"/contacts/{person.pk}/log/", {"kind": "note", "body": "Hallo", "_key": str(uuid.uuid4())}, **head)


def waiting() -> bool:
    """Is anybody held up by a lock?"""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        return bool(cursor.fetchone()[0])


def patience(seconds: int) -> None:
    """How long this connection waits before it looks whether two wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET deadlock_timeout = '{seconds}s'")


@pytest.mark.django_db(transaction=True)
def test_a_form_that_postgres_ended_is_done_once_more(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody holds the contact while its entry waits for it, and then wants what the entry holds. The entry is the one that looks whether
    they wait for each other."""
    person, anna = PersonFactory(owner=cast.anna), sign_in(cast.anna)
    assert written(anna, person).status_code in (200, 204, 302)  # so that there is a row of its activity
    held, wanted, tries, real = threading.Event(), [], [], Once._once
    monkeypatch.setattr(Once, "_once", lambda self, *args: tries.append(1) or real(self, *args))

    def other() -> None:
        try:
            with transaction.atomic():
                patience(60)
                list(Party.objects.unrestricted().filter(pk=person.pk).select_for_update())
                held.set()
                until = time.monotonic() + 10
                while not waiting() and time.monotonic() < until:
                    time.sleep(0.01)
                wanted.append(PartyActivity.objects.filter(party=person.pk).update(last_at=timezone.now()))
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    assert held.wait(10)
    patience(3)
    answer = written(anna, person)
    thread.join(20)
    assert answer.status_code in (200, 204, 302) and wanted == [1] and len(tries) == 2
    assert Interaction.objects.unrestricted().filter(party=person, body="Hallo").count() == 2
    patience(1)


@pytest.mark.django_db
@pytest.mark.parametrize("times", [1, TRIES - 1, TRIES])
@pytest.mark.parametrize("where", ["view", "commit"])
def test_what_met_another_is_tried_some_times_and_says_one_thing(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch, times: int, where: str) -> None:
    """The last time it is said in words, with what was typed; and no try leaves its toast."""
    person, anna, real, left = PersonFactory(owner=cast.anna), sign_in(cast.anna), Once._once, [times]
    said = diary.log_interaction

    def once(self: Once, request: Any, key: Any) -> Any:
        with transaction.atomic():
            response = real(self, request, key)
            if where == "commit" and left[0]:
                left[0] -= 1
                clash()
            return response

    def log(*args: Any, **kwargs: Any) -> Any:
        if where == "view" and left[0]:
            left[0] -= 1
            clash()
        return said(*args, **kwargs)

    anna.raise_request_exception = False
    monkeypatch.setattr(Once, "_once", once)
    monkeypatch.setattr(diary, "log_interaction", log)
    answer = written(anna, person)
    done = times < TRIES
    assert Interaction.objects.unrestricted().filter(party=person, body="Hallo").count() == done
    if done:
        assert answer.status_code == 302 and len(get_messages(answer.wsgi_request)) == 1
    else:
        assert not len(get_messages(answer.wsgi_request)), "nothing was saved, so nothing says so"
        assert answer.status_code == 503 and "Hallo" in answer.content.decode() and "gleichzeitig" in answer.content.decode()
