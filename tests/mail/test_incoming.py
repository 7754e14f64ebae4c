"""What is read off a mail that came in, against the tables that were there before the reader."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crm.core.mail.inbox import quotes
from crm.core.mail.inbox.markup import ATTRIBUTES, TAGS, harmless, words_of
from crm.core.mail.inbox.nature import nature_of, returned_of
from crm.core.mail.inbox.reading import Received, TooComplex, file_of, identity, parse, read, received, words
from service.threads import case_of, numbers_in
from tests.mail import incoming
from tests.mail.hostile import HOSTILE, hostile
from tests.mail.incoming import Reading, Return, Thread, mail


@pytest.mark.parametrize("case", incoming.READING, ids=lambda case: case.name)
def test_a_mail_is_read(case: Reading) -> None:
    began = time.process_time()
    found = read(case.raw)
    assert time.process_time() - began < 3
    for name, wanted in case.facts.items():
        if name == "files":
            assert [(file.name, file.kind) for file in found.files] == [file[:2] for file in wanted]
            assert all(size is None or file.size == size for file, (_name, _kind, size) in zip(found.files, wanted, strict=True))
        elif name == "references":
            assert list(found.references) == wanted
        elif name == "heading_has":
            assert wanted in found.heading
        else:
            assert getattr(found, name) == wanted
    sound(found)


def sound(found: Received) -> None:
    """What holds of everything that is read: it can be stored, and no line ends where one line is meant."""
    texts = [found.sender, found.sender_name, found.heading, found.message_id, found.text, found.html, *found.references, *(file.name for file in found.files)]
    for text in texts:
        assert "\x00" not in text
        text.encode()
    for line in (found.sender, found.sender_name, found.heading, found.message_id, *(file.name for file in found.files)):
        assert "\n" not in line and "\r" not in line
    assert all("/" not in file.name and file.name for file in found.files)


@pytest.mark.parametrize(("name", "raw"), incoming.BOMBS, ids=[name for name, _raw in incoming.BOMBS])
def test_what_is_meant_to_exhaust_is_refused_at_once(name: str, raw: bytes) -> None:
    began = time.process_time()
    with pytest.raises(TooComplex):
        read(raw)
    assert time.process_time() - began < 1


def test_a_sender_of_groups_in_groups_is_nobody() -> None:
    """The standard library calls itself for each; found by the fuzzer."""
    found = read(b"From: " + b"From: " * 3_000 + b"\nTo: haus@lotse.test\nSubject: Anfrage\n\nGuten Tag")
    assert (found.sender, found.heading, found.text.strip(), found.to) == ("", "Anfrage", "Guten Tag", ("haus@lotse.test",))


_PIECES = st.sampled_from(
    [
        b"From: ", b"Subject: =?utf-8?b?", b"?=", b"\r\n", b"\n", b"\r\n\r\n", b"Content-Type: multipart/mixed; boundary=", b"Content-Type: text/plain; charset=", b"--x", b"x", b"base64",
        b"Content-Transfer-Encoding: ", b"Content-Disposition: attachment; filename*=", b"utf-7''%00", b"\x00", b"\xff\xfe", b"message/rfc822", b"multipart/report; report-type=delivery-status",
        b"Content-Type: message/delivery-status\r\n\r\n", b"Final-Recipient: rfc822; ", b"Action: failed", b"Status: 5.1.1", b"<a@b.test>", b"Date: ", b"=?", b";", b'"', b"(", b"Return-Path: <>\r\n",
    ]
)  # fmt: skip


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=400), st.lists(st.one_of(_PIECES, st.binary(max_size=6)), max_size=40).map(b"".join)))
@example(b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n\r\n--x--")
@example(b"Content-Type: text/plain; charset=\x00\r\n\r\n\x80")
def test_nothing_makes_the_reader_fall(raw: bytes) -> None:
    message = parse(raw)
    found = received(message)
    sound(found)
    identity(raw, found)
    back = returned_of(message, found)
    nature_of(found, our_addresses=incoming.OURS, our_ids=incoming.OUR_IDS, returned=back is not None)
    for number in range(len(found.files)):
        assert file_of(raw, number) is not None


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_words_of_any_header(text: str) -> None:
    words(text)
    quotes.split(text)
    words_of(text)
    numbers_in(text)


def test_a_file_is_found_again_by_its_number() -> None:
    raw = mail(incoming.multipart(incoming.PLAIN + "a", "Content-Type: image/png; name=a.png\r\n\r\nA", "Content-Type: image/png; name=b.png\r\n\r\nBB"), head=incoming.head_of("mixed"))
    assert [file_of(raw, number)[1] for number in (0, 1)] == [b"A", b"BB"]  # type: ignore[index]
    assert file_of(raw, 2) is None and file_of(raw, -1) is None


def test_the_same_mail_is_known_again() -> None:
    def key(raw: bytes) -> str:
        return identity(raw, read(raw))

    one = mail("Guten Tag")
    assert key(one) == key(mail("Guten Tag", head="Received: from elsewhere")) == key(one.replace(b"\r\n", b"\n"))
    others = [mail("Gute Nacht"), mail("Guten Tag", message_id="<m2@kunde.test>"), mail("Guten Tag", date="Thu, 26 Nov 2026 09:15:01 +0100"), mail("Guten Tag", from_="x@kunde.test"), mail("Guten Tag", message_id="")]
    assert len({key(raw) for raw in [one, *others]}) == len(others) + 1
    dateless = mail("Alarm", date="", message_id="")
    assert key(dateless) != key(mail("Alarm", date="", message_id="", head="Received: from elsewhere")) and key(dateless) == key(mail("Alarm", date="", message_id=""))


@pytest.mark.parametrize(("name", "raw", "wanted"), incoming.NATURES, ids=[row[0] for row in incoming.NATURES])
def test_who_wrote_it(name: str, raw: bytes, wanted: str) -> None:
    message = parse(raw)
    found = received(message)
    assert nature_of(found, our_addresses=incoming.OURS, our_ids=incoming.OUR_IDS, returned=returned_of(message, found) is not None) == wanted


@pytest.mark.parametrize("case", incoming.RETURNS, ids=lambda case: case.name)
def test_what_came_back(case: Return) -> None:
    message = parse(case.raw)
    found = returned_of(message, received(message))
    assert found is not None
    assert (found.of, found.to, found.verdict) == (case.of, case.to, case.verdict)
    assert nature_of(received(message), our_addresses=incoming.OURS, our_ids=(), returned=True) == "return"


@pytest.mark.parametrize("case", incoming.THREADS, ids=lambda case: case.name)
def test_which_case(case: Thread) -> None:
    numbers = {number: incoming.NUMBERS[number] for number in numbers_in(case.heading) if number in incoming.NUMBERS}
    assert case_of(case.references, case.heading, sent=dict(case.sent), heard=dict(case.heard), numbers=numbers, belongs=set(case.belongs)) == case.case


@pytest.mark.parametrize(("name", "text", "new"), incoming.QUOTES, ids=[row[0] for row in incoming.QUOTES])
def test_what_is_new(name: str, text: str, new: str) -> None:
    found, rest = quotes.split(text)
    assert found == new
    assert not rest or rest in text


class _Seen(HTMLParser):
    """The tags and attributes a browser would find."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, ""), *((tag, name) for name, _value in attrs)}
        for name, value in attrs:
            assert name != "href" or (value or "").startswith(("http", "mailto:", "tel:", "x")), value


