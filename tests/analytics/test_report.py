"""The PDF and the weekly mail: the page's numbers, with the rights of that minute, once."""

from __future__ import annotations

import re
import subprocess
from datetime import date, datetime
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from accounts.grants import sync_grants
from accounts.models import Membership
from analytics import report, subscriptions
from analytics.forecast import Ask, Forecast, current_period
from analytics.models import ReportSubscription
from analytics.periods import parse
from crm.core import pdf
from crm.core.access import forget_scopes
from crm.core.models import OutgoingMail
from sales.models import Stage
from tests.analytics.test_page import make

DUE = timezone.make_aware(datetime(2026, 11, 23, 7, 0))


@pytest.fixture
def rows(cast):
    make(cast.anna, state="won", day=date(2017, 1, 31), amount="1134672.40")
    make(cast.ben, day=date(2017, 2, 28), amount="20000", stage=Stage.objects.get(key="offer"))
    make(cast.david, state="won", day=date(2017, 2, 1), amount="55555.55")


@pytest.fixture
def now_rows(cast):
    make(cast.anna, state="won", day=current_period().start, amount="4711")
    make(cast.david, state="won", day=current_period().start, amount="88888")


def test_the_document_holds_the_pages_numbers(cast, rows, sign_in):
    """The HTML given to the renderer holds every money figure of the page, in German, and no foreign row's."""
    browser = sign_in(cast.clara)
    seen = browser.get(reverse("forecast") + "?period=2017-Q1")
    with translation.override("de"):
        html = report.as_html(Forecast(Ask(cast.clara, parse("2017-Q1", 1), action="export")))
    assert "1.134.672" in html and "11.000" in html and "1.145.672" in html
    assert "55.556" not in html and "55.555" not in html
    assert re.search(r"\d{2}\.\d{2}\.\d{4}, \d{2}:\d{2}", html)
    for figure in seen.context["figures"]:
        assert figure["value"] in unescape(html)
    for name in ("months", "teams", "owners"):
        for line in seen.context[name]:
            for part in ("closed", "weighted", "open", "likely"):
                if line[part].value is not None:
                    with translation.override("de"):
                        from crm.core.formats import number

                        assert number(line[part].value, 0) in unescape(html)


def test_the_pdf_reads_like_the_html(cast, rows, sign_in, pango, tmp_path):
    """What pdftotext finds in the file is what the renderer was given."""
    import shutil

    found = sign_in(cast.clara).get(reverse("forecast-pdf") + "?period=2017-Q1")
    assert found.status_code == 200 and found["Content-Type"] == "application/pdf"
    assert found["Content-Disposition"] == 'attachment; filename="forecast-2017-Q1.pdf"'
    assert found.content.startswith(b"%PDF-") and len(found.content) > 5000
    if not shutil.which("pdftotext"):
        return  # the numbers are compared in the HTML above; this machine cannot read PDFs
    (tmp_path / "f.pdf").write_bytes(found.content)
    words = subprocess.run(["pdftotext", "-layout", tmp_path / "f.pdf", "-"], capture_output=True, text=True, check=True).stdout
    for number in ("1.134.672", "11.000", "1.145.672", "20.000"):
        assert number in words
    assert "55.556" not in words


def test_names_cannot_become_markup(cast, rows):
    cast.anna.first_name = '<img src="file:///etc/passwd">'
    cast.anna.save()
    html = report.as_html(Forecast(Ask(cast.clara, parse("2017-Q1", 1))))
    assert "<img" not in html and "&lt;img" in html


def test_without_pango_the_button_is_gone(cast, rows, sign_in, monkeypatch):
    monkeypatch.setattr(pdf, "available", lambda: False)
    browser = sign_in(cast.clara)
    assert reverse("forecast-pdf") not in browser.get(reverse("forecast")).content.decode()
    found = browser.get(reverse("forecast-pdf"))
    assert found.status_code == 503 and "Pango" in found.content.decode()


def test_a_broken_renderer_is_told_in_words(cast, rows, sign_in, monkeypatch):
    def fail(*_args, **_options):
        raise pdf.PdfFailed("too slow")

    monkeypatch.setattr(pdf, "available", lambda: True)
    monkeypatch.setattr(pdf, "render", fail)
    assert sign_in(cast.clara).get(reverse("forecast-pdf")).status_code == 503


