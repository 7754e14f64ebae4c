"""Two people at the same moment: a record that is deleted while its page is made, and two new rows of the same name."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Role
from accounts.services import create_role
from campaigns.models import Delivery
from campaigns.report import left_out
from contacts import crud
from contacts.models import ConsentPurpose, Party
from crm.core.keys import taken_keys
from service import detail
from service.forms import GrantForm
from service.models import Case, Cause
from tests.factories import CampaignFactory, CaseFactory, OrganisationFactory, PersonFactory


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


def after_reading(table: str, act: Callable[[], Any]) -> Any:
    """Do this behind the first statement that reads the table, as somebody else would."""
    left = [act]

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if left and f'FROM "{table}"' in sql:
            left.pop()()
        return found

    return connection.execute_wrapper(watch)


@pytest.mark.django_db
def test_a_cause_that_comes_while_a_form_is_made_is_offered_the_next_time(cast: Any) -> None:
    case = CaseFactory(party=OrganisationFactory(owner=cast.emil), owner=cast.emil, team=cast.firm.service)
    with after_reading("service_cause", lambda: Cause.objects.create(key="new", label_de="Neu", label_en="New")):
        form = GrantForm({"cause": "1"}, case=case, user=cast.emil)
        assert len(form.fields["cause"].choices) == Cause.objects.filter(active=True).count()  # type: ignore[attr-defined]  # a field of choices
    assert not [label for _pk, label in form.fields["cause"].choices if "Neu" in str(label)]  # type: ignore[attr-defined]  # the same field
    assert "Neu" in str(GrantForm(case=case, user=cast.emil)["cause"])


@pytest.mark.django_db
def test_a_recipient_who_is_deleted_while_the_report_is_read_has_no_line(cast: Any) -> None:
    row = CampaignFactory(owner=cast.mia, team=cast.mia.team, purpose=ConsentPurpose.objects.get(key="newsletter"))
    stays, goes = PersonFactory(owner=cast.anna), PersonFactory(owner=cast.anna)
    Delivery.objects.bulk_create(Delivery(campaign=row, party=person, reason="twice") for person in (stays, goes))
    with after_reading("campaigns_delivery", lambda: Party.objects.unrestricted().filter(pk=goes.pk).delete()):
        lines, _count = left_out(row, cast.mia, "twice")
    assert [line["party"].pk for line in lines] == [stays.pk]
