"""The set-up pages about sending: settings kept safely, a test that tells the truth, the switch, and mails that ask for a person."""

from __future__ import annotations

import uuid
from typing import Any

import dns.exception
import dns.resolver
import pytest
from django.urls import reverse
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from crm.core import seal as sealing
from crm.core.mail import records, sending
from crm.core.mail.records import judge_dkim, judge_dmarc, judge_spf, look_up
from crm.core.mail.server import PURPOSE, only_a_folder, server_of
from crm.core.models import Change, MailLimit, MailSetup, OutgoingMail
from tests.accounts.test_admin import fields_of, submit
from tests.mail.conftest import write
from tests.mail.sink import Sink

CHANGE, TEST = "/admin/core/mailsetup/1/change/", "/admin/core/mailsetup/test/"
MAILS = "/admin/core/outgoingmail/"


@pytest.fixture
def emil(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(records, "txt_records", lambda name: None)  # no test asks the internet
    return sign_in(cast.emil)


@pytest.mark.parametrize("said", [{"SMTP_HOST": "mail.test"}, {"DEBUG": True}, {"SHOW_DEMO_SIGN_INS": True}])
def test_where_mails_only_become_files_somebody_is_told(settings: Any, said: dict[str, Any]) -> None:
    settings.SMTP_HOST, settings.DEBUG, settings.SHOW_DEMO_SIGN_INS = "", False, False
    assert only_a_folder(MailSetup()) and not only_a_folder(MailSetup(host="mail.haus.test"))
    for name, value in said.items():
        setattr(settings, name, value)
    assert not only_a_folder(MailSetup())


# --- secrets ----------------------------------------------------------------------------------------------------------
@given(st.text(alphabet=st.characters(blacklist_categories=["Cs"])))
def test_a_sealed_secret_opens_again_and_shows_nothing(secret: str) -> None:
    sealed = sealing.seal(secret, "test")
    assert sealing.unseal(sealed, "test") == secret
    assert not secret or (len(secret) < 4 or secret not in sealed)


def test_a_secret_opens_for_its_purpose_and_key_alone(settings: Any) -> None:
    sealed = sealing.seal("geheim", "test")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert sealing.unseal(sealed, "test") == "geheim"  # the former key is named
    settings.SECRET_KEY_FALLBACKS = []
    for text, purpose in ((sealed, "test"), (sealing.seal("geheim", "test"), "other"), ("nonsense", "test"), ("ä", "test")):
        with pytest.raises(sealing.Unreadable):
            sealing.unseal(text, purpose)


# --- the settings -----------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_mail_server_is_set_up_in_the_admin(emil: Any, house: Any) -> None:
    MailSetup.objects.filter(pk=1).update(turn=7, fingerprint="f", trouble="refused", trouble_at="2026-01-01T00:00Z")
    assert MailSetup.current().password == ""
    answer = submit(emil, CHANGE, host="mail.firma.test", username="crm", new_password="geheim ", sender="Haus Müller <post@Firma.TEST>", connections="3", per_hour="500")
    assert answer.status_code == 302
    setup = MailSetup.current()
    server = server_of(setup)
    assert (server.host, server.port, server.security, server.username, server.password, server.sender) == ("mail.firma.test", 587, "starttls", "crm", "geheim ", ("Haus Müller", "post@firma.test"))
    assert (setup.turn, setup.fingerprint, setup.trouble, setup.connections, setup.per_hour) == (7, "f", "", 3, 500)
    page = emil.get(CHANGE).content.decode()
    assert "geheim" not in page and setup.password not in page
    assert "geheim" not in str(list(Change.objects.filter(relation="core_mailsetup").values())) and Change.objects.filter(relation="core_mailsetup", actor_id__isnull=False).exists()
    assert submit(emil, CHANGE, port="465", security="tls", host="MAIL.firma.test").status_code == 302
    assert server_of(MailSetup.current()).password == "geheim "  # an empty field keeps it
    assert submit(emil, CHANGE, username="").status_code == 302
    assert MailSetup.current().password == ""


@pytest.mark.django_db
@pytest.mark.parametrize(("changed", "said"), [({"host": "evil.test"}, "für einen anderen Server"), ({"port": "25", "security": "none"}, "unverschlüsselt gesendet")])
def test_a_stored_password_goes_nowhere_else(emil: Any, house: Any, changed: dict[str, str], said: str) -> None:
    """Neither to another server nor over an open line, until somebody who knows it enters it again."""
    submit(emil, CHANGE, host="mail.firma.test", username="crm", new_password="geheim")
    answer = submit(emil, CHANGE, **changed)
    assert answer.status_code == 200 and said in answer.context["adminform"].form.errors["new_password"][0]
    setup = MailSetup.current()
    assert (setup.host, setup.port, setup.security) == ("mail.firma.test", 587, "starttls")
    assert submit(emil, CHANGE, **changed, new_password="neu").status_code == 302
    assert server_of(MailSetup.current()).password == "neu"
    assert submit(emil, CHANGE, host="third.test", username="").status_code == 302, "where nobody signs in none is kept"
    assert MailSetup.current().password == ""


@pytest.mark.django_db
def test_where_somebody_may_do_everything_only_their_like_names_the_server(cast: Any, emil: Any, sign_in: Any, house: Any) -> None:
    """Shown, not changed: neither by the form nor by what a browser could send instead. The rest is."""
    submit(emil, CHANGE, host="mail.firma.test", username="crm", new_password="geheim")
    User.objects.filter(pk=cast.greta.pk).update(is_superuser=True)
    page = emil.get(CHANGE)
    assert not {"host", "port", "security", "username", "new_password"} & set(fields_of(page))
    assert "mail.firma.test" in page.content.decode() and "Den Mailserver benennt nur, wer hier alles darf" in page.content.decode()
    forged = {"host": "evil.test", "port": "25", "security": "none", "username": "", "new_password": "mine"}
    assert submit(emil, CHANGE, sender="post@firma.test", **forged).status_code == 302
    server = server_of(MailSetup.current())
    assert (server.host, server.port, server.security, server.username, server.password, server.sender) == ("mail.firma.test", 587, "starttls", "crm", "geheim", ("", "post@firma.test"))
    assert submit(sign_in(cast.greta), CHANGE, host="neu.firma.test", new_password="neu").status_code == 302
    assert server_of(MailSetup.current()).host == "neu.firma.test"


@pytest.mark.django_db
def test_a_stored_password_does_not_go_astray_by_way_of_the_environment(emil: Any, house: Any) -> None:
    submit(emil, CHANGE, host="mail.firma.test", username="crm", new_password="geheim")
    assert submit(emil, CHANGE, host="", security="none").status_code == 200
    assert submit(emil, CHANGE, host="").status_code == 302
    assert submit(emil, CHANGE, host="evil.test").status_code == 200


@pytest.mark.django_db
def test_what_cannot_be_is_said_beside_the_field(emil: Any, house: Any) -> None:
    answer = submit(emil, CHANGE, host="mail server", sender="Haus", reply_to="a@b@c", port="70000", connections="0", per_hour="0", dkim_selector="a b")
    html = answer.content.decode()
    assert answer.status_code == 200 and html.count("errorlist") >= 7
    assert 'value="mail server"' in html and MailSetup.current().host == ""


@pytest.mark.django_db
def test_a_password_under_another_key_is_asked_for_again(emil: Any, house: Any, settings: Any) -> None:
    submit(emil, CHANGE, host="127.0.0.1", port="1", security="none", username="crm", new_password="geheim")
    MailSetup.objects.filter(pk=1).update(password=sealing.seal("geheim", "other"))
    write("a@x.test")
    with translation.override("de"):
        assert sending.send_due() == 0
    assert "Passwort" in MailSetup.current().trouble and server_of(MailSetup.current()).password_lost


@pytest.mark.django_db
def test_the_environment_holds_where_nothing_is_entered(house: Any, settings: Any) -> None:
    settings.SMTP_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "env.test", 2525, True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD, settings.DEFAULT_FROM_EMAIL = "u", "p", "Env <e@env.test>"
    server = server_of(MailSetup.current())
    assert (server.host, server.port, server.security, server.username, server.password, server.sender) == ("env.test", 2525, "starttls", "u", "p", ("Env", "e@env.test"))
    assert server.from_environment and "p" not in repr(server).replace("port", "").replace("password_lost", "").replace("username", "").replace("reply_to", "").split("timeout")[0][60:]


@pytest.mark.django_db
def test_limits_are_kept_under_one_spelling(emil: Any) -> None:
    assert submit(emil, reverse("admin:core_maillimit_add"), domain=" @GMX.de", per_hour="100").status_code == 302
    assert submit(emil, reverse("admin:core_maillimit_add"), domain="gmx.DE.", per_hour="5").status_code == 200  # there is one already
    assert submit(emil, reverse("admin:core_maillimit_add"), domain="gmx", per_hour="5").status_code == 200
    assert list(MailLimit.objects.values_list("domain", "per_hour")) == [("gmx.de", 100)]


# --- the test ---------------------------------------------------------------------------------------------------------
def press(browser: Any, url: str) -> Any:
    return browser.post(url, {}, headers={"Idempotency-Key": str(uuid.uuid4())})


@pytest.mark.django_db
def test_the_test_sends_to_the_reader_and_shows_what_the_server_said(cast: Any, emil: Any, sink: Sink, house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    house(sink.port)
    there = press(emil, TEST)["Location"]
    waiting = emil.get(there).content.decode()
    assert "ist unterwegs" in waiting and 'http-equiv="refresh"' in waiting and "SPF" not in waiting
    sending.send_due()
    page = emil.get(there).content.decode()
    (mail,) = sink.accepted()
    assert mail.to == ("emil@lotse.test",) and mail.queue_id in page and "wurde angenommen" in page and "SPF" in page and "refresh" not in page
    assert "Versandtest" in str(mail.message["Subject"])


@pytest.mark.django_db
def test_a_test_that_fails_says_why(emil: Any, house: Any) -> None:
    house(1)
    there = press(emil, TEST)["Location"]
    sending.send_due()
    page = emil.get(there).content.decode()
    assert "nicht erreichbar" in page and "refused" in page
    OutgoingMail.objects.update(state="refused", code=535, answer="5.7.8 authentication failed")
    assert "535 5.7.8 authentication failed" in emil.get(there).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("number", ["", "x", "-1", "1" * 30, "4711"])
def test_no_input_breaks_the_page(emil: Any, number: str) -> None:
    assert emil.get(f"{TEST}?mail={number}").status_code == 200


@pytest.mark.django_db
def test_nobody_sees_anothers_mail_there(cast: Any, emil: Any, house: Any) -> None:
    other = write("kunde@x.test")
    assert "kunde@x.test" not in emil.get(f"{TEST}?mail={other.pk}").content.decode()


# --- the switch and the list ------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_sending_is_stopped_and_let_go_by_a_click(emil: Any, house: Any) -> None:
    write("a@x.test")
    press(emil, "/admin/core/mailsetup/lock/")
    for page in (CHANGE, MAILS, TEST):
        html = emil.get(page).content.decode()
        assert "angehalten" in html and "1 E-Mail wartet" in html
    assert sending.send_due() == 0
    press(emil, "/admin/core/mailsetup/unlock/")
    assert "angehalten" not in emil.get(CHANGE).content.decode() and sending.send_due() == 1
    for page in ("lock", "unlock"):
        assert emil.get(f"/admin/core/mailsetup/{page}/").status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["anna", "clara", "mia", "greta", "frieda"])
def test_only_who_sets_up_may_touch_it(cast: Any, sign_in: Any, name: str) -> None:
    browser = sign_in(getattr(cast, name))
    for url in (TEST, "/admin/core/mailsetup/lock/", "/admin/core/mailsetup/unlock/"):
        assert browser.get(url).status_code == 403 and browser.post(url).status_code == 403
    assert MailSetup.current().lock == "" and not OutgoingMail.objects.exists()


@pytest.mark.django_db
def test_a_mail_is_looked_at_without_its_words(emil: Any, house: Any) -> None:
    mail = write("x@example.test", body="https://geheim.example/link")
    html = emil.get(reverse("admin:core_outgoingmail_change", args=[mail.pk])).content.decode()
    assert "geheim" not in html and mail.message_id.strip("<>") in html and "Hinweis von Lotse" in html
    listed = emil.get(f"{MAILS}?kind=notification&state__exact=planned").content.decode()
    assert "…@example.test" in listed and "x@example.test" not in listed and mail.heading not in listed  # of a customer's mail only the domain
    assert "…@example.test" not in emil.get(f"{MAILS}?kind=account").content.decode()


@pytest.mark.django_db
def test_what_is_unclear_is_sent_again_after_a_question(emil: Any, house: Any) -> None:
    mails = {state: write(f"{state}@x.test") for state in ("unclear", "refused", "accepted")}
    for state, mail in mails.items():
        OutgoingMail.objects.filter(pk=mail.pk).update(state=state)
    assert "1 unklar" in emil.get(MAILS).content.decode()
    chosen = {"action": "send_again", "_selected_action": [str(mail.pk) for mail in mails.values()]}
    asked = emil.post(MAILS, {**fields_of(emil.get(MAILS)), **chosen}, headers={"Idempotency-Key": ""})
    html = asked.content.decode()
    assert asked.status_code == 200 and "bekommt der Empfänger sie doppelt" in html and "1 E-Mail wurde abgelehnt" in html
    assert not OutgoingMail.objects.filter(state="planned").exists()  # nothing has happened yet
    answer = emil.post(MAILS, {**chosen, "confirmed": "yes", "select_across": "0", "_key": fields_of(asked)["_key"][0]}, headers={"Idempotency-Key": ""})
    assert answer.status_code == 302
    assert dict(OutgoingMail.objects.values_list("to", "state")) == {"unclear@x.test": "planned", "refused@x.test": "planned", "accepted@x.test": "accepted"}
    assert "Emil Probe" in OutgoingMail.objects.get(to="unclear@x.test").answer


# --- DNS --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("texts", "state"),
    [
        (None, "unknown"),
        ([], "missing"),
        (["google-site-verification=x"], "missing"),
        (["v=spf1 mx -all"], "good"),
        (["V=SPF1 include:_spf.x.de ~all"], "good"),
        (["v=spf1 redirect=_spf.x.de"], "good"),
        (["v=spf1 mx ?all"], "weak"),
        (["v=spf1 mx"], "weak"),
        (["v=spf1 +all"], "weak"),
        (["v=spf1 -all", "v=spf1 mx -all"], "missing"),
        (["v=spf10 -all"], "missing"),
    ],
)
def test_spf(texts: Any, state: str) -> None:
    assert judge_spf(texts).state == state


