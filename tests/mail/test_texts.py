"""The words of mails: as Lotse says them until somebody says them otherwise, in each language, and never without what must be in them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from accounts.models import User
from accounts.services import send_invitation
from crm.core.mail.texts import text_kinds, written
from crm.core.models import Change, MailText, OutgoingMail
from crm.core.placeholders import names, problems
from tests.accounts.test_admin import fields_of, submit

pytestmark = pytest.mark.django_db
LIST = "/admin/core/mailtext/"


@pytest.mark.parametrize("kind", text_kinds(), ids=lambda kind: kind.key)
@pytest.mark.parametrize("language", ["de", "en"])
def test_what_lotse_says_can_be_filled_in(kind: Any, language: str) -> None:
    with translation.override(language):
        for text in (str(kind.heading), str(kind.body)):
            assert not problems(text, kind.names)
        assert set(kind.needed) <= set(names(str(kind.body)))
        heading, body = written(kind.key, **{name: f"<{name}>" for name in kind.names})
        assert "{" not in heading + body and all(f"<{name}>" in body for name in kind.needed)


def test_words_of_our_own_are_used_in_their_language(cast: Any) -> None:
    MailText.objects.filter(key="invitation").update(heading_de="Willkommen bei {company}", body_de="Hallo {name}: {url}")
    for user, language in ((cast.anna, "de"), (cast.ben, "en")):
        User.objects.filter(pk=user.pk).update(language=language)
        user.refresh_from_db()
        send_invitation(user, by=cast.emil)
    german, english = OutgoingMail.objects.get(user=cast.anna), OutgoingMail.objects.get(user=cast.ben)
    assert german.heading == "Willkommen bei Lotse" and german.body.startswith("Hallo Anna Probe: http") and german.kind == "account"
    assert english.heading == "Your access to Lotse" and "/accounts/password/reset/key/" in english.body


def test_the_crm_manager_changes_the_words(cast: Any, sign_in: Any) -> None:
    emil = sign_in(cast.emil)
    page = emil.get(LIST).content.decode()
    assert "Einladung zu Lotse" in page and "Forecast am Montag" in page
    change = f"{LIST}{MailText.objects.get(key='invitation').pk}/change/"
    shown = emil.get(change).content.decode()
    assert "ab jetzt können Sie mit Lotse arbeiten" in shown and "{url} Link zur Wahl des Passworts" in shown
    assert submit(emil, change, body_de="Kommen Sie herein: {url}", body_en="Come in, {name|you}: {url}", heading_de="Ihr Zugang zu Lotse", heading_en="").status_code == 302
    text = MailText.objects.get(key="invitation")
    assert (text.body_de, text.body_en, text.heading_en) == ("Kommen Sie herein: {url}", "Come in, {name|you}: {url}", "")
    assert text.heading_de == ""  # as Lotse says it: so a better wording of a later version comes through
    assert Change.objects.filter(relation="core_mailtext", actor_id=cast.emil.pk).exists()


def test_what_cannot_be_filled_in_or_is_missing_is_said_beside_the_field(cast: Any, sign_in: Any) -> None:
    emil = sign_in(cast.emil)
    emil.get(LIST)
    change = f"{LIST}{MailText.objects.get(key='invitation').pk}/change/"
    answer = submit(emil, change, body_de="Hallo {nmae}, {url", body_en="Hello {name}", heading_de="{xyz}")
    html = answer.content.decode()
    assert answer.status_code == 200 and not MailText.objects.get(key="invitation").body_de
    assert "{nmae} füllt niemand aus (Zeichen 7). Meinten Sie {name}?" in html and "Meinten Sie {url}?" in html and "{xyz} füllt niemand aus (Zeichen 1)." in html
    assert html.count("Das darf nicht fehlen: {url}.") == 2
    assert "Hallo {nmae}, {url" in str(fields_of(answer)) or "Hallo {nmae}, {url" in html


def test_rows_are_neither_added_nor_deleted_by_hand(cast: Any, sign_in: Any) -> None:
    emil = sign_in(cast.emil)
    emil.get(LIST)
    assert emil.get(f"{LIST}add/").status_code == 403
    assert emil.get(f"{LIST}{MailText.objects.get(key='forecast').pk}/delete/").status_code == 403
