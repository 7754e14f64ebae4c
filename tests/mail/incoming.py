"""Mails as they come in, with what must be read off them: the measure of `crm.core.mail.inbox`, written before it.

`mail(...)` builds raw bytes; READING, NATURES, THREADS, QUOTES and RETURNS are tables of cases.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

DATE = "Thu, 26 Nov 2026 09:15:00 +0100"


def mail(body: str | bytes = "Guten Tag", *, head: str | bytes = "", **headers: str) -> bytes:
    """Raw bytes of a mail. Keywords become headers (`reply_to` → Reply-To); "" leaves one out; `head` is put in front as it stands."""
    facts = {"from": "Eva Kunz <eva.kunz@kunde.test>", "to": "service@haus.test", "subject": "Frage", "date": DATE, "message_id": "<m1@kunde.test>", **{key.removesuffix("_"): value for key, value in headers.items()}}
    lines = [f"{name.replace('_', '-').title()}: {value}".encode("utf-8", "surrogateescape") for name, value in facts.items() if value]
    front = head.encode() if isinstance(head, str) else head
    text = body.encode() if isinstance(body, str) else body
    return (front + b"\r\n" if front else b"") + b"\r\n".join(lines) + b"\r\n\r\n" + text


def multipart(*parts: str, boundary: str = "grenze") -> str:
    """The body of a multipart; its Content-Type is `head_of(...)`."""
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def head_of(kind: str, boundary: str = "grenze", more: str = "") -> str:
    return f'MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary="{boundary}"{more}'


def b64(text: bytes) -> str:
    return base64.encodebytes(text).decode()


PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
HTML = "Content-Type: text/html; charset=utf-8\r\n\r\n"


def multipart_mail(text: str, html: str, *files: tuple[str, bytes], **headers: str) -> bytes:
    """A mail as a mail program sends it: text and HTML, and files as text/plain."""
    both = f"{head_of('alternative', 'beide')}\r\n\r\n{multipart(PLAIN + text, HTML + html, boundary='beide')}"
    parts = [f"Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: attachment; filename={name}\r\nContent-Transfer-Encoding: base64\r\n\r\n{b64(data)}" for name, data in files]
    return mail(multipart(both, *parts), head=head_of("mixed"), **headers)


@dataclass(frozen=True)
class Reading:
    """Raw bytes and what is read: only the named facts are compared."""

    name: str
    raw: bytes
    facts: dict[str, Any]


READING = [
    Reading("plain", mail("Hallo"), {"sender": "eva.kunz@kunde.test", "sender_name": "Eva Kunz", "heading": "Frage", "text": "Hallo", "message_id": "<m1@kunde.test>", "files": []}),
    Reading("encoded subject", mail(subject="=?utf-8?b?R3LDvMOfZQ==?= =?utf-8?q?_aus_K=C3=B6ln?="), {"heading": "Grüße aus Köln"}),
    Reading("a letter cut between two words", mail(subject="=?utf-8?b?R3LD?= =?utf-8?b?vMOfZQ==?="), {"heading": "Grüße"}),
    Reading("folded subject", mail(subject="Eine lange\r\n Zeile"), {"heading": "Eine lange Zeile"}),
    Reading("raw 8-bit subject", mail(head="Subject: Störung".encode("latin-1"), subject=""), {"heading": "Störung"}),
    Reading("raw utf-8 subject", mail(head="Subject: Störung".encode(), subject=""), {"heading": "Störung"}),
    Reading("broken encoded word", mail(subject="=?utf-8?b?R3L!!!?= bleibt"), {"heading_has": "bleibt"}),
    Reading("unknown charset in a word", mail(subject="=?x-nix?q?Gr=FC=DFe?="), {"heading": "Grüße"}),
    Reading("no subject", mail(subject=""), {"heading": ""}),
    Reading("subject with NUL and bell", mail(subject="A\x00B\x07C"), {"heading_has": "A"}),
    Reading("a name in quotes with a comma", mail(from_='"Kunz, Eva" <eva.kunz@kunde.test>'), {"sender": "eva.kunz@kunde.test", "sender_name": "Kunz, Eva"}),
    Reading("an encoded name with an address in it", mail(from_="=?utf-8?q?chef=40haus=2Etest?= <dieb@fremd.test>"), {"sender": "dieb@fremd.test"}),
    Reading("no sender", mail(from_=""), {"sender": ""}),
    Reading("a sender that is no address", mail(from_="irgendwer"), {"sender": ""}),
    Reading("umlaut domain", mail(from_="eva@müller.test"), {"sender": "eva@xn--mller-kva.test"}),
    Reading("two senders: the first", mail(from_="a@kunde.test, b@kunde.test"), {"sender": "a@kunde.test"}),
    Reading("answers go elsewhere", mail(reply_to="Eva <eva@privat.test>"), {"reply_to": "eva@privat.test"}),
    Reading("no date", mail(date=""), {"date": None}),
    Reading("nonsense date", mail(date="gestern"), {"date": None}),
    Reading("a date without end", mail(date="Thu, 99 Nov 99999 99:99:99 +9999"), {"date": None}),
    Reading("references", mail(in_reply_to="<b@haus.test>", references="<a@haus.test>\r\n <b@haus.test>"), {"references": ["<b@haus.test>", "<a@haus.test>"]}),
    Reading("references without brackets", mail(in_reply_to="b@haus.test"), {"references": []}),
    Reading("no Message-ID", mail(message_id=""), {"message_id": ""}),
    Reading("a Message-ID with a comment", mail(message_id="<x@y.test> (kommentar)"), {"message_id": "<x@y.test>"}),
    Reading("quoted-printable in latin-1", mail("Gr=FC=DFe=\r\n aus", head="Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable"), {"text": "Grüße aus"}),
    Reading("windows-1252 called latin-1", mail("10 \x80".encode("latin-1"), head="Content-Type: text/plain; charset=windows-1252\r\nContent-Transfer-Encoding: 8bit"), {"text": "10 €"}),
    Reading("utf-8 that claims to be ascii", mail("Grüße", head="Content-Type: text/plain; charset=us-ascii"), {"text": "Grüße"}),
    Reading("charset zip", mail("Hallo", head="Content-Type: text/plain; charset=zip"), {"text": "Hallo"}),
    Reading("charset punycode", mail("a" * 5000, head="Content-Type: text/plain; charset=punycode"), {"text": "a" * 5000}),
    Reading("charset unicode_escape", mail("\\x41", head="Content-Type: text/plain; charset=unicode_escape"), {"text": "\\x41"}),
    Reading("charset nobody knows", mail("Grüße", head="Content-Type: text/plain; charset=x-martian"), {"text": "Grüße"}),
    Reading("shift_jis", mail("こんにちは".encode("shift_jis"), head="Content-Type: text/plain; charset=shift_jis"), {"text": "こんにちは"}),
    Reading("broken base64", mail("R3LDvMOfZQ=", head="Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64"), {}),
    Reading("NUL bytes", mail(b"vor\x00nach"), {"text": "vornach"}),
    Reading("lone CR", mail("eins\rzwei"), {"text": "eins\nzwei"}),
    Reading("both forms", mail(multipart(PLAIN + "klar", HTML + "<b>klar</b>"), head=head_of("alternative")), {"text": "klar", "html": "<b>klar</b>", "files": []}),
    Reading("HTML alone", mail("<p>Guten Tag</p><p>Ihre <b>Eva</b></p><style>p{}</style><script>x()</script>", head="Content-Type: text/html; charset=utf-8"), {"text": "Guten Tag\n\nIhre Eva"}),
    Reading("an attachment", mail(multipart(PLAIN + "anbei", f"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=plan.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{b64(b'%PDF')}"), head=head_of("mixed")), {"text": "anbei", "files": [("plan.pdf", "application/pdf", 4)]}),
    Reading("a name by RFC 2231", mail(multipart(PLAIN + "anbei", "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.pdf\r\n\r\nx"), head=head_of("mixed")), {"files": [("Größe.pdf", "application/pdf", 1)]}),
    Reading("a name by RFC 2047", mail(multipart(PLAIN + "anbei", 'Content-Type: application/pdf; name="=?utf-8?q?Gr=C3=B6=C3=9Fe.pdf?="\r\nContent-Disposition: attachment\r\n\r\nx'), head=head_of("mixed")), {"files": [("Größe.pdf", "application/pdf", 1)]}),
    Reading("a name in bare UTF-8", mail(multipart(PLAIN + "anbei", 'Content-Type: application/pdf; name="Größe.pdf"\r\n\r\nx'), head=head_of("mixed")), {"files": [("Größe.pdf", "application/pdf", 1)]}),
    Reading("a name with a path", mail(multipart(PLAIN + "a", 'Content-Type: text/x-sh\r\nContent-Disposition: attachment; filename="../../etc/passwd"\r\n\r\nx'), head=head_of("mixed")), {"files": [("passwd", "text/x-sh", 1)]}),
    Reading("a name with a line end", mail(multipart(PLAIN + "a", "Content-Type: application/x\r\nContent-Disposition: attachment; filename*=utf-8''a%0D%0ASet-Cookie%3A%20x.pdf\r\n\r\nx"), head=head_of("mixed")), {"files": [("a Set-Cookie: x.pdf", "application/x", 1)]}),
    Reading("a file without a name", mail(multipart(PLAIN + "a", "Content-Type: image/png\r\n\r\nx"), head=head_of("mixed")), {"files": [("image.png", "image/png", 1)]}),
    Reading("a text as attachment is not the mail's text", mail(multipart(PLAIN + "Text", "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=log.txt\r\n\r\nProtokoll"), head=head_of("mixed")), {"text": "Text", "files": [("log.txt", "text/plain", 9)]}),
    Reading("a forwarded mail is a file", mail(multipart(PLAIN + "siehe unten", "Content-Type: message/rfc822\r\n\r\n" + mail("innen").decode()), head=head_of("mixed")), {"text": "siehe unten", "files": [("mail.eml", "message/rfc822", None)]}),
    Reading("two texts one after the other", mail(multipart(PLAIN + "eins", PLAIN + "zwei"), head=head_of("mixed")), {"text": "eins\n\nzwei"}),
    Reading("no boundary", mail("--x\r\nHallo", head="Content-Type: multipart/mixed"), {}),
    Reading("an end that never comes", mail("--grenze\r\nContent-Type: text/plain\r\n\r\nHallo", head=head_of("mixed")), {"text": "Hallo"}),
    Reading("nothing at all", b"", {"sender": "", "text": ""}),
    Reading("no head", b"\r\n\r\nnur Text", {"text": "nur Text"}),
    Reading("line noise", bytes(range(256)) * 40, {}),
    Reading("bare line feeds", mail("Hallo").replace(b"\r\n", b"\n"), {"sender": "eva.kunz@kunde.test", "text": "Hallo"}),
    Reading("a head of a million bytes", mail(head="X-Lang: " + "a" * 1_000_000), {"text": "Guten Tag"}),
    Reading("ten thousand header lines", mail(head="\r\n".join(f"X-{n}: y" for n in range(10_000))), {"text": "Guten Tag"}),
    Reading("an encoded subject of a megabyte", mail(subject="=?utf-8?q?" + "=C3=BC" * 150_000 + "?="), {}),
    Reading("a thousand senders", mail(from_=", ".join(f"a{n}@kunde.test" for n in range(1_000))), {"sender": "a0@kunde.test"}),
]


def nested(depth: int) -> bytes:
    """Multiparts inside one another."""
    body = PLAIN + "innen"
    for level in range(depth):
        body = head_of("mixed", f"b{level}") + "\r\n\r\n" + multipart(body, boundary=f"b{level}")
    head, _, text = body.partition("\r\n\r\n")
    return mail(text, head=head)


BOMBS = [
    ("nested 2,000 deep", nested(2_000)),
    ("20,000 parts", mail(multipart(*[PLAIN + "x"] * 20_000), head=head_of("mixed"))),
    ("mails in mails in mails", mail(("Content-Type: message/rfc822\r\n\r\n" * 3_000) + "x", head="Content-Type: message/rfc822")),
]

def spam(kind: str = "abuse", *, to: str = "weg@kunde.test", of: str = "<eigen@haus.test>", named: bool = True) -> bytes:
    """A report by RFC 5965; not `named`: it keeps back whose it is, as some do, and only the mail it holds says so."""
    fields = f"Feedback-Type: {kind}\r\nUser-Agent: Meldestelle/1.0\r\nVersion: 1\r\n" + (f"Original-Rcpt-To: <{to}>\r\n" if named else "")
    inner = f"From: service@haus.test\r\nTo: Eva Kunz <{to}>\r\nSubject: Neues\r\nMessage-ID: {of}\r\n\r\nText"
    parts = [PLAIN + "This is an email abuse report.", f"Content-Type: message/feedback-report\r\n\r\n{fields}", f"Content-Type: message/rfc822\r\n\r\n{inner}"]
    return mail(multipart(*parts), head=head_of("report", more="; report-type=feedback-report"), from_="Meldestelle <fbl@post.test>", subject="FW: Neues", message_id="<arf@post.test>")


# --- what kind of mail it is ----------------------------------------------------------------------------------------------------------

# name, raw, expected kind
NATURES: list[tuple[str, bytes, str]] = [
    ("a customer", mail(), "human"),
    ("Auto-Submitted: no", mail(head="Auto-Submitted: no"), "human"),
    ("about an absence, by a person", mail(subject="Abwesenheit unseres Monteurs im August"), "human"),
    ("about answers, by a person", mail(subject="Automatische Tür klemmt"), "human"),
    ("about the office, by a person", mail(subject="Lieferung ins Büro Office Nord"), "human"),
    ("an answer to our own words", mail(subject="AW: [R-10023] Automatische Tür klemmt"), "human"),
    ("mail that failed, by a person", mail(subject="Zustellung fehlgeschlagen: Paket kam nicht an"), "human"),
    ("RFC 3834", mail(head="Auto-Submitted: auto-replied"), "auto_reply"),
    ("RFC 3834 with a comment", mail(head="Auto-Submitted: auto-replied (vacation)"), "auto_reply"),
    ("vacation of a Unix host", mail(head="Precedence: auto_reply"), "auto_reply"),
    ("X-Autoreply", mail(head="X-Autoreply: yes"), "auto_reply"),
    ("X-Autorespond", mail(head="X-Autorespond: Urlaub"), "auto_reply"),
    ("Exchange, German", mail(subject="Automatische Antwort: Ihre Lieferung", head="X-Auto-Response-Suppress: All"), "auto_reply"),
    ("Exchange, English, headers lost", mail(subject="Automatic reply: Your delivery"), "auto_reply"),
    ("Outlook of old", mail(subject="Abwesenheitsnotiz: Lieferung"), "auto_reply"),
    ("Out of office", mail(subject="Out of Office: delivery"), "auto_reply"),
    ("Out of the office reply", mail(subject="Out of the office - back on Monday"), "auto_reply"),
    ("Abwesend", mail(subject="Abwesend: Re: Ihre Anfrage"), "auto_reply"),
    ("Abwesenheitsassistent", mail(subject="Abwesenheitsassistent: Re: Anfrage"), "auto_reply"),
    ("Urlaubsbenachrichtigung", mail(subject="Urlaubsbenachrichtigung: Anfrage"), "auto_reply"),
    ("Notes", mail(subject="AUTO: Eva Kunz ist außer Haus (Rückkehr am 30.11.2026)"), "auto_reply"),
    ("Autoreply", mail(subject="Autoreply: Frage"), "auto_reply"),
    ("Autoantwort", mail(subject="Autoantwort: Frage"), "auto_reply"),
    ("Ich bin nicht im Büro", mail(subject="Ich bin nicht im Büro Re: Frage"), "auto_reply"),
    ("a vacation without a sender", mail(head="Return-Path: <>", subject="Ihre Mail vom Montag"), "auto_reply"),
    ("a monitoring system", mail(head="Auto-Submitted: auto-generated"), "automatic"),
    ("a newsletter", mail(head="List-Unsubscribe: <https://x.test>\r\nList-Id: <news.x.test>\r\nPrecedence: bulk"), "automatic"),
    ("a report that it was no spam", spam("not-spam"), "automatic"),
    ("a list", mail(head="List-Id: Technik <technik.kunde.test>"), "automatic"),
    ("bulk", mail(head="Precedence: bulk"), "automatic"),
    ("a shop", mail(from_="noreply@shop.test"), "automatic"),
    ("a shop, in two words", mail(from_="Shop <do-not-reply@shop.test>"), "automatic"),
    ("ticket system of a supplier", mail(head="X-Auto-Response-Suppress: OOF, AutoReply"), "automatic"),
    ("our own mail that came back", mail(message_id="<eigen@haus.test>"), "own"),
    ("from our own address", mail(from_="service@haus.test"), "own"),
    ("from our own address, in capitals", mail(from_="Service@Haus.test"), "own"),
    ("a form of our website", mail(from_="service@haus.test", reply_to="eva.kunz@kunde.test"), "human"),
]
OURS = ("service@haus.test", "lotse@haus.test")
OUR_IDS = frozenset({"<eigen@haus.test>"})

# --- mail that came back --------------------------------------------------------------------------------------------------------------


def report(*, to: str = "weg@kunde.test", status: str = "5.1.1", action: str = "failed", told: str = "550 5.1.1 User unknown", of: str = "<eigen@haus.test>", sender: str = "MAILER-DAEMON@mx.kunde.test", text: str = "Leider", original: str = "text/rfc822-headers", per: str = "Final-Recipient") -> bytes:
    """A report by RFC 3464."""
    fields = f"Reporting-MTA: dns; mx.kunde.test\r\n\r\n{per}: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {told}\r\n"
    inner = f"From: service@haus.test\r\nTo: {to}\r\nSubject: Antwort\r\nMessage-ID: {of}\r\n"
    parts = [PLAIN + text, f"Content-Type: message/delivery-status\r\n\r\n{fields}", f"Content-Type: {original}\r\n\r\n{inner}"]
    return mail(multipart(*parts), head=f"Return-Path: <>\r\nAuto-Submitted: auto-replied\r\n{head_of('report', more='; report-type=delivery-status')}", from_=f"Mail Delivery System <{sender}>", subject="Undelivered Mail Returned to Sender", message_id="<dsn@mx.kunde.test>")


@dataclass(frozen=True)
class Return:
    """A report and what it says: `hard`: the address is bad; `soft`: it did not arrive for another reason; `late`: it is still tried; `spam`: the recipient reported it."""

    name: str
    raw: bytes
    of: str
    to: str
    verdict: str


def old(body: str, **headers: str) -> bytes:
    """A report in nobody's format."""
    return mail(body, head="Return-Path: <>", **{"from_": "MAILER-DAEMON@mx.kunde.test", "subject": "failure notice", "message_id": "<old@mx.kunde.test>", **headers})


