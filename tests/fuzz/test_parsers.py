"""Whatever is typed, mailed or uploaded: a reader answers with a result or with its own error, and soon."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import BadRequest, ValidationError
from django.db import transaction
from hypothesis import strategies as st

from analytics import periods
from campaigns.segments.words import vocabulary_for
from contacts.datewords import read_due
from contacts.models import Party
from contacts.parts import seen_texts
from contacts.salutation import own_words, tidy
from contacts.search import few_hits, search_parties
from crm.core import placeholders
from crm.core.conditions import check, sentence, to_query
from crm.core.fold import fold, sort_key
from crm.core.mail.addresses import BadAddress, normalise, read_mailbox
from crm.core.mail.inbox.markup import harmless, words_of
from crm.core.mail.inbox.nature import nature_of, returned_of
from crm.core.mail.inbox.quotes import split
from crm.core.mail.inbox.reading import TooComplex, file_of, identity, parse, received
from crm.core.paging import keyset
from crm.core.phone import dialled, phone_key
from crm.core.tables import TableError, guess_kind, read_date, read_money, read_number, rows, sniff
from sales.models import Opportunity
from tests.fuzz.hunt import SOON, Hunt, bodies, texts, trees, values

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin"))  # the night the clocks change
OPERATORS = ["set", "unset", "is", "is_not", "at_least", "at_most", "contains", "begins", "in", "not_in", "within", "ago", "ahead"]
MAIL = (
    b"From: ", b"To: ", b"Subject: ", b"=?utf-8?b?", b"=?klingon?q?", b"?=", b"\r\n", b"\n", b"\r\n\r\n", b"\r\n ", b"Content-Type: multipart/mixed; boundary=x", b"Content-Type: text/html; charset=",
    b"klingon", b"idna", b"undefined", b"rot13", b"utf-7", b"--x", b"--x--", b"base64", b"quoted-printable", b"uuencode", b"Content-Transfer-Encoding: ", b"Content-Disposition: attachment; filename*=", b"utf-8''%00%ff",
    b"message/rfc822", b"multipart/report; report-type=delivery-status", b"message/delivery-status", b"Final-Recipient: rfc822; ", b"Action: failed", b"Status: 5.1.1", b"<a@b.test>", b"Date: Thu, 99 Foo 99999 99:99:99 +9999", b"Date: ",
    b"Message-ID: ", b"References: ", b"In-Reply-To: ", b"Auto-Submitted: auto-replied", b"Return-Path: <>", b"(", b'"', b";", b"=", b"\x00", b"\xff", b"> ", b"begin 644 x", b"<div>", b"<style>", b"&#x0;", b"<!--", b"On Monday x wrote:",
)  # fmt: skip
HTML = ("<div>", "</div>", "<a href=", "javascript:", "<style>", "<!--", "-->", "<![CDATA[", "&#", "&#0;", "&#xD800;", "<table>", "<svg>", "<math>", "<plaintext>", "<", ">", '"', "<br>", "<img src=cid:", "<base href=", "<p style=")


def mail(raw: bytes) -> None:
    """As an incoming mail is read, classified, and its attachments found again."""
    message = parse(raw)
    found = received(message)
    identity(raw, found)
    back = returned_of(message, found)
    nature_of(found, our_addresses={"haus@lotse.test"}, our_ids=set(), returned=back is not None)
    split(found.text)
    harmless(found.html)
    for number in range(min(3, len(found.files))):
        assert file_of(raw, number) is not None


def table(raw: bytes) -> None:
    """As an import reads a file."""
    for _line, cells in rows(io.BytesIO(raw), sniff(raw)):
        for cell in cells[:20]:
            cell.encode()


def cells(text: str) -> None:
    """As a cell is understood."""
    guess_kind([text, text[:10]])
    for form in ("", "%d.%m.%Y", "%m/%d/%y", "%Y%m%d"):
        read_date(text, form)
    for mark in ("", ".", ","):
        read_number(text, mark), read_money(text, mark)


def filled(text: str) -> None:
    """As a text with placeholders is checked and filled in."""
    known = {"salutation": "Sehr geehrte Frau \\1", "name": "{name}", "empty": ""}
    placeholders.fill(text, known), placeholders.gaps(text, known), placeholders.names(text)
    for problem in placeholders.problems(text, known):
        str(problem)


def condition(words: Any, model: Any) -> Callable[[Any], object]:
    """As a tree is checked; one that is right is asked and read aloud."""

    def ask(tree: Any) -> None:
        check(tree, words)
        sentence(tree, words)
        with transaction.atomic():
            model.objects.unrestricted().filter(to_query(tree, words)).exists()

    return ask


def searched(text: str) -> None:
    """As what is typed into a search box is looked for."""
    with transaction.atomic():
        few_hits(text), list(search_parties(Party.objects.unrestricted(), text)[:1])


def turned(cursor: str) -> None:
    """As a list is turned to the page behind a cursor, whatever it is sorted by."""
    for sort in ("number", "sort_name", "amount", "expected_close", "created_at", "stage__position", "party__sort_name"):
        for way in ("after", "before"):
            with transaction.atomic():
                keyset(Opportunity.objects.unrestricted(), sort, descending=False, size=2, **{way: cursor})


def cursors() -> Any:
    """Cursors of other lists, and nonsense dressed up as one."""
    def worn(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return st.one_of(texts("WyI", "W251bGws", "=", "-", "_", "MV0"), st.builds(worn, values()), st.builds(lambda value, pk: worn([value, pk]), st.one_of(st.none(), texts("1", "NaN", "1e9", "2026-01-01", "9999-12-31T23:59:59+00:00", "0001-01-01")), st.one_of(st.integers(-(2**65), 2**65), values())))


def hunts(reader: Any) -> dict[str, Hunt]:
    """Every reader of what comes from outside."""
    words = vocabulary_for(reader)
    relations = list(words.relations)
    measures = ["count", *sorted({key for relation in words.relations.values() for key in relation.measures})]
    fields = list(words.words) + sorted({key for relation in words.relations.values() for key in relation.vocabulary.words})
    plain = [field.name for field in Opportunity._meta.get_fields()]
    day = ("mo", "morgen", "übermorgen", "in ", "3 ", "tagen", "um ", "9:30", "24:00", "31.", "02.", "2026", "kw ", "53", "next ", "week", "ſo", "halb ", "0", " ", "uhr", "am ", "noon", "2/30", "9999", "Anruf")
    return {
        "tables of an import": Hunt(table, bodies(b";", b",", b"\t", b'"', b'""', b"\r\n", b"\n", b"\r", b"a", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"sep=;", b"\xe4", b"1,5", b"'="), (TableError,)),
        "cells of an import": Hunt(cells, texts("1", ".", ",", "-", "+", "€", "EUR", "'", " ", "(", ")", "e", "٣", "²", "31.", "02.", "2026", "/", "T", ":", "Jan", "%", "\u00a0", "9" * 30)),
        "incoming mail": Hunt(mail, bodies(*MAIL), (TooComplex,)),
        "HTML of mails": Hunt(lambda text: (harmless(text), words_of(text)), texts(*HTML)),
        "quoted parts of mails": Hunt(split, texts("> ", "\n", "On ", "wrote:", "Am ", "schrieb", "-----Original Message-----", "From:", "Von:", "--", "_" * 10, ":")),
        "placeholders": Hunt(filled, texts("{", "}", "{{", "|", "name", "salutation", " ", "{name|", "{ name }", "\n", "{é", "{1", "\\")),
        "conditions of a segment": Hunt(condition(words, Party), trees(fields, OPERATORS, relations, measures), (ValidationError,)),
        "conditions of a stage": Hunt(condition(Opportunity, Opportunity), trees(plain, OPERATORS, [], []), (ValidationError,)),
        "words of a search": Hunt(searched, texts("'", ":*", "&", "|", "!", "(", "\\", "%", "_", "-", "0221", "+49", "ß", "İ", "a", " ", "@", "müller", "<->", "\u0301")),
        "dates in words": Hunt(lambda text: read_due(text, NOW), texts(*day)),
        "periods": Hunt(lambda text: [periods.parse(text, month) for month in (1, 12)], texts("2026", "-", "Q", "1", "0", "13", "٢", "9999")),
        "telephone numbers": Hunt(lambda text: (phone_key(text), dialled(text)), texts("+", "49", "0", "221", "/", "-", "(", ")", " ", "ext", "oder", "٣", "DW", ";", "tel:", "phone-context=", "*", "#")),
        "e-mail addresses": Hunt(normalise, texts("a", "@", ".", "ß", "xn--", "'", '"', "<", ">", ",", " ", "\u200d", "。", "İ", "-", "127.0.0.1", "[", "]", "localhost"), (BadAddress,)),
        "senders": Hunt(read_mailbox, texts("a", "@", ".", "<", ">", "(", ")", ",", ":", ";", '"', "\\", "=?utf-8?q?", "?=", "\n"), (BadAddress,)),
        "cursors of lists": Hunt(turned, cursors(), (BadRequest,)),
        "what a form had seen": Hunt(seen_texts, texts("{", "}", "[", "]", ":", '"', "\\u", "null", "1", ",", "1e9", "NaN")),
        "keys of names": Hunt(lambda text: (fold(text), sort_key(text), tidy(text), own_words(text)), texts("ß", "İ", "ı", "\u0301", "ﬃ", "Æ", "ø", " ", "-", "Dr.", "von ")),
    }


@pytest.mark.proof("fuzz")
def test_no_reader_falls(cast: Any, figures: Any, prove_full: bool) -> None:
    found = hunts(cast.emil)
    for hunt in found.values():
        hunt.run(5_000 if prove_full else 80)
    fell = [f"{name}: {line}" for name, hunt in found.items() for line in hunt.fell]
    slow = [f"{name}: {line}" for name, hunt in found.items() for line in hunt.slow]
    for line in (*fell, *slow):
        print(line)
    figures.record("readers of what comes from outside", len(found), "readers")
    figures.record("inputs they were given", sum(hunt.tried for hunt in found.values()), "inputs")
    figures.record("answered with an error that is not their own", len(fell), "readers", "0", not fell)
    figures.record("inputs that took more than a second of work", len(slow), "inputs", "0", not slow)


def dawdle(text: str) -> None:
    until = time.thread_time() + 1.1 * SOON
    while "a b" in text and time.thread_time() < until:
        pass


@pytest.mark.proof("fuzz")
def test_red_control_a_careless_reader_is_seen(figures: Any) -> None:
    """One takes every digit for a number, one thinks too long about some."""
    falls, waits = Hunt(int, texts("1", "٣", "²"), (ValueError,)), Hunt(dawdle, texts("a", "a b"))
    careless = Hunt(lambda text: {"1": 1}[text[:1]] if text[:1].isdigit() else 0, texts("1", "²"))
    for hunt in (falls, waits, careless):
        hunt.run(300)
    figures.record("red control: readers that fall or dawdle and are seen", bool(careless.fell) + bool(waits.slow), "readers", "2", bool(careless.fell and waits.slow and not falls.fell))


@pytest.mark.parametrize("told", [{"field": "id", "op": op} for op in ("is", "at_least", "contains")] + [
    {"field": "created_at", "op": "is", "value": 1}, {"field": "id", "op": "is", "value": float("inf")}, {"field": "name", "op": "in", "value": [["x"]]},
])  # fmt: skip
def test_a_condition_whose_value_cannot_be_one_is_refused(cast: Any, told: dict[str, Any]) -> None:
    """Each was found by the hunt below the door: it passed the check, or fell in it."""
    with pytest.raises(ValidationError):
        check(told, Opportunity)
