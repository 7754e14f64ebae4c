"""A restored or copied database sends nothing until somebody says so, and sending can be stopped by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from crm.core.mail import lock, sending
from crm.core.mail.lock import lock_sending, unlock_sending
from crm.core.mail.run import Run
from crm.core.models import Change, MailSetup, OutgoingMail
from crm.core.tasks import tick
from tests.mail.conftest import write

pytestmark = pytest.mark.django_db
State = OutgoingMail.State
House = Callable[..., None]


def note(settings: Any) -> Path:
    return Path(settings.MEDIA_ROOT) / lock.NAME


def test_a_house_begins_and_moves_its_turn(house: House, settings: Any) -> None:
    for turn in (1, 2, 3):
        tick()
        setup = MailSetup.current()
        assert json.loads(note(settings).read_text()) == {"fingerprint": setup.fingerprint, "turn": turn} and setup.turn == turn and not setup.lock


def test_the_turn_is_on_the_disk_before_the_file_has_it(house: House) -> None:
    """Else a killed server that does not wait for its disk would come back behind the file, and sending would be locked for nothing."""
    tick()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        lock.keep_turn()
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
    assert MailSetup.current().turn == 2


def restored_elsewhere(settings: Any) -> None:
    note(settings).unlink()


def copied_beside_another(settings: Any) -> None:
    note(settings).write_text(json.dumps({"fingerprint": "other", "turn": 1}))


def restored_in_place(settings: Any) -> None:
    MailSetup.objects.filter(pk=1).update(turn=0)


def garbled(settings: Any) -> None:
    note(settings).write_text("{")


@pytest.mark.parametrize("happened", [restored_elsewhere, copied_beside_another, restored_in_place, garbled])
def test_a_restored_database_sends_nothing_until_somebody_says_so(cast: Any, house: House, settings: Any, happened: Callable[[Any], None]) -> None:
    tick()
    write("a@x.test")
    happened(settings)
    assert sending.send_due() == 0
    sending.tend()
    assert OutgoingMail.objects.get().state == "planned" and MailSetup.current().lock == "restored"
    unlock_sending(by=cast.emil)
    assert sending.send_due() == 1
    tick()
    assert MailSetup.current().lock == ""
    changes = Change.objects.filter(relation="core_mailsetup", op="U").order_by("id")
    assert [(change.origin, change.actor_id, change.after["lock"]) for change in changes] == [("house", None, "restored"), ("user", cast.emil.pk, "")]


def test_a_database_that_is_ahead_of_its_file_is_the_same(house: House, settings: Any) -> None:
    """A worker killed between the two leaves the file one turn behind: that is no restore."""
    tick()
    MailSetup.objects.filter(pk=1).update(turn=5)
    write("a@x.test")
    assert sending.send_due() == 1


def test_sending_can_be_stopped_by_hand(cast: Any, house: House) -> None:
    tick()
    write("a@x.test")
    lock_sending(by=cast.emil)
    assert sending.send_due() == 0 and Run("w").claim("") == []
    unlock_sending(by=cast.emil)
    assert sending.send_due() == 1


def test_where_the_file_cannot_be_written_nothing_is_compared(cast: Any, house: House, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.MEDIA_ROOT = tmp_path / "file"  # no folder
    tick()
    write("a@x.test")
    assert MailSetup.current().fingerprint == "" and sending.send_due() == 1
