"""What was deleted is noted, what came back is noted, and a list kept elsewhere deletes it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from contacts.models import Party
from contacts.services import delete_party
from crm.core.erasures import NAME, keep_erasures, read_list, replay
from crm.core.models import Change, Erasure, Undo
from crm.core.undo import offer_undo, take_back
from crm.core.work import work
from sales.services import delete_opportunity
from tests.factories import OpportunityFactory, PersonFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia(cast: Any) -> Any:
    """A contact of anna's."""
    return Party.objects.get(pk=PersonFactory(owner=cast.anna, first_name="Mia", last_name="Kostbar").pk)


@pytest.fixture
def place(settings: Any, tmp_path: Path) -> Path:
    """Where this house keeps its list."""
    settings.BACKUP_FOLDER = tmp_path
    return tmp_path / NAME


def test_a_deletion_is_noted_without_anything_personal(cast: Any, mia: Any, place: Path) -> None:
    delete_party(mia, by=cast.anna)
    keep_erasures()
    (line,) = read_list(place)
    assert (line.label, line.id, line.born, line.back) == ("contacts.party", mia.pk, mia.created_at.isoformat(), False)
    assert "Kostbar" not in place.read_text()


def test_a_refused_deletion_is_not_noted(cast: Any, mia: Any) -> None:
    with pytest.raises(ValueError), transaction.atomic():
        delete_party(mia, by=cast.anna)
        raise ValueError
    assert not Erasure.objects.exists()


def delete_with_undo(party: Any, by: Any) -> Undo:
    with work(by=by):
        delete_party(party, by=by)
        return offer_undo(by, "gelöscht")


def test_what_came_back_by_an_undo_is_the_same_record_and_stays(cast: Any, mia: Any, place: Path) -> None:
    take_back(delete_with_undo(mia, cast.anna), by=cast.anna)
    again = Party.objects.get(pk=mia.pk)
    assert again.created_at == mia.created_at
    keep_erasures()
    assert [line.back for line in read_list(place)] == [False, True]
    assert replay(read_list(place)) == (0, []) and Party.objects.filter(pk=mia.pk).exists()
    delete_party(again, by=cast.anna)
    keep_erasures()
    assert [line.back for line in read_list(place)] == [False, True, False]


def test_a_list_deletes_again_by_the_service_and_becomes_the_ledger(cast: Any, mia: Any, place: Path) -> None:
    kept = list(Party.objects.filter(pk=mia.pk).values_list("pk", "created_at"))
    with transaction.atomic():
        delete_party(mia, by=cast.anna)
        keep_erasures()
        transaction.set_rollback(True)  # as after a restore: the contact is there, and the ledger knows nothing
    lines = read_list(place)
    assert list(Party.objects.filter(pk=mia.pk).values_list("pk", "created_at")) == kept and not Erasure.objects.exists()
    assert replay([*lines, *lines]) == (1, [])  # beside the backup, and where this house keeps its own
    assert not Party.objects.filter(pk=mia.pk).exists()
    assert Change.objects.filter(relation="contacts_party", row_id=mia.pk, op="D", origin="house").exists()
    assert {line.key for line in lines} <= {str(key) for key in Erasure.objects.values_list("key", flat=True)}
    assert replay(lines) == (0, [])


def test_another_record_with_the_same_id_is_not_touched(cast: Any, mia: Any, place: Path) -> None:
    delete_party(mia, by=cast.anna)
    keep_erasures()
    later = PersonFactory(owner=cast.anna, id=mia.pk)
    assert replay(read_list(place)) == (0, []) and Party.objects.filter(pk=later.pk).exists()


def test_what_stood_in_the_way_goes_first(cast: Any, mia: Any, place: Path) -> None:
    deal = OpportunityFactory(owner=cast.anna, party=mia)
    with transaction.atomic():
        delete_opportunity(deal, by=cast.anna)
        delete_party(mia, by=cast.anna)
        keep_erasures()
        transaction.set_rollback(True)
    lines = read_list(place)
    swapped = [replace(lines[0], at=lines[1].at), replace(lines[1], at=lines[0].at)]  # clocks may differ
    assert replay(swapped) == (2, [])


def test_what_cannot_be_deleted_again_is_told(cast: Any, mia: Any, place: Path) -> None:
    with transaction.atomic():
        delete_party(mia, by=cast.anna)
        keep_erasures()
        transaction.set_rollback(True)
    OpportunityFactory(owner=cast.anna, party=mia)
    done, refused = replay(read_list(place))
    assert done == 0 and len(refused) == 1 and str(mia.number) in refused[0]


def test_the_list_only_grows_and_a_garbled_end_is_no_loss(cast: Any, mia: Any, place: Path, django_assert_num_queries: Callable[..., Any]) -> None:
    delete_party(mia, by=cast.anna)
    keep_erasures()
    before = place.read_text()
    with django_assert_num_queries(1):
        keep_erasures()
    assert place.read_text() == before
    with pytest.raises(DatabaseError), transaction.atomic():
        Erasure.objects.all().delete()