@pytest.mark.parametrize(
    ("texts", "selector", "state"),
    [
        (None, "mail", "unknown"),
        ([], "mail", "missing"),
        ([], "", "unknown"),
        (["v=DKIM1; k=rsa; p=MIGf"], "mail", "good"),
        (["k=rsa; p=MIGf"], "mail", "good"),
        (["v=DKIM1; p="], "mail", "missing"),
        (["nonsense"], "mail", "missing"),
    ],
)
def test_dkim(texts: Any, selector: str, state: str) -> None:
    assert judge_dkim(texts, selector).state == state


@pytest.mark.parametrize(
    ("texts", "state"),
    [
        (None, "unknown"),
        ([], "missing"),
        (["v=DMARC1; p=reject; rua=mailto:x@x.de"], "good"),
        (["v=DMARC1;p=quarantine"], "good"),
        (["v=DMARC1; p=none"], "weak"),
        (["v=DMARC1"], "missing"),
        (["v=spf1 -all"], "missing"),
    ],
)
def test_dmarc(texts: Any, state: str) -> None:
    assert judge_dmarc(texts).state == state


def test_the_domain_above_speaks_where_the_domain_is_silent() -> None:
    zone = {"crm.firma.test": ["v=spf1 -all"], "_dmarc.firma.test": ["v=DMARC1; p=reject"], "mail._domainkey.crm.firma.test": ["v=DKIM1; p=x"]}
    assert [finding.state for finding in look_up("crm.firma.test", "mail", lambda name: zone.get(name, []))] == ["good", "good", "good"]
    assert [finding.state for finding in look_up("firma.test", "", lambda name: None)] == ["unknown", "unknown", "unknown"]
    with translation.override("de"):
        assert "keine Domain im Internet" in look_up("localhost", "mail")[0].text


