"""Consents on the pages of a contact: what stands, writing down what was said, the evidence sheet, the set-up."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from contacts.consent import OBJECTED, STANDING, WITHDRAWN
from contacts.consent_gate import permitted, why_not
from contacts.consent_steps import confirm_consent, object_to, record_consent, request_consent, standing
from contacts.consent_words import wordings
from contacts.evidence import as_html, to_the_second
from contacts.models import ConsentEvent, ConsentPurpose, ConsentWording, EmailAddress, Interaction, Party, Suppression
from contacts.reach import reach
from contacts.services import delete_party
from crm.core import pdf
from tests.factories import AddressFactory, EmailFactory, PersonFactory, PhoneFactory

pytestmark = pytest.mark.django_db
ADDRESS = "mia@thal.example"


def word(key: str, language: str = "de", channel: str = "email") -> ConsentWording:
    return next(row for row in wordings(language, channel) if row.purpose.key == key)


def state(key: str = "newsletter", channel: str = "email", address: str = ADDRESS) -> str:
    return standing(reach(channel, address), ConsentPurpose.objects.get(key=key)).state


@pytest.fixture
def mia(cast: Any) -> Any:
    person = PersonFactory(owner=cast.anna, first_name="Mia", last_name="Thal", language="de")
    EmailFactory(party=person, address=ADDRESS)
    PhoneFactory(party=person, number="0221 987654", key="+49221987654")
    AddressFactory(party=person)
    return person


def record_url(party: Any, kind: str = "email") -> str:
    rows = {"email": party.emails, "phone": party.phones, "postal": party.addresses}[kind]
    return reverse("party-consent-record", args=[party.pk, kind, rows.get().pk])


def said(**typed: Any) -> dict[str, Any]:
    return {"kind": "given", "purposes": ["newsletter"], "how": "phone", "at": f"{timezone.localtime():%Y-%m-%dT%H:%M:%S}", "note": "", **typed}


def test_from_call_to_evidence(sign_in: Any, cast: Any, mia: Any) -> None:
    anna = sign_in(cast.anna)
    page = anna.get(reverse("person-detail", args=[mia.pk])).content.decode()
    assert "Noch nichts gesagt" in page
    form = anna.get(record_url(mia)).content.decode()
    assert word("newsletter").text in form
    at = (timezone.localtime() - timedelta(days=3)).replace(microsecond=0)
    answer = anna.post(record_url(mia), said(at=f"{at:%Y-%m-%dT%H:%M:%S}", note="Rückruf"))
    assert answer.status_code == 302 and state() == STANDING
    event = ConsentEvent.objects.get()
    assert (event.at, event.by, event.how, event.note, event.wording) == (at, cast.anna, "phone", "Rückruf", word("newsletter"))
    page = anna.get(reverse("party-consents", args=[mia.pk])).content.decode()
    assert word("newsletter").text in page and "Rückruf" in page and "Einwilligung liegt vor" in page
    assert Interaction.objects.get(party=mia).heading == "Einwilligung erteilt: Newsletter (E-Mail)"
    anna.post(record_url(mia), said(kind="withdrawn", how="mail"))
    assert state() == WITHDRAWN
    anna.post(record_url(mia), said(kind="objected", purposes=["*"], how="letter"))
    assert state() == OBJECTED
    again = anna.post(record_url(mia), said())
    assert again.status_code == 422 and "widersprochen" in again.content.decode() and state() == OBJECTED


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"purposes": []}, "worum es ging"),
        ({"purposes": ["*"]}, "gilt für einen Zweck"),
        ({"purposes": ["nonsense"]}, "nonsense"),
        ({"kind": "confirmed"}, "confirmed"),
        ({"how": "form"}, "form"),
        ({"at": "2099-01-01T10:00:00"}, "Zukunft"),
        ({"at": "gestern"}, "gestern"),
        ({"note": "x" * 201}, "200"),
    ],
)
def test_what_cannot_be_written_down(sign_in: Any, cast: Any, mia: Any, typed: Any, words: str) -> None:
    answer = sign_in(cast.anna).post(record_url(mia), said(**({"note": "Notiz 7"} | typed)))
    assert answer.status_code == 422 and words in answer.content.decode()
    assert "note" in typed or "Notiz 7" in answer.content.decode()
    assert not ConsentEvent.objects.exists()


def test_every_channel_has_its_own_consent(sign_in: Any, cast: Any, mia: Any) -> None:
    anna = sign_in(cast.anna)
    assert anna.post(record_url(mia, "phone"), said(purposes=["newsletter"])).status_code == 422  # no words for a newsletter by telephone
    assert anna.post(record_url(mia, "phone"), said(purposes=["news"])).status_code == 302
    assert anna.post(record_url(mia, "postal"), said(purposes=["news"], how="talk")).status_code == 302
    assert (state("news", "phone", "0221/987654"), state("news")) == (STANDING, "never")


def test_rights_are_those_of_the_contact(sign_in: Any, cast: Any, mia: Any) -> None:
    pages = {reverse("party-consents", args=[mia.pk]): 200, record_url(mia): 200, reverse("party-consents-pdf", args=[mia.pk]): 200}
    for url in pages:
        assert sign_in(cast.david).get(url).status_code == 404
        assert sign_in(cast.frieda).get(url).status_code == 403
    greta = sign_in(cast.greta)  # sees everything, changes and exports nothing of contacts
    assert greta.get(reverse("party-consents", args=[mia.pk])).status_code == 200
    assert greta.get(record_url(mia)).status_code == 403
    assert greta.post(record_url(mia), said()).status_code == 403
    assert greta.get(reverse("party-consents-pdf", args=[mia.pk])).status_code == 403
    assert "Festhalten" not in greta.get(reverse("party-consents", args=[mia.pk])).content.decode()
    other = PersonFactory(owner=cast.anna)
    assert sign_in(cast.anna).get(record_url(mia).replace(str(mia.pk), str(other.pk), 1)).status_code == 400


@pytest.mark.proof("consent")
def test_the_sheet_holds_every_step_with_its_words(figures: Any, cast: Any, mia: Any) -> None:
    import uuid

    to, at, request = reach("email", ADDRESS), timezone.now() - timedelta(days=9), uuid.uuid4()
    request_consent(to, [word("newsletter")], request=request, message_id="<frage@rheintal>", source="/consent/", connection="c0ffee", at=at)
    confirm_consent(to, [word("newsletter")], request=request, message_id="<frage@rheintal>", source="/consent/", connection="c0ffee", at=at + timedelta(minutes=4))
    record_consent(to, [word("invitations", "en")], how="talk", by=cast.anna, at=at + timedelta(days=2), note="Messe")
    object_to(to, None, how="letter", by=cast.anna)
    found: dict[str, int] = {}
    for language, words in (("de", ("Nachweis der Einwilligungen", "alle Werbung: widersprochen", "Messe")), ("en", ("Evidence of consents", "all advertising: objected", "in person"))):
        with translation.override(language):
            html = as_html(mia, cast.anna)
        missing = [part for part in (*words, ADDRESS, str(word("newsletter")), str(word("invitations", "en")), "&lt;frage@rheintal&gt;", "c0ffee", "/consent/") if part not in html]
        missing += [to_the_second(step.at) for step in ConsentEvent.objects.all() if to_the_second(step.at) not in html]
        print(language, missing)
        found[language] = len(missing)
        times = re.findall(r'class="sum"><th>([^<]+)', html)
        assert times == sorted(times) and len(times) == ConsentEvent.objects.count()
    figures.record("facts missing on the evidence sheet, German and English", sum(found.values()), "facts", goal="0", holds=not any(found.values()))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d \(\w+\)", to_the_second(at))


@pytest.mark.skipif(not pdf.available(), reason="Pango is missing")
def test_the_sheet_as_pdf(sign_in: Any, cast: Any, mia: Any) -> None:
    record_consent(reach("email", ADDRESS), [word("newsletter")], how="phone", by=cast.anna, party=mia)
    answer = sign_in(cast.anna).get(reverse("party-consents-pdf", args=[mia.pk]))
    assert answer["Content-Type"] == "application/pdf" and answer.content.startswith(b"%PDF-")
    assert mia.number.lower() in answer["Content-Disposition"]


def test_an_address_typed_again_stays_suppressed(sign_in: Any, cast: Any, mia: Any) -> None:
    """Through the real form: the contact is deleted, and comes again under the same address."""
    anna = sign_in(cast.anna)
    record_consent(reach("email", ADDRESS), [word("newsletter")], how="phone", by=cast.anna, party=mia)
    object_to(reach("email", ADDRESS), None, how="letter", by=cast.anna)
    delete_party(Party.objects.get(pk=mia.pk), by=cast.anna)
    assert not EmailAddress.objects.filter(normalised=ADDRESS).exists() and Suppression.objects.exists()
    answer = anna.post(reverse("person-create"), {"first_name": "Mia", "last_name": "Thal", "email": "MIA@Thal.example", "state": "prospect", "form_of_address": "sie"})
    assert answer.status_code == 302
    person = Party.objects.get(last_name="Thal")
    page = anna.get(reverse("party-consents", args=[person.pk])).content.decode()
    assert "widersprochen" in page and ADDRESS not in page  # the old step is there, without the old address
    assert anna.post(record_url(person), said()).status_code == 422
    other = PersonFactory(owner=cast.anna)  # and as a further address of somebody else
    assert anna.post(reverse("party-address-add", args=[other.pk, "email"]), {"address": ADDRESS, "label": "office"}).status_code == 302
    assert not EmailAddress.objects.filter(permitted("newsletter")).exists()
    assert set(EmailAddress.objects.filter(normalised=ADDRESS).annotate(why=why_not("newsletter")).values_list("why", flat=True)) == {"objected"}


def test_setting_up_purposes_and_words(sign_in: Any, cast: Any) -> None:
    emil = sign_in(cast.emil)
    page = emil.get(reverse("admin:contacts_consentpurpose_change", args=[ConsentPurpose.objects.get(key="newsletter").pk])).content.decode()
    assert "/consent/" in page
    purpose = ConsentPurpose.objects.get(key="newsletter")
    answer = emil.post(reverse("admin:contacts_consentwording_add"), {"purpose": purpose.pk, "channel": "email", "language": "de", "text": "Ja, schreiben Sie mir."})
    assert answer.status_code == 302
    fresh = word("newsletter")
    assert (fresh.text, fresh.version, fresh.created_by) == ("Ja, schreiben Sie mir.", 2, cast.emil)
    assert emil.get(reverse("admin:contacts_consentwording_change", args=[fresh.pk])).status_code == 200
    assert emil.post(reverse("admin:contacts_consentwording_change", args=[fresh.pk]), {"text": "x"}).status_code == 403
