"""What the head of a request may hold, over WSGI as gunicorn hands it over: each of these was a 500 once."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.db.models import QuerySet
from django.forms import BaseForm
from django.urls import reverse

from crm.catalog.models import Price
from crm.core import logs
from crm.core.records import RecordQuerySet
from crm.wsgi import application
from tests.factories import CampaignFactory, CaseFactory, JourneyFactory, OpportunityFactory, PersonFactory, ProductFactory
from tests.pageforms import forms_of

pytestmark = pytest.mark.django_db
EDGE = b'--edge\r\nContent-Disposition: form-data; name="login"\r\n\r\n\xff\r\n--edge--\r\n'


@pytest.fixture(autouse=True)
def one_transaction() -> Iterator[None]:
    """A request begins and ends without a look at the connection, which a test holds."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def ask(method: str, path: str, *, kind: str = "", query: str = "", body: bytes = b"") -> tuple[int, str]:
    """Status and body of an answer."""
    said: list[str] = []
    facts = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body)), "SERVER_NAME": "testserver", "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(), "HTTP_HOST": "testserver",
    }  # fmt: skip
    answer = application(facts, lambda status, _headers: said.append(status))
    text = b"".join(answer).decode()
    answer.close()
    return int(said[0].split()[0]), text


@pytest.mark.parametrize("kind", ["text/plain; charset*=klingon''x", "multipart/form-data; boundary*=klingon''%ff", "a/b; charset=idna", "a/b; charset=undefined", "a/b; charset=\xff", "; charset"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_kind_of_content_breaks_a_page(cast: Any, method: str, kind: str) -> None:
    status, _text = ask(method, "/accounts/login/", kind=kind, query="next=%FC%2F", body=EDGE)
    assert status in ((200,) if method == "GET" else (400, 403))


@pytest.mark.parametrize("charset", ["rot13", "idna", "punycode", "undefined", "base64", "utf-16", "klingon", "iso-8859-1"])
def test_a_form_in_another_encoding_is_refused(cast: Any, charset: str) -> None:
    status, text = ask("POST", "/accounts/login/", kind=f"multipart/form-data; boundary=edge; charset={charset}", body=EDGE)
    assert status == 400 and "<h1" in text


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"'])
def test_one_in_ours_is_read(cast: Any, charset: str) -> None:
    status, _text = ask("POST", "/accounts/login/", kind=f"multipart/form-data; boundary=edge; charset={charset}", body=EDGE)
    assert status == 403  # it is read, and its token is missing


@pytest.mark.parametrize("where", ["http://[::1", "//[x", "http://[::1]:x/", "http://\u2100.test"])
def test_where_to_go_after_signing_in_may_be_nonsense(client: Any, cast: Any, where: str) -> None:
    answer = client.get("/accounts/login/", {"next": where})
    assert answer.status_code == 200


@pytest.mark.parametrize("ticked", ["{", "99999999999999999999999", "x", "1.5"])
def test_rows_that_are_none_are_ticked_in_the_set_up(cast: Any, sign_in: Any, ticked: str) -> None:
    answer = sign_in(cast.emil).post("/admin/core/outgoingmail/", {"action": "send_again", "_selected_action": ticked, "index": "0"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("made", "step"),
    [(CaseFactory, "case-take"), (OpportunityFactory, "opportunity-reopen"), (CampaignFactory, "campaign-pause"), (JourneyFactory, "journey-end"), (PersonFactory, "party-hint-dismiss")],
)
def test_a_record_that_somebody_deletes_while_we_wait_for_it_is_gone(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch, made: Any, step: str) -> None:
    """The gate has read it; behind the lock there is nothing."""
    row = made(owner=cast.emil)
    plain = RecordQuerySet.select_for_update

    def too_late(rows: Any, *args: Any, **options: Any) -> Any:
        return plain(rows, *args, **options).filter(pk=0)

    monkeypatch.setattr(QuerySet, "select_for_update", too_late)
    answer = sign_in(cast.emil).post(reverse(step, args=[row.pk]), {})
    assert answer.status_code == 404


def test_so_is_one_whose_form_is_sent(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, address = sign_in(cast.emil), reverse("person-update", args=[PersonFactory(owner=cast.emil).pk])
    form = next(form for form in forms_of(browser.get(address).content.decode(), address) if "last_name" in form.fields)
    plain = QuerySet.select_for_update
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, *args, **options: plain(rows, *args, **options).filter(pk=0))
    assert browser.post(address, {**form.filled(), "last_name": "Neumann"}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_what_it_belongs_to_is_deleted_before_it_is_saved(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are looked at when the transaction ends; until then nothing speaks against it."""
    product = ProductFactory()
    plain = Price.save

    def elsewhere(price: Any, *args: Any, **options: Any) -> None:
        price.product_id = 999_999
        plain(price, *args, **options)

    monkeypatch.setattr(Price, "save", elsewhere)
    answer = sign_in(cast.emil).post(reverse("product-price", args=[product.pk]), {"amount": "500", "currency": "EUR", "valid_from": "2030-01-15"})
    assert answer.status_code == 409 and not Price.objects.exists()


@pytest.mark.parametrize("page", ["/admin/sales/pipeline/", "/admin/service/businesscalendar/add/", "/admin/catalog/product/add/"])
def test_a_number_of_rows_is_no_reason_to_build_them(cast: Any, sign_in: Any, page: str) -> None:
    built = 0
    plain = BaseForm.__init__

    def counted(form: Any, *args: Any, **options: Any) -> None:
        nonlocal built
        built += 1
        plain(form, *args, **options)

    browser = sign_in(cast.emil)
    form = next(form for form in forms_of(browser.get(page).content.decode(), page) if any("TOTAL_FORMS" in name for name in form.fields))
    totals = {name: str(2**63) for name in form.fields if name.endswith("TOTAL_FORMS")}
    with patch.object(BaseForm, "__init__", counted):
        answer = browser.post(page, {**form.filled(), **totals, "_save": "1"})
    assert answer.status_code == 200 and built < 700


def test_a_refused_request_is_one_line_of_the_log() -> None:
    try:
        raise ValueError("x")
    except ValueError as error:
        record = logging.LogRecord("django.security.DisallowedHost", logging.ERROR, "", 1, "Invalid host", (), (type(error), error, error.__traceback__))
    assert logs.About().filter(record) and record.exc_info is None