def test_of_hostile_html_only_words_are_left() -> None:
    allowed = {(tag, "") for tag in TAGS} | {(tag, name) for tag, names in ATTRIBUTES.items() for name in names} | {("a", "rel"), ("a", "target")}
    for piece in hostile("https://fremd.test"):
        seen = _Seen()
        seen.feed(harmless(piece))
        assert seen.found <= allowed, (piece, seen.found - allowed)
    assert len(HOSTILE) >= 40


def test_what_is_honest_stays() -> None:
    html = '<p>Guten <b>Tag</b></p><table><tr><td colspan="2">Menge</td></tr></table><a href="https://kunde.test/x">Plan</a><ul><li>eins</li></ul>'
    left = harmless(html)
    assert "<b>Tag</b>" in left and 'colspan="2"' in left and 'href="https://kunde.test/x"' in left and 'rel="noopener noreferrer nofollow"' in left and 'target="_blank"' in left
    assert words_of(html) == "Guten Tag\n\nMenge\n\nPlan\n\neins"


def unguarded(raw: bytes) -> Any:
    """The red control: how the standard library's own new policy reads it."""
    from email import message_from_bytes, policy

    message = message_from_bytes(raw, policy=policy.default)
    return message["subject"], message["from"], [part.get_content() for part in message.walk() if not part.is_multipart()]


def test_the_table_would_catch_a_reader_that_trusts_the_standard_library() -> None:
    fallen = 0
    for case in incoming.READING:
        if "megabyte" in case.name or "million" in case.name or "thousand" in case.name:
            continue
        try:
            unguarded(case.raw)
        except Exception:
            fallen += 1
    assert fallen >= 3


@pytest.mark.parametrize("text", [">\n" * 99_000 + "x", ">\nx\n" * 60_000, "Am 24.11.26 " * 15_000, "_" * 200_000])
def test_a_long_text_is_split_in_no_time(text: str) -> None:
    begun = time.process_time()
    quotes.split(text)
    assert time.process_time() - begun < 2


def test_a_report_with_many_empty_lines_is_read_in_no_time() -> None:
    raw = incoming.report(original="message/rfc822").replace(b"Message-ID: <eigen@haus.test>", b"X: y\r\n\r\n" + b"\r\n" * 300_000)
    begun = time.process_time()
    message = parse(raw)
    returned_of(message, received(message))
    assert time.process_time() - begun < 2
