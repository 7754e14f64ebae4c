"""Addresses, headers and bodies: one spelling, nothing anybody types can leave its place, and what is sent is what was written."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.mail.addresses import BadAddress, normalise, one_line, read_mailbox
from crm.core.mail.message import File, Letter, compose
from crm.core.mail.plan import free_name

WHEN = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("anna@lotse.test", "anna@lotse.test"),
        (" Anna@Lotse.TEST ", "Anna@lotse.test"),
        ("info@Straße.de", "info@xn--strae-oqa.de"),  # the newer rules: not strasse.de, which is somebody else
        ("info@xn--strae-oqa.de", "info@xn--strae-oqa.de"),
        ("info@mu\u0308ller.de", "info@xn--mller-kva.de"),  # u and two dots are an ü
        ("jürgen@müller.de", "jürgen@xn--mller-kva.de"),
        ("a.b+c@x.co.uk", "a.b+c@x.co.uk"),
        ("lotse@localhost", "lotse@localhost"),
        ("x@例え.jp", "x@xn--r8jz45g.jp"),
    ],
)
def test_an_address_has_one_spelling(typed: str, kept: str) -> None:
    assert normalise(typed) == kept == normalise(kept)


@pytest.mark.parametrize(
    "typed",
    ["", "anna", "@x.de", "anna@", "anna@x", "a b@x.de", "anna@x..de", ".a@x.de", "a..b@x.de", '"a b"@x.de', "a@x.de\r\nBcc: b@y.de", "a\x00@x.de", "a@[127.0.0.1]",
     "a@127.0.0.1", "<a@x.de>", "a@x.de,b@y.de", "a@-x.de", "a@x_y.de", "ä" * 40 + "@x.de", "a@" + "x" * 64 + ".de", "a\u2028b@x.de", "a@x.de>", "\ud800@x.de"],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(BadAddress):
        normalise(typed)


@given(st.text(max_size=60))
def test_normalise_raises_nothing_else(text: str) -> None:
    for typed in (text, f"{text}@x.de", f"a@{text}"):
        try:
            assert "\r" not in normalise(typed) and "\n" not in normalise(typed) and " " not in normalise(typed)
        except BadAddress:
            continue


@given(st.text())
def test_a_header_is_one_line(text: str) -> None:
    line = one_line(text)
    assert not set(line) & set("\r\n\x00\x0b\x0c\x85\u2028\u2029") and line == line.strip()


@pytest.mark.parametrize(
    ("typed", "read"),
    [("Lotse <crm@firma.de>", ("Lotse", "crm@firma.de")), ("crm@firma.de", ("", "crm@firma.de")), ('"Müller, Anna" <a@x.de>', ("Müller, Anna", "a@x.de"))],
)
def test_a_mailbox_is_name_and_address(typed: str, read: tuple[str, str]) -> None:
    assert read_mailbox(typed) == read


@pytest.mark.parametrize("typed", ["(" * 1000, "(" * 20_000 + "a@x.de", '"' * 999])
def test_brackets_within_brackets_are_no_mailbox(typed: str) -> None:
    with pytest.raises(BadAddress):
        read_mailbox(typed)


def letter(**facts: Any) -> Letter:
    return Letter(**{"sender": ("Haus", "haus@x.de"), "to": ("", "a@x.de"), "heading": "Hallo", "text": "Guten Tag.", "message_id": "<1@x.de>", "date": WHEN, **facts})


def read(content: bytes) -> Any:
    """The message as any program reads it."""
    return email.message_from_bytes(content, policy=email.policy.default)


def test_what_a_mail_looks_like() -> None:
    content = compose(letter(text="Zeile\n.\nEnde", headers={"Auto-Submitted": "auto-generated"}))
    assert content.decode() == (
        "From: Haus <haus@x.de>\r\nTo: a@x.de\r\nSubject: Hallo\r\nMessage-ID: <1@x.de>\r\nDate: Fri, 27 Nov 2026 09:30:00 +0000\r\n"
        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nZeile\r\n=2E\r\nEnde\r\n"
    )


def test_html_and_files_lie_beside_the_text() -> None:
    files = [File("Größen.pdf", "application/pdf", bytes(range(256)) * 3), File("a.txt", "text/plain", b"")]
    message = read(compose(letter(text="Größe", html="<p>Größe</p>", files=files)))
    assert [part.get_content_type() for part in message.walk()] == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf", "text/plain"]
    assert message.get_body(("plain",)).get_content().strip() == "Größe"
    assert message.get_body(("html",)).get_content().strip() == "<p>Größe</p>"
    assert [(part.get_filename(), part.get_content_disposition()) for part in message.iter_attachments()] == [("Größen.pdf", "attachment"), ("a.txt", "attachment")]
    assert next(iter(message.iter_attachments())).get_payload(decode=True) == files[0].data


def named(content: bytes) -> tuple[str, str]:
    """Name and address of the one recipient, as RFC 2047 has them read (the standard library's newer parser puts spaces between words)."""
    raw = str(email.message_from_bytes(content)["To"])
    if raw.startswith("=?"):
        raw = str(make_header(decode_header(raw)))
        return raw.removesuffix("<a@x.de>").strip(), "a@x.de" if raw.endswith("<a@x.de>") else raw
    return parseaddr(raw)


HOSTILE = st.text(max_size=300) | st.sampled_from(["x\r\nBcc: b@y.de", "=?utf-8?b?eA==?=", 'Anna "die" <b@y.de>', "ä" * 120, "a, b <c@d.e>", "\\", "x" * 990, "\n", "--=_"])


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_whatever_is_typed_the_mail_has_the_same_headers_and_words(heading: str, name: str, other: str, text: str, file: str) -> None:
    content = compose(letter(heading=heading, to=(name, "a@x.de"), reply_to=(other, "r@x.de"), text=text, html=text, files=[File(file, "text/plain", text.encode("utf-8", "replace"))]))
    message = read(content)
    assert [key for key, _value in message.items()] == ["From", "To", "Reply-To", "Subject", "Message-ID", "Date", "MIME-Version", "Content-Type"]
    assert named(content) == (one_line(name), "a@x.de")
    assert [a.addr_spec for a in message["To"].addresses] == ["a@x.de"] and [a.addr_spec for a in message["Reply-To"].addresses] == ["r@x.de"]
    plain = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").encode("utf-8", "replace").decode("utf-8")
    for kind in ("plain", "html") if text else ("plain",):
        found = message.get_body((kind,)).get_payload(decode=True).decode().replace("\r\n", "\n").rstrip("\n")
        assert found == plain.replace("?", "\ufffd") if any(0xD800 <= ord(c) < 0xE000 for c in text) else found == plain
    assert all(len(line) <= 998 and b"\n" not in line and b"\r" not in line for line in content.split(b"\r\n"))
    assert content.endswith(b"\r\n")


@given(st.text(max_size=200))
def test_a_heading_is_read_as_it_was_written(heading: str) -> None:
    assert str(read(compose(letter(heading=heading)))["Subject"]) == one_line(heading)


@pytest.mark.parametrize(
    "headers",
    [{"Bcc": "b@y.de"}, {"List-Unsubscribe": "<https://x>\r\nBcc: b@y.de"}, {"List-Unsubscribe": ""}, {"List-Id": "ä"}, {"List-Unsubscribe": "x" * 901}, {"Subject": "x"}],
)
def test_other_headers_cannot_be_smuggled_in(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        compose(letter(headers=headers))


def test_a_kind_of_file_is_no_place_for_headers() -> None:
    with pytest.raises(ValueError, match="no MIME type"):
        compose(letter(files=[File("a", "text/plain\r\nX: y", b"")]))


@pytest.mark.parametrize("name", ["x" * 300 + ".pdf", "ä" * 200, "𐀀" * 100 + ".docx", ".", "", "a" * 200 + "." + "b" * 200])
def test_a_long_name_of_a_file_is_cut(name: str) -> None:
    message = read(compose(letter(files=[File(name, "text/plain", b"x")])))
    found = next(iter(message.iter_attachments())).get_filename()
    assert 0 < len(found.encode()) <= 150 and found.endswith(name[-5:] if name.endswith((".pdf", ".docx")) else "")


def test_names_of_files_that_recur_get_a_number() -> None:
    taken: set[str] = set()
    assert [free_name(name, taken) for name in ("a.pdf", "a.pdf", "a.pdf", "b", "b", ".x", ".x")] == ["a.pdf", "a (2).pdf", "a (3).pdf", "b", "b (2)", ".x", ".x (2)"]