@given(st.lists(st.text()))
def test_any_record_is_judged_without_error(texts: list[str]) -> None:
    for finding in (judge_spf(texts), judge_dkim(texts, "s"), judge_dmarc(texts)):
        assert finding.state in {"good", "weak", "missing", "unknown"} and finding.text


class Resolver:
    """dnspython's, as it fails in the wild."""

    lifetime = timeout = 0.0
    error: Exception = OSError()

    def resolve(self, name: str, kind: str) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "found"),
    [(dns.resolver.NXDOMAIN(), []), (dns.resolver.NoAnswer, []), (dns.resolver.LifetimeTimeout(timeout=3, errors=[]), None), (dns.resolver.NoNameservers(), None), (OSError(), None), (dns.exception.SyntaxError(), None)],
)
def test_dns_that_fails_is_no_error_page(monkeypatch: pytest.MonkeyPatch, error: Any, found: Any) -> None:
    if error is dns.resolver.NoAnswer:
        error = dns.resolver.NoAnswer.__new__(dns.resolver.NoAnswer)
    monkeypatch.setattr(Resolver, "error", error)
    monkeypatch.setattr(dns.resolver, "Resolver", Resolver)
    assert records.txt_records("x.de") == found


def test_a_machine_without_dns_is_no_error_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", none)
    assert records.txt_records("x.de") is None


def test_the_purpose_is_one() -> None:
    assert PURPOSE == "mail-server"  # another would make stored passwords unreadable
