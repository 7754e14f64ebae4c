"""The builder from an empty page to scheduled, as plain form posts; nothing typed is lost, a wrong value says so."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from campaigns.models import Campaign, MailDesign, Variant
from crm.core.models import MailSetup, OutgoingMail
from crm.core.work import work
from tests.campaigns.conftest import purpose
from tests.factories import SegmentFactory

State = Campaign.State


def url(row: Campaign, name: str, **query: Any) -> str:
    return reverse(f"campaign-{name}", args=[row.pk], query=query or None)


def typed(row: Campaign, position: int = 0, **changes: Any) -> dict[str, Any]:
    """What the content form of a mail sends."""
    variant = Variant.objects.get(campaign=row, position=position)
    data: dict[str, Any] = {"subject": variant.subject, "preheader": variant.preheader, "count": len(variant.blocks), "version": variant.version}
    for number, block in enumerate(variant.blocks):
        data |= {f"b{number}-{key}": value for key, value in block.items()}
    return data | changes


def picture(kind: str = "PNG", size: tuple[int, int] = (2400, 100)) -> Any:
    file = io.BytesIO()
    Image.new("RGB", size, "#0b6470").save(file, kind)
    file.seek(0)
    file.name = f"halle.{kind.lower()}"
    return file


@pytest.mark.django_db
def test_from_an_empty_page_to_scheduled(cast: Any, sign_in: Any, audience: Any) -> None:
    audience(5)
    with work(by=cast.mia):
        segment = SegmentFactory(owner=cast.mia, team=cast.mia.team)
        MailDesign.objects.update_or_create(pk=1, defaults={"imprint": "Rheintal GmbH", "four_eyes_above": 50})
    mia = sign_in(cast.mia)
    assert mia.get(reverse("campaign-create")).status_code == 200
    answer = mia.post(reverse("campaign-create"), {"name": "Wartung Herbst", "segment": segment.pk, "purpose": purpose().pk, "language": "de", "version": 0, "do": "next"})
    row = Campaign.objects.get()
    assert answer.status_code == 302 and answer.url == url(row, "update", step="content")
    assert mia.get(answer.url).status_code == 200
    mia.post(url(row, "content"), typed(row, subject="Zeit für Wartung", do="add:text"))
    mia.post(url(row, "content"), typed(row, **{"b0-text": "{salutation},\n\nes ist Zeit.", "do": "add:button"}))
    answer = mia.post(url(row, "content"), typed(row, **{"b1-text": "Termin", "b1-url": "https://rheintal.example/termin", "do": "next"}))
    assert answer.url == url(row, "update", step="test")
    answer = mia.post(url(row, "variants"), {"do": "add"})
    assert answer.url == url(row, "update", step="content", variant=1)
    mia.post(url(row, "content", variant=1), typed(row, 1, subject="Läuft alles?", do=""))
    answer = mia.post(url(row, "update", step="test"), {"metric": "reply", "effect": 25, "control": 10, "days": 14, "version": Campaign.objects.get().version, "do": "next"})
    assert answer.url == url(row, "update", step="schedule"), answer.content.decode()[-3000:]
    at = timezone.localtime() + timedelta(days=2)
    answer = mia.post(url(row, "update", step="schedule"), {"when": "at", "send_at": at.strftime("%Y-%m-%dT%H:%M"), "version": Campaign.objects.get().version, "do": "next"})
    assert answer.url == url(row, "update", step="check")
    page = mia.get(answer.url)
    assert page.status_code == 200 and not page.context["stopped"], [line for line in page.context["lines"] if line.state == "bad"]
    assert mia.post(url(row, "release")).status_code == 302
    row.refresh_from_db()
    assert row.state == State.RELEASED and row.send_at is not None
    assert mia.get(url(row, "detail")).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("step", ["goal", "content", "test", "schedule", "check", "nonsense"])
def test_every_step_shows_an_empty_and_a_full_campaign(cast: Any, sign_in: Any, campaign: Any, audience: Any, step: str) -> None:
    mia = sign_in(cast.mia)
    for row in (campaign(segment=None), campaign(mails=3)):
        assert mia.get(url(row, "update", step=step)).status_code == 200
    assert mia.get(url(row, "gaps")).status_code == 200


@pytest.mark.django_db
def test_parts_are_moved_added_and_removed_without_losing_words(cast: Any, sign_in: Any, campaign: Any) -> None:
    row, mia = campaign(), sign_in(cast.mia)
    mia.post(url(row, "content"), typed(row, do="add:heading"))
    mia.post(url(row, "content"), typed(row, **{"b1-text": "Oben", "b0-text": "Neu", "do": "up:1"}))
    assert [block["text"] for block in Variant.objects.get().blocks] == ["Oben", "Neu"]
    mia.post(url(row, "content"), typed(row, do="remove:1"))
    assert [block["kind"] for block in Variant.objects.get().blocks] == ["heading"]
    for odd in ("remove:9", "up:x", "add:nonsense", "down:²", "::"):
        assert mia.post(url(row, "content"), typed(row, do=odd)).status_code == 302
    assert len(Variant.objects.get().blocks) == 1


@pytest.mark.django_db
def test_an_image_is_made_small_and_travels_with_the_mail(cast: Any, sign_in: Any, campaign: Any) -> None:
    row, mia = campaign(), sign_in(cast.mia)
    mia.post(url(row, "content"), typed(row, do="add:image"))
    mia.post(url(row, "content"), typed(row, **{"b1-upload": picture(), "b1-text": "Halle", "do": ""}))
    image = row.images.get()
    assert Variant.objects.get().blocks[1]["image"] == image.file_id
    assert Image.open(io.BytesIO(bytes(image.file.data))).width == 1200
    assert "data:image/" in mia.get(url(row, "preview")).getvalue().decode()
    mia.post(url(row, "test"))
    mail = OutgoingMail.objects.get(kind="test")
    assert f"cid:{mail.attachments.get().name}" in mail.html


@pytest.mark.django_db
@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_what_is_no_image_is_refused_in_words(cast: Any, sign_in: Any, campaign: Any, content: bytes) -> None:
    row, mia = campaign(), sign_in(cast.mia)
    mia.post(url(row, "content"), typed(row, do="add:image"))
    file = io.BytesIO(content)
    file.name = "x.png"
    answer = mia.post(url(row, "content"), typed(row, **{"b1-upload": file, "b1-text": "Getippt", "do": ""}))
    assert answer.status_code == 422 and "Getippt" in answer.content.decode()


@pytest.mark.django_db
def test_an_image_of_another_campaign_is_not_shown(cast: Any, sign_in: Any, campaign: Any) -> None:
    one, other, mia = campaign(), campaign(), sign_in(cast.mia)
    mia.post(url(one, "content"), typed(one, do="add:image"))
    mia.post(url(one, "content"), typed(one, **{"b1-upload": picture(), "do": ""}))
    digest = one.images.get().file_id
    mia.post(url(other, "content"), typed(other, do="add:image"))
    mia.post(url(other, "content"), typed(other, **{"b1-image": digest, "do": ""}))
    assert Variant.objects.get(campaign=other).blocks[1]["image"] == ""


@pytest.mark.django_db
def test_two_people_do_not_write_over_each_other(cast: Any, sign_in: Any, campaign: Any) -> None:
    row = campaign()
    old = typed(row)
    sign_in(cast.mia).post(url(row, "content"), typed(row, subject="Mia", do=""))
    answer = sign_in(cast.emil).post(url(row, "content"), old | {"subject": "Emil", "do": ""})
    assert answer.status_code == 422 and "Emil" in answer.content.decode()
    assert Variant.objects.get().subject == "Mia"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("step", "data"),
    [
        ("test", {"metric": "reply", "effect": 1, "control": 5, "days": 14}),
        ("test", {"metric": "opens", "effect": 25, "control": 5, "days": 14}),
        ("test", {"metric": "reply", "effect": 25, "control": 51, "days": 14}),
        ("test", {"metric": "reply", "effect": 25, "control": 5, "days": 0}),
        ("schedule", {"when": "at", "send_at": ""}),
        ("schedule", {"when": "at", "send_at": "2020-01-01T10:00"}),
        ("schedule", {"when": "", "send_at": ""}),
        ("goal", {"name": "", "language": "de"}),
        ("goal", {"name": "x", "language": "de", "sender": "kein Absender"}),
        ("goal", {"name": "x", "language": "fr"}),
    ],
)
def test_a_wrong_value_is_said_beside_its_field(cast: Any, sign_in: Any, campaign: Any, step: str, data: dict[str, Any]) -> None:
    row = campaign()
    answer = sign_in(cast.mia).post(url(row, "update", step=step), data | {"version": row.version})
    assert answer.status_code == 422 and "invalid-feedback" in answer.content.decode()


@pytest.mark.django_db
def test_a_campaign_is_found_by_its_name(cast: Any, sign_in: Any, campaign: Any) -> None:
    row, mia = campaign(name="Öffnung im Frühjahr"), sign_in(cast.mia)
    for address in (reverse("campaign-list", query={"q": "öffnung"}), reverse("search", query={"q": "frühjahr"})):
        assert url(row, "detail") in mia.get(address).content.decode()
    assert url(row, "detail") not in mia.get(reverse("campaign-list", query={"q": "herbst"})).content.decode()


@pytest.mark.django_db
def test_what_is_wrong_stops_the_release(cast: Any, sign_in: Any, campaign: Any) -> None:
    row = campaign()
    assert sign_in(cast.mia).post(url(row, "release")).status_code == 422  # nobody in the segment
    row.refresh_from_db()
    assert row.state == State.DRAFT


@pytest.mark.django_db
def test_without_a_mail_server_nothing_is_released(cast: Any, sign_in: Any, campaign: Any, audience: Any, settings: Any) -> None:
    """Its mails would become files that count as sent. Where Lotse is tried out, the folder is meant."""
    audience(2)
    settings.SMTP_HOST = ""
    row, mia = campaign(), sign_in(cast.mia)
    found = mia.get(url(row, "update", step="check")).context
    assert found["stopped"] and [line.text for line in found["lines"] if line.state == "bad"] == [
        "Es ist noch kein Mailserver eingetragen: E-Mails würden nur in einem Ordner abgelegt und niemanden erreichen. Der CRM-Manager trägt ihn unter „E-Mail-Versand“ ein."
    ]
    assert mia.post(url(row, "release")).status_code == 422
    row.refresh_from_db()
    assert row.state == State.DRAFT
    settings.SHOW_DEMO_SIGN_INS = True
    assert not mia.get(url(row, "update", step="check")).context["stopped"]
    settings.SHOW_DEMO_SIGN_INS = False
    MailSetup.objects.update(host="mail.haus.test")
    assert mia.post(url(row, "release")).status_code == 302


@pytest.mark.django_db
def test_the_preview_is_the_mail_of_a_real_person_and_can_do_nothing(cast: Any, sign_in: Any, campaign: Any, audience: Any) -> None:
    audience(2)
    row, mia = campaign(), sign_in(cast.mia)
    answer = mia.get(url(row, "preview", person=2))
    html = answer.getvalue().decode()
    assert "Sehr geehrte Frau Öz1" in html
    assert "default-src 'none'" in answer["Content-Security-Policy"] and answer["X-Frame-Options"] == "SAMEORIGIN"
    live = mia.post(url(row, "preview"), typed(row, **{"b0-text": "Ungespeichert", "subject": "x"}))
    assert "Ungespeichert" in live.getvalue().decode() and Variant.objects.get().subject == "Wartung A"
    assert mia.get(url(row, "preview", person=99, variant=7)).status_code == 200
    assert "Öz0" in mia.get(url(row, "preview", text=1)).content.decode()