@pytest.fixture
def fast_pdf(monkeypatch):
    """The mails' tests look at who gets what; how a PDF is made has its own."""
    monkeypatch.setattr(pdf, "available", lambda: True)
    monkeypatch.setattr(pdf, "render", lambda html, assets=None: b"%PDF-" + html.encode())


def test_subscribing_on_the_page(cast, sign_in):
    browser = sign_in(cast.clara)
    for _twice in range(2):
        assert browser.post(reverse("forecast-subscribe")).status_code == 302
    assert ReportSubscription.objects.get().user == cast.clara
    assert browser.post(reverse("forecast-unsubscribe")).status_code == 302
    assert not ReportSubscription.objects.exists()


def test_nobody_unsubscribes_another(cast, sign_in):
    subscriptions.subscribe(cast.clara)
    sign_in(cast.greta).post(reverse("forecast-unsubscribe"))
    assert ReportSubscription.objects.count() == 1


def test_without_an_address_there_is_no_subscription(cast, sign_in):
    cast.clara.email = ""
    cast.clara.save()
    assert sign_in(cast.clara).post(reverse("forecast-subscribe")).status_code == 422


def test_each_gets_their_own_numbers_once(cast, now_rows, fast_pdf):
    cast.greta.language = "en"
    cast.greta.save()
    for user in (cast.clara, cast.greta):
        subscriptions.subscribe(user)
    for _twice in range(2):
        subscriptions.plan_mails(DUE)
    mails = {mail.user.username: mail for mail in OutgoingMail.objects.all()}
    assert mails.keys() == {"clara", "greta"}
    assert "4.711" in mails["clara"].body and "93.599" not in mails["clara"].body
    assert "93,599" in mails["greta"].body and mails["greta"].body.startswith("Dear Greta Probe,\n")
    clara = bytes(mails["clara"].attachments.get().file.data).decode()
    assert "4.711" in clara and "88.888" not in clara
    assert mails["clara"].attachments.get().name.endswith(".pdf") and mails["clara"].once == f"forecast:{DUE.isoformat()}:{cast.clara.pk}"


def test_rights_are_those_of_the_minute(cast, now_rows, fast_pdf):
    for user in (cast.clara, cast.greta, cast.emil):
        subscriptions.subscribe(user)
    Membership.objects.filter(user=cast.clara).delete()
    sync_grants()
    forget_scopes()
    cast.emil.is_active = False
    cast.emil.save()
    subscriptions.plan_mails(DUE)
    assert [mail.user.username for mail in OutgoingMail.objects.all()] == ["greta"]


def test_a_right_lost_between_two_steps(cast, now_rows, fast_pdf, monkeypatch):
    """The first mail takes the second reader's right away: the second gets nothing."""
    for user in (cast.clara, cast.greta):
        subscriptions.subscribe(user)
    real = subscriptions.plan_mail

    def plan(user, **facts):
        Membership.objects.filter(user=cast.greta).delete()
        sync_grants()
        return real(user, **facts)

    monkeypatch.setattr(subscriptions, "plan_mail", plan)
    subscriptions.plan_mails(DUE)
    assert [mail.user.username for mail in OutgoingMail.objects.all()] == ["clara"]


def test_long_work_goes_on_in_the_next_task(cast, now_rows, fast_pdf, monkeypatch):
    rung = []
    for user in (cast.clara, cast.greta, cast.emil):
        subscriptions.subscribe(user)
    monkeypatch.setattr(subscriptions, "SLICE", -1.0)
    monkeypatch.setattr(subscriptions, "ring", lambda *call: rung.append(call))
    subscriptions.plan_mails(DUE)
    assert rung == [("analytics.tasks.mail_forecasts", DUE.isoformat(), 0)]
    assert not OutgoingMail.objects.exists()
    monkeypatch.setattr(subscriptions, "SLICE", 60.0)
    from analytics.tasks import mail_forecasts

    mail_forecasts(*rung[0][1:])
    assert OutgoingMail.objects.count() == 3


def test_without_a_pdf_the_mail_still_tells(cast, now_rows, monkeypatch):
    monkeypatch.setattr(pdf, "available", lambda: False)
    subscriptions.subscribe(cast.greta)
    cast.greta.language = "en"
    cast.greta.save()
    subscriptions.plan_mails(DUE)
    mail = OutgoingMail.objects.get()
    assert not mail.attachments.exists() and "could not be made" in mail.body
