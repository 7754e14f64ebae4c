"""A restored database goes on with its audit: the chain holds, here and elsewhere, and what came after the backup is not missed."""

from __future__ import annotations

import json
import shutil

from django.db import connection

from contacts.models import Party
from crm.backup.restoring import restore
from crm.backup.taking import take_backup
from crm.core.audit import sealing
from crm.core.audit.checking import check_now
from crm.core.audit.head import NAME, keep_head
from crm.core.models import Seal
from tests.backup.conftest import House, Make, greta
from tests.factories import PersonFactory


def test_the_chain_goes_on_after_a_restore(lived: House, houses: Make) -> None:
    sealing.seal()
    PersonFactory(owner=greta(), team=Party.objects.all()[0].team)  # not sealed when the backup is made
    path = take_backup(lived.backups, b"")
    for _ in range(2):
        PersonFactory(owner=greta(), team=Party.objects.all()[0].team)
        sealing.seal()
    assert check_now().found == [] and Seal.objects.count() == 3
    connection.close()
    restore(path, b"", replace=True)
    assert json.loads((lived.backups / NAME).read_text())["number"] == 1
    assert goes_on(1) == []
    keep_head()
    elsewhere = houses(bare=True).enter()
    restore(path, b"")
    assert goes_on(1) == []
    shutil.copy(lived.backups / NAME, elsewhere.backups / NAME)  # two houses of one origin have two ends
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = 'replica'; DELETE FROM core_seal WHERE number > 1; SET session_replication_role = 'origin'")
    assert "head-other" in [finding["what"] for finding in check_now().found]


def goes_on(seals: int) -> list[object]:
    """What a check finds, before and after somebody works on."""
    assert Seal.objects.count() == seals
    before = check_now().found
    PersonFactory(owner=greta(), team=Party.objects.all()[0].team)
    sealing.seal()
    assert Seal.objects.count() == seals + 1
    return [*before, *check_now().found]
