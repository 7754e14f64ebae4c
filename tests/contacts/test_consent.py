"""What consent stands: the table, ten thousand histories against the slow opinion, the ledger, and the gate that everything is sent through."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.consent import IMPORT, STANDING, blanket, stands
from contacts.consent_gate import Hindrance, permitted, tracking_allowed, why_not
from contacts.consent_steps import confirm_consent, object_to, record_consent, standing, suppress_address, withdraw_consent
from contacts.consent_words import wordings, write_wording
from contacts.models import ConsentEvent, ConsentPurpose, ConsentState, ConsentWording, EmailAddress, Interaction, PhoneNumber, Suppression
from contacts.reach import AddressHash, address_hash, key_name, reach, spellings
from contacts.services import delete_party
from crm.core.errors import RuleBroken
from crm.core.mail.plan import Recipient, plan_mail
from crm.core.mail.run import Run, last_word
from crm.core.models import OutgoingMail
from crm.core.work import work
from tests.contacts.consent_cases import CASES, KINDS, PURPOSES, START, Said, read, slow_state
from tests.factories import EmailFactory, PersonFactory, PhoneFactory


def minute(at: Any) -> int | None:
    return None if at is None else int((at - START).total_seconds() // 60)


def histories(count: int, seed: int = 20261127) -> list[list[Said]]:
    """Histories nobody wrote down: up to nine steps, told out of order, some within the same second."""
    luck = random.Random(seed)
    return [
        [
            Said(luck.choice((*PURPOSES, None)), kind, luck.choice(("link", "phone", IMPORT)), START + timedelta(minutes=luck.randrange(8)))
            for kind in luck.choices(KINDS, k=luck.randrange(10))
        ]
        for _ in range(count)
    ]


@pytest.mark.proof("consent")
def test_every_case_of_the_table_holds(figures: Any) -> None:
    wrong = []
    for case in CASES:
        steps = read(case.steps)
        found = stands(steps, "n")
        got = (found.state, minute(found.since), blanket(steps, PURPOSES))
        if got != (case.state, case.since, case.blanket):
            wrong.append(f"{case.steps}: {got}")
    print("\n".join(wrong))
    figures.record("cases that hold", len(CASES) - len(wrong), "cases", goal=f"all {len(CASES)}", holds=not wrong)


@pytest.mark.proof("consent")
def test_histories_agree_with_the_slow_opinion(figures: Any) -> None:
    told = histories(10_000)
    wrong = [steps for steps in told if any((now.state, now.since) != slow_state(steps, purpose) for purpose in PURPOSES for now in (stands(steps, purpose),))]
    figures.record("histories that agree with the reference", len(told) - len(wrong), "histories", goal="all 10,000", holds=not wrong)


def test_red_control_an_import_that_lifts_a_withdrawal_is_caught() -> None:
    def trusting(steps: list[Said], purpose: str) -> str:
        return stands([step._replace(how="phone") for step in steps], purpose).state

    assert any(trusting(steps, "n") != slow_state(steps, "n")[0] for steps in histories(500))


def test_addresses_have_one_hash_in_python_and_in_postgres(cast: Any) -> None:
    person = PersonFactory(owner=cast.anna)
    for text in ("Anna.Ünal@Firma.DE", "İlker@firma.de", "ΣΊΣΥΦΟΣ@firma.de", "o'neil+x@sub.example.test"):
        row = EmailFactory(party=person, address=text, is_primary=False)
        found = EmailAddress.objects.annotate(hash=AddressHash("address"), other=AddressHash("normalised")).get(pk=row.pk)
        assert found.hash == found.other == reach("email", text).hash, text
    row = PhoneFactory(party=person, number="0221 / 98 76-54")
    PhoneNumber.objects.filter(pk=row.pk).update(key="+49221987654")
    assert PhoneNumber.objects.annotate(hash=AddressHash("key", "phone")).get(pk=row.pk).hash == reach("phone", "+49 221 987654").hash
    assert spellings("email", "Anna@STRASSE-köln.de") == ["anna@xn--strasse-kln-zfb.de", "anna@strasse-köln.de"]
    assert reach("email", "a@b.de").hash != reach("phone", "a@b.de").hash


@pytest.fixture(autouse=True)
def opens_are_counted(cast: Any) -> None:
    """Out of the box nobody is asked for it, for nothing is counted: these tests are of a house that does."""
    ConsentPurpose.objects.filter(key="tracking").update(active=True)


@pytest.fixture
def mia(cast: Any) -> Any:
    """Somebody with an address, and the words of all purposes."""
    person = PersonFactory(owner=cast.anna, first_name="Mia", last_name="Thal")
    EmailFactory(party=person, address="Mia@Thal.example")
    return person


def word(key: str, language: str = "de") -> ConsentWording:
    return next(row for row in wordings(language) if row.purpose.key == key)


def gate(key: str = "newsletter", address: str = "mia@thal.example") -> str:
    """What the gate says of the row, both ways at once."""
    row = EmailAddress.objects.annotate(why=why_not(key)).get(normalised=address)
    assert EmailAddress.objects.filter(permitted(key), pk=row.pk).exists() == (row.why == "")
    return str(row.why)


def test_from_nothing_to_consent_and_back(cast: Any, mia: Any) -> None:
    to = reach("email", "mia@thal.example")
    assert gate() == Hindrance.NO_CONSENT
    record_consent(to, [word("newsletter")], how="phone", by=cast.anna, party=mia, note="am Telefon")
    assert gate() == ""
    assert gate("news") == Hindrance.NO_CONSENT
    withdraw_consent(to, [word("newsletter").purpose], how="link", by=None)
    assert gate() == Hindrance.WITHDRAWN
    record_consent(to, [word("newsletter")], how=IMPORT, by=cast.anna)
    assert gate() == Hindrance.WITHDRAWN
    confirm_consent(to, [word("newsletter")])
    assert gate() == ""
    assert not Suppression.objects.exists()
    object_to(to, None, how="letter", by=cast.anna)
    assert gate() == gate("news") == Hindrance.OBJECTED
    with pytest.raises(RuleBroken):
        record_consent(to, [word("news")], how="phone", by=cast.anna)
    assert ConsentEvent.objects.filter(party=mia).count() == 5
    assert all(event.at.microsecond == 0 for event in ConsentEvent.objects.all())
    headings = list(Interaction.objects.filter(party=mia).order_by("pk").values_list("heading", flat=True))
    assert headings[0] == "Einwilligung erteilt: Newsletter (E-Mail)"
    assert headings[-1] == "Widerspruch gegen: alle Werbung (E-Mail)"


def test_one_purpose_again_after_an_objection_to_all(cast: Any, mia: Any) -> None:
    to = reach("email", "mia@thal.example")
    object_to(to, None, how="mail", by=cast.anna)
    confirm_consent(to, [word("news")])
    assert gate("news") == ""
    assert gate("newsletter") == gate("tracking") == Hindrance.OBJECTED


def test_what_was_told_late_does_not_undo(cast: Any, mia: Any) -> None:
    to, now = reach("email", "mia@thal.example"), timezone.now()
    withdraw_consent(to, [word("newsletter").purpose], how="link", by=None, at=now - timedelta(hours=1))
    record_consent(to, [word("newsletter")], how="phone", by=cast.anna, at=now - timedelta(days=2))
    assert gate() == Hindrance.WITHDRAWN
    with pytest.raises(RuleBroken):
        withdraw_consent(to, None, how="link", by=None, at=now + timedelta(hours=1))


def test_bounced_and_reported_addresses_say_so(cast: Any, mia: Any) -> None:
    to = reach("email", "mia@thal.example")
    record_consent(to, [word("newsletter")], how="phone", by=cast.anna)
    suppress_address(to, "bounced", by=None)
    assert gate() == Hindrance.BOUNCED
    suppress_address(to, "complaint", by=None)
    assert gate() == Hindrance.COMPLAINT


def test_tracking_is_off_without_its_own_consent(cast: Any, mia: Any) -> None:
    to = reach("email", "mia@thal.example")
    record_consent(to, [word("newsletter")], how="phone", by=cast.anna)
    assert not EmailAddress.objects.filter(tracking_allowed()).exists()
    record_consent(to, [word("tracking")], how="phone", by=cast.anna)
    assert EmailAddress.objects.filter(tracking_allowed()).exists()


def test_every_spelling_of_an_address_is_stopped(cast: Any) -> None:
    person = PersonFactory(owner=cast.anna)
    EmailFactory(party=person, address="Info@Möbel.example")
    record_consent(reach("email", "info@xn--mbel-5qa.example"), [word("newsletter")], how="phone", by=cast.anna)
    assert gate(address="info@möbel.example") == ""
    mail = plan_mail(Recipient("info@Möbel.example"), once="x", heading="x", body="x", kind="case")
    assert OutgoingMail.objects.filter(permitted("newsletter", "to"), pk=mail.pk).exists()
    withdraw_consent(reach("email", "Info@Möbel.example"), None, how="link", by=None)
    assert gate(address="info@möbel.example") == Hindrance.WITHDRAWN
    assert not OutgoingMail.objects.filter(permitted("newsletter", "to"), pk=mail.pk).exists()


def test_the_gate_is_the_last_word_of_a_mail(monkeypatch: pytest.MonkeyPatch, cast: Any) -> None:
    from crm.core.mail import run
    from crm.core.mail.kinds import MailKind

    monkeypatch.setattr(run, "kind_of", lambda key: MailKind("x", "x", still=lambda: permitted("newsletter", "to")))
    sql, values = last_word("x")
    assert "core_outgoingmail" in sql
    assert values


def test_the_question_whether_a_sign_up_was_meant_goes_to_no_address_that_came_back(cast: Any) -> None:
    """Its last word is asked as the mail is handed over: an address found dead meanwhile is not written to again."""
    for address in ("hin@kunde.example", "weg@kunde.example"):
        plan_mail(Recipient(address), once=address, heading="x", body="x", kind="consent")
    run = Run("w")
    there, gone = run.claim("")
    suppress_address(reach("email", gone.to), "bounced", by=None)
    assert run.mark_handing(there, None)
    assert not run.mark_handing(gone, None)
    assert OutgoingMail.objects.get(pk=gone.pk).state == "withdrawn"


def test_the_database_keeps_ledger_and_words(cast: Any, mia: Any) -> None:
    record_consent(reach("email", "mia@thal.example"), [word("newsletter")], how="phone", by=cast.anna)
    old = word("newsletter")
    for rows, change in ((ConsentEvent.objects, {"address": "x"}), (ConsentWording.objects, {"text": "x"})):
        for act in (lambda r=rows, c=change: r.update(**c), lambda r=rows: r.all()._raw_delete("default")):
            with pytest.raises(IntegrityError), transaction.atomic():
                act()
    fresh = write_wording(ConsentWording(purpose=old.purpose, channel="email", language="de", text="Ja, bitte."), by=cast.emil)
    assert (fresh.version, word("newsletter").text) == (old.version + 1, "Ja, bitte.")
    assert ConsentEvent.objects.get().wording == old


def test_suppression_survives_deletion_and_holds_when_the_address_comes_again(cast: Any, mia: Any) -> None:
    to = reach("email", "mia@thal.example")
    record_consent(to, [word("newsletter"), word("news")], how="phone", by=cast.anna, party=mia)
    withdraw_consent(to, [word("newsletter").purpose], how="link", by=None)
    with work():  # what was said before anybody knew whose address it is goes, too
        purpose = word("news").purpose
        ConsentEvent.objects.create(channel="email", address="mia@thal.example", hash=to.hash, purpose=purpose, kind="withdrawn", how="link", at=START)
    delete_party(mia, by=cast.anna)
    assert set(ConsentEvent.objects.values_list("party", "address")) == {(None, "")}
    assert Suppression.objects.count() == 2  # what was given ends with the contact
    again = PersonFactory(owner=cast.anna)
    EmailFactory(party=again, address="MIA@thal.example")
    assert gate() == gate("news") == Hindrance.WITHDRAWN
    record_consent(to, [word("newsletter")], how=IMPORT, by=cast.anna, party=again)
    assert gate() == Hindrance.WITHDRAWN


def test_deleting_a_double_leaves_the_consent_of_the_other(cast: Any, mia: Any) -> None:
    twin = PersonFactory(owner=cast.anna)
    EmailFactory(party=twin, address="mia@thal.example")
    record_consent(reach("email", "mia@thal.example"), [word("newsletter")], how="phone", by=cast.anna, party=mia)
    delete_party(mia, by=cast.anna)
    assert gate() == ""


def test_under_another_secret_key_nothing_leaves(settings: Any, cast: Any, mia: Any) -> None:
    withdraw_consent(reach("email", "other@thal.example"), None, how="link", by=None)
    settings.SECRET_KEY = "another"
    record_consent(reach("email", "mia@thal.example"), [word("newsletter")], how="phone", by=cast.anna)
    assert gate() == Hindrance.LOST_KEY


def test_under_another_secret_key_no_consent_is_known(settings: Any, cast: Any, mia: Any) -> None:
    record_consent(reach("email", "mia@thal.example"), [word("newsletter")], how="phone", by=cast.anna)
    assert gate() == ""
    settings.SECRET_KEY = "another"
    assert gate() == Hindrance.NO_CONSENT


def test_state_and_suppression_follow_the_ledger_through_any_history(cast: Any) -> None:
    """What the tables say is what the pure decision says, step by step, for both purposes."""
    keys = {"n": ConsentPurpose.objects.get(key="newsletter"), "t": ConsentPurpose.objects.get(key="tracking")}
    words = {"n": word("newsletter"), "t": word("tracking")}
    for number, steps in enumerate(histories(40, seed=7)):
        address = f"h{number}@example.test"
        EmailFactory(party=PersonFactory(), address=address)
        to = reach("email", address)
        for step in steps:
            _say(to, step, keys, words)
        for letter, purpose in keys.items():
            expected = slow_state([step for step in steps if not _refused(step, steps)], letter)[0]
            assert (gate(purpose.key, address) == "") == (expected == STANDING), steps
            assert standing(to, purpose).state == expected


def _say(to: Any, step: Said, keys: Any, words: Any) -> None:
    """One step written as the services write it, refusals left out."""
    from contacts import consent_steps

    purpose, wording = (keys[step.purpose], words[step.purpose]) if step.purpose else (None, None)
    if purpose is None and step.kind not in ("withdrawn", "objected"):
        return
    how = {"requested": "form", "confirmed": "link"}.get(step.kind, step.how)
    with work():
        consent_steps._write(to, step.kind, [(purpose, wording)], how=how, by=None, at=step.at)


def _refused(step: Said, _steps: list[Said]) -> bool:
    return step.purpose is None and step.kind not in ("withdrawn", "objected")


@pytest.mark.proof("consent")
def test_a_hundred_thousand_addresses_are_one_plan(figures: Any, prove_full: bool, cast: Any) -> None:
    """No address costs a look-up of its own: one hash join, whatever their number."""
    count = 100_000 if prove_full else 3_000
    people = [PersonFactory() for _ in range(3)]
    EmailAddress.objects.bulk_create([EmailAddress(party=people[n % 3], address=f"c{n}@example.test", is_primary=False) for n in range(count)])
    purpose, wording = ConsentPurpose.objects.get(key="newsletter"), word("newsletter")
    event = ConsentEvent.objects.create(channel="email", hash="x", purpose=purpose, kind="given", wording=wording, how="import", at=START)
    rows = [ConsentState(channel="email", hash=address_hash("email", f"c{n}@example.test"), purpose=purpose, state=STANDING, since=START, event=event) for n in range(0, count, 2)]
    ConsentState.objects.bulk_create(rows)
    stopped = [Suppression(channel="email", hash=row.hash, key=key_name(), reason="objected", since=START) for row in rows[::10]]
    Suppression.objects.bulk_create(stopped)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_consentstate, contacts_emailaddress, contacts_suppression")
    begin = time.monotonic()
    with CaptureQueriesContext(connection) as queries:
        found = EmailAddress.objects.filter(permitted(purpose)).count()
    spent = time.monotonic() - begin
    plan = EmailAddress.objects.filter(permitted(purpose)).explain()
    figures.record(f"addresses permitted of {count:,}: every second has consent, every tenth of them objected", found, "addresses", goal=f"{len(rows) - len(stopped):,}", holds=found == len(rows) - len(stopped))
    figures.record("statements it took", len(queries), "statements", goal="1", holds=len(queries) == 1)
    figures.record("how long", round(spent * 1000), "ms")
    assert "Hash" in plan and "SubPlan" not in plan, plan
