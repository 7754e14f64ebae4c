"""Two people at the same moment: a record that is deleted while its page is made, and two new rows of the same name."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Role
from accounts.services import create_role
from contacts import crud
from contacts.models import Party
from crm.core.keys import taken_keys
from service import detail
from service.models import Case
from tests.factories import CaseFactory, OrganisationFactory


def falls(*_: Any, **__: Any) -> Any:
    """As code does that finds no row where there must be one."""
    raise IndexError("no step")


@pytest.mark.django_db
@pytest.mark.parametrize("deleted", [True, False])
def test_a_page_whose_record_is_deleted_meanwhile_is_a_missing_one(cast: Any, client: Any, monkeypatch: pytest.MonkeyPatch, deleted: bool) -> None:
    firm = OrganisationFactory(owner=cast.emil)
    client.force_login(cast.emil)
    client.raise_request_exception = False

    def meanwhile(*_: Any) -> Any:
        if deleted:
            Party.objects.unrestricted().filter(pk=firm.pk).delete()
        falls()

    monkeypatch.setattr(crud.detail, "context", meanwhile)
    assert client.get(f"/contacts/organisations/{firm.pk}/").status_code == (404 if deleted else 500)


@pytest.mark.django_db
@pytest.mark.parametrize("deleted", [True, False])
def test_a_verb_whose_record_is_deleted_meanwhile_finds_it_missing(cast: Any, client: Any, monkeypatch: pytest.MonkeyPatch, deleted: bool) -> None:
    case = CaseFactory(party=OrganisationFactory(owner=cast.emil), owner=cast.emil, team=cast.firm.service)
    client.force_login(cast.emil)
    client.raise_request_exception = False

    def meanwhile(*_: Any, **__: Any) -> Any:
        if deleted:
            Case.objects.unrestricted().filter(pk=case.pk).delete()
        falls()

    monkeypatch.setattr(detail, "desk", meanwhile)
    answer = client.post(f"/service/cases/{case.pk}/log/", {"way": "%%", "body": "", "_key": str(uuid.uuid4())})  # refused, so the page is drawn again
    assert answer.status_code == (404 if deleted else 500)


@pytest.mark.django_db(transaction=True)
def test_two_new_rows_of_one_name_get_two_keys(cast: Any) -> None:
    looked, found = threading.Event(), []

    def second() -> None:
        looked.wait(10)
        try:
            with transaction.atomic():
                found.append(create_role(by=cast.emil, label_de="Aushilfe", label_en="Temp").key)
        finally:
            connection.close()

    other = threading.Thread(target=second)
    other.start()
    with transaction.atomic():
        first = create_role(by=cast.emil, label_de="Aushilfe", label_en="Temp")
        looked.set()
        time.sleep(0.3)  # the other one looks for a free key meanwhile
    other.join(20)
    assert first.key == "temp" and found == ["temp-2"]
    with transaction.atomic():
        assert {"temp", "temp-2"} <= taken_keys(Role.objects)