_HARD = [("5.1.1", "550 5.1.1 User unknown"), ("5.1.2", "550 Host unknown"), ("5.1.3", "501 bad address syntax"), ("5.1.6", "mailbox has moved"), ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound"), ("5.2.1", "550 mailbox disabled"), ("5.4.4", "no route to host"), ("5.0.0", "550 No such user here"), ("5.0.0", "550 Empfänger unbekannt, user unknown"), ("5.5.0", "550-5.1.1 The email account that you tried to reach does not exist")]
_SOFT = [("5.2.2", "552 mailbox full"), ("5.2.3", "message too large"), ("5.7.1", "550 blocked by policy"), ("5.7.26", "550 DMARC"), ("5.3.4", "552 size limit"), ("5.6.0", "content rejected as spam"), ("5.0.0", "554 delivery error"), ("5.4.7", "delivery time expired"), ("4.4.7", "retry timeout exceeded"), ("4.2.2", "over quota"), ("5.1.8", "sender address rejected")]
RETURNS = [
    *(Return(f"RFC 3464 {status} {told}", report(status=status, told=told), "<eigen@haus.test>", "weg@kunde.test", "hard") for status, told in _HARD),
    *(Return(f"RFC 3464 {status} {told}", report(status=status, told=told), "<eigen@haus.test>", "weg@kunde.test", "soft") for status, told in _SOFT),
    *(Return(f"delayed {status}", report(status=status, action="delayed", told="421 try later"), "<eigen@haus.test>", "weg@kunde.test", "late") for status in ("4.4.1", "4.2.0", "4.7.1")),
    Return("whole original", report(original="message/rfc822"), "<eigen@haus.test>", "weg@kunde.test", "hard"),
    Return("only the original recipient", report(per="Original-Recipient"), "<eigen@haus.test>", "weg@kunde.test", "hard"),
    Return("recipient in capitals", report(to="Weg@KUNDE.test"), "<eigen@haus.test>", "weg@kunde.test", "hard"),
    Return("Exchange", report(sender="postmaster@kunde.onmicrosoft.test", status="5.1.10", told="550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", text="Ihre Nachricht an weg@kunde.test konnte nicht zugestellt werden."), "<eigen@haus.test>", "weg@kunde.test", "hard"),
    Return("Gmail", report(sender="mailer-daemon@googlemail.test", told="550-5.1.1 The email account that you tried to reach does not exist.", text="Adresse nicht gefunden"), "<eigen@haus.test>", "weg@kunde.test", "hard"),
    Return("qmail", old("Hi. This is the qmail-send program at mx.kunde.test.\r\nI'm afraid I wasn't able to deliver your message to the following addresses.\r\nThis is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n<weg@kunde.test>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <service@haus.test>\r\nMessage-ID: <eigen@haus.test>\r\nSubject: Antwort\r\n\r\nText"), "<eigen@haus.test>", "weg@kunde.test", "hard"),
    Return("Exim", mail("This message was created automatically by mail delivery software.\r\n\r\nA message that you sent could not be delivered to one or more of its\r\nrecipients. This is a permanent error. The following address(es) failed:\r\n\r\n  weg@kunde.test\r\n    SMTP error from remote mail server after RCPT TO:<weg@kunde.test>:\r\n    550 5.1.1 unknown user\r\n\r\n------ This is a copy of the message, including all the headers. ------\r\n\r\nMessage-ID: <eigen@haus.test>\r\nSubject: Antwort\r\n\r\nText", head="Return-Path: <>\r\nX-Failed-Recipients: weg@kunde.test\r\nAuto-Submitted: auto-replied", from_="Mail Delivery System <Mailer-Daemon@mx.kunde.test>", subject="Mail delivery failed: returning message to sender"), "<eigen@haus.test>", "weg@kunde.test", "hard"),
    Return("GMX", old("Diese E-Mail wurde automatisch erstellt.\r\n\r\nIhre E-Mail konnte nicht zugestellt werden:\r\n\r\n<weg@kunde.test>: host mx.kunde.test said: 550 5.1.1 unknown user\r\n\r\n--- The header of the original message is following. ---\r\n\r\nMessage-ID: <eigen@haus.test>\r\nSubject: Antwort\r\n", subject="Mail delivery failed: returning message to sender"), "<eigen@haus.test>", "weg@kunde.test", "hard"),
    Return("T-Online", old("|------------------------- Failed addresses follow: ---------------------|\r\n<weg@kunde.test> ... unknown user\r\n|------------------------- Message header follows: ---------------------|\r\nMessage-ID: <eigen@haus.test>\r\nSubject: Antwort\r\n", subject="Mail delivery failed"), "<eigen@haus.test>", "weg@kunde.test", "hard"),
    Return("reported as spam", spam(), "<eigen@haus.test>", "weg@kunde.test", "spam"),
    Return("reported as spam, by whom only in the mail", spam(named=False), "<eigen@haus.test>", "weg@kunde.test", "spam"),
    Return("reported as fraud", spam("fraud"), "<eigen@haus.test>", "weg@kunde.test", "spam"),
    Return("wants no more", spam("opt-out"), "<eigen@haus.test>", "weg@kunde.test", "spam"),
    Return("names no mail at all", old("Your mail failed. <weg@kunde.test>: 550 5.1.1 user unknown"), "", "weg@kunde.test", "hard"),
]  # fmt: skip

# --- which case it belongs to ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Thread:
    """What a mail names, what is known, and the case it belongs to (None: a new one)."""

    name: str
    case: int | None
    references: tuple[str, ...] = ()
    heading: str = ""
    sent: tuple[tuple[str, int], ...] = (("<s1@haus.test>", 1), ("<s2@haus.test>", 2))  # Message-IDs of ours → case
    heard: tuple[tuple[str, int], ...] = (("<h1@kunde.test>", 1), ("<h3@kunde.test>", 3))  # Message-IDs that came in → case
    belongs: tuple[int, ...] = ()  # the cases this sender belongs to


NUMBERS = {"R-10001": 1, "R-10002": 2, "R-10003": 3}
THREADS = [
    Thread("nothing named", None, heading="Frage"),
    Thread("an answer to our mail", 1, ("<s1@haus.test>",)),
    Thread("an answer to our mail under another subject", 1, ("<s1@haus.test>",), "Etwas anderes"),
    Thread("our mail further up", 2, ("<fremd@x.test>", "<s2@haus.test>")),
    Thread("our mail before theirs", 2, ("<h1@kunde.test>", "<s2@haus.test>")),
    Thread("of two of ours the one it answers", 2, ("<s2@haus.test>", "<s1@haus.test>")),
    Thread("an answer to their own mail", 3, ("<h3@kunde.test>",)),
    Thread("names nobody knows", None, ("<a@x.test>", "<b@x.test>")),
    Thread("number, and the sender belongs", 1, heading="AW: [R-10001] Lieferung", belongs=(1,)),
    Thread("number in small letters", 1, heading="aw: r-10001", belongs=(1,)),
    Thread("number, but a stranger", None, heading="AW: [R-10001] Lieferung"),
    Thread("number of another's case", None, heading="AW: [R-10001] Lieferung", belongs=(2,)),
    Thread("number that is part of a longer one", None, heading="XR-10001 und R-100011", belongs=(1,)),
    Thread("number that does not exist", None, heading="R-99999", belongs=(1,)),
    Thread("reference before number", 2, ("<s2@haus.test>",), "R-10001", belongs=(1,)),
    Thread("two numbers: the first that is theirs", 2, heading="R-10001 und R-10002", belongs=(2,)),
    Thread("a stranger who names our mail was given it", 1, ("<s1@haus.test>",), "WG: etwas"),
]

# --- what is quoted -------------------------------------------------------------------------------------------------------------------
# text → what is new in it
QUOTES: list[tuple[str, str, str]] = [
    ("nothing quoted", "Hallo\n\nbitte melden", "Hallo\n\nbitte melden"),
    ("German, Thunderbird", "Ja, passt.\n\nAm 24.11.26 um 10:03 schrieb Service:\n> Passt Montag?\n> Grüße", "Ja, passt."),
    ("English", "Yes.\n\nOn Tue, 24 Nov 2026 at 10:03, Service <service@haus.test> wrote:\n\n> Monday?", "Yes."),
    ("English over two lines", "Yes.\n\nOn Tue, 24 Nov 2026 at 10:03, Service\n<service@haus.test> wrote:\n> Monday?", "Yes."),
    ("Outlook, German", "Danke!\n\nVon: Service <service@haus.test>\nGesendet: Dienstag, 24. November 2026 10:03\nAn: Eva Kunz\nBetreff: Termin\n\nPasst Montag?", "Danke!"),
    ("Outlook, English", "Thanks!\n\nFrom: Service <service@haus.test>\nSent: Tuesday\nTo: Eva\nSubject: Date\n\nMonday?", "Thanks!"),
    ("Outlook, line above", "Danke!\n\n-----Ursprüngliche Nachricht-----\nVon: Service\nText", "Danke!"),
    ("Outlook, English line above", "Thanks!\n\n-----Original Message-----\nFrom: Service\nText", "Thanks!"),
    ("Outlook mobile", "Danke!\n\n________________________________\nVon: Service\nGesendet: gestern\nText", "Danke!"),
    ("only arrows", "Ja.\n> Passt Montag?\n> Grüße", "Ja."),
    ("answers between the lines stay whole", "> Passt Montag?\nNein, Dienstag.\n> Um acht?\nJa.", "> Passt Montag?\nNein, Dienstag.\n> Um acht?\nJa."),
    ("nothing but a quote stays", "> Passt Montag?", "> Passt Montag?"),
    ("a person who writes about writing", "Am Montag schrieb Herr Maier, dass er kommt.\nDas war falsch.", "Am Montag schrieb Herr Maier, dass er kommt.\nDas war falsch."),
    ("von without the rest", "Von: hier bis dort sind es 5 m.\nBitte prüfen.", "Von: hier bis dort sind es 5 m.\nBitte prüfen."),
    ("forwarded is no answer", "---------- Forwarded message ---------\nFrom: A\nTo: B\nSubject: C\n\nText", "---------- Forwarded message ---------\nFrom: A\nTo: B\nSubject: C\n\nText"),
]
