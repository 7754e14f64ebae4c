"""How was it? Asked once, by whom it may be asked, answered once, and read by those it concerns."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from contacts.consent_steps import suppress_address, withdraw_consent
from contacts.models import ConsentPurpose, Interaction, Suppression
from contacts.reach import reach
from contacts.senders import note_unreachable
from crm.core.events import dispatch
from crm.core.mail.run import Run
from crm.core.models import Notification, OutgoingMail
from crm.core.work import work
from crm.panels import PANELS
from service.models import Case, DeskSetup, Satisfaction
from service.satisfaction import ask_due, average, rate_case
from service.services import reopen_case, solve_case
from tests.factories import EmailFactory, OrganisationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(cast: Any, make: Callable[..., Case]) -> Callable[..., Case]:
    """closed(hours=…): a question that was closed so many hours ago, of a customer with an address."""
    DeskSetup.current()
    DeskSetup.objects.update(asks=True, ask_after_hours=24, ask_pause_days=90)

    def build(hours: float = 30, party: Any = None, address: str = "kunde@kunde.test", **facts: Any) -> Case:
        if party is None:
            with work(by=cast.anna):
                party = OrganisationFactory(owner=cast.anna)
                if address:
                    EmailFactory(party=party, address=address)
        case = make(type="question", party=party, owner=cast.sven, **facts)
        at = timezone.now() - timedelta(hours=hours)
        solve_case(case, by=cast.sven, close=True, at=at)
        return case

    return build


def link() -> str:
    """The way in, as the mail names it."""
    found = re.search(r"https?://[^/]+(/how-was-it/[^\s?]+)", OutgoingMail.objects.get(kind="satisfaction").body)
    assert found
    return found[1]


def test_asked_once_after_closing(closed: Any) -> None:
    case = closed()
    assert ask_due() == 1 and ask_due() == 0
    mail = OutgoingMail.objects.get(kind="satisfaction")
    assert mail.to == "kunde@kunde.test" and mail.body.count("?score=") == 5 and case.number in mail.heading
    assert Satisfaction.objects.get().score is None


@pytest.mark.parametrize("why", ["off", "too early", "long ago", "merged", "no address", "unreachable", "suppressed", "said no to questions", "said no to everything", "asked lately"])
def test_not_asked(cast: Any, closed: Any, why: str) -> None:
    party = None
    if why == "asked lately":
        party = closed(hours=30).party
        assert ask_due() == 1
    case = closed(hours={"too early": 3, "long ago": 24 * 30}.get(why, 30), party=party, address="" if why == "no address" else "kunde@kunde.test")
    if why == "off":
        DeskSetup.objects.update(asks=False)
    if why == "merged":
        Case.objects.filter(pk=case.pk).update(merged_into=closed(address="").pk)
    if why == "unreachable":
        note_unreachable("kunde@kunde.test", at=timezone.now(), by=cast.emil)
    if why == "suppressed":
        suppress_address(reach("email", "kunde@kunde.test"), Suppression.Reason.COMPLAINT, by=cast.emil)
    if why.startswith("said no"):
        survey = [ConsentPurpose.objects.get(key="survey")]
        withdraw_consent(reach("email", "kunde@kunde.test"), survey if why == "said no to questions" else None, how="link", by=None)
    assert ask_due() == 0


@pytest.mark.parametrize("no", [True, False])
def test_a_no_holds_until_the_question_leaves(closed: Any, no: bool) -> None:
    closed()
    assert ask_due() == 1
    if no:
        withdraw_consent(reach("email", "kunde@kunde.test"), [ConsentPurpose.objects.get(key="survey")], how="link", by=None)
    worker = Run()
    mails = worker.claim("")
    assert [worker.mark_handing(mail, None) for mail in mails if mail.kind == "satisfaction"] == [not no]


def test_one_row_per_case_and_a_score_within_bounds(closed: Any) -> None:
    case = closed()
    Satisfaction.objects.create(case=case)
    for facts in ({"case": case}, {"case": closed(address=""), "score": 6, "answered_at": timezone.now()}, {"case": closed(address=""), "score": 3}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Satisfaction.objects.create(**facts)


def test_looking_answers_nothing_and_an_answer_counts_once(cast: Any, closed: Any) -> None:
    case = closed(heading="INNEN Störung", description="GEHEIM")
    ask_due()
    url, stranger = link(), Client()
    for address in (url, f"{url}?score=2", f"{url}?score=nonsense"):
        page = stranger.get(address)
        assert page.status_code == 200 and "GEHEIM" not in page.content.decode() and "Sven" not in page.content.decode()
    assert 'value="2" checked' in stranger.get(f"{url}?score=2").content.decode() and Satisfaction.objects.get().score is None
    bad = stranger.post(url, {"score": "9", "words": "Das steht noch da"})
    assert bad.status_code == 422 and "Das steht noch da" in bad.content.decode()
    assert stranger.post(url, {"score": "2", "words": "Zu langsam"}).status_code == 200
    for again in (stranger.post(url, {"score": "5"}), stranger.get(url)):
        assert again.status_code == 410
    row = Satisfaction.objects.get()
    assert (row.score, row.words) == (2, "Zu langsam") and row.answered_at is not None
    assert Interaction.objects.filter(party=case.party, kind="system", heading__contains="2 von 5").count() == 1
    dispatch()
    assert Notification.objects.filter(user=cast.sven, text__contains=case.number).count() == 1


def test_a_good_score_disturbs_nobody(cast: Any, closed: Any) -> None:
    rate_case(closed(), score=5)
    dispatch()
    assert not Notification.objects.filter(user=cast.sven).exists()


def test_forged_and_foreign_links_open_nothing(closed: Any) -> None:
    closed()
    ask_due()
    assert Client().post(link()[:-3] + "xx/", {"score": "1"}).status_code == 404 and Satisfaction.objects.get().score is None


def test_it_is_shown_where_it_counts(cast: Any, sign_in: Any, closed: Any) -> None:
    case = closed()
    rate_case(case, score=2, words="Zu langsam")
    rate_case(closed(party=case.party), score=5)
    assert "gibt 2 von 5: Zu langsam" in sign_in(cast.sven).get(f"/service/cases/{case.pk}/").content.decode()
    assert "Zufriedenheit" in sign_in(cast.sven).get("/service/causes/?type=any&period=last12").content.decode()
    mean, n = average(Case.objects.all())
    assert (str(mean), n) == ("3.5", 2)
    panel = next(panel for panel in PANELS if panel.key == "cases")
    assert "Zufriedenheit 3,5 von 5 (2 Antworten)" in panel.figure(case.party, cast.emil)["detail"]


def test_a_case_that_is_open_again_is_not_asked_about(cast: Any, closed: Any) -> None:
    reopen_case(closed(), by=cast.sven)
    assert ask_due() == 0
