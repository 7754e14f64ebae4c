"""Bad input is answered in words: never a 5xx, nothing typed is lost (B1). Every form, found on the pages, and every query parameter a page asks for."""

from __future__ import annotations

import io
import logging
import random
import resource
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlencode, urlsplit
from zlib import crc32

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tests.access.addresses import pages
from tests.access.asked import names_asked
from tests.conftest import Browser
from tests.hostile import HOSTILE, UPLOADS, found
from tests.pageforms import PageForm, forms_of
from tests.world import build

pytestmark = pytest.mark.django_db

VALUES = [*HOSTILE, *found("value")]
PARTS = 2


def send(browser: Browser, form: PageForm, name: str, value: str) -> Any:
    """The form with one field turned hostile, byte for byte."""
    data = {**form.filled(), name: None}
    pairs = [f"{quote(key)}={quote(str(item))}" for key, items in data.items() if items is not None for item in (items if isinstance(items, list) else [items])]
    body = "&".join([*pairs, f"{quote(name)}={value}"])
    if form.method == "get":
        return browser.get(f"{urlsplit(form.action).path}?{body}")
    return browser.post(form.action, body, content_type="application/x-www-form-urlencoded")


@pytest.fixture
def unlogged() -> Iterator[None]:
    """A refusal writes a line, and pytest keeps all lines of a test: not those of a hundred thousand."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.proof("input")
@pytest.mark.parametrize("part", range(PARTS))
def test_no_input_breaks_a_page(cast: Any, sign_in: Callable[[Any], Browser], figures: Any, prove_full: bool, unlogged: None, part: int) -> None:
    """Every page and every form is in one of the parts, so that processes can share the work."""
    world = build(cast)
    emil = sign_in(cast.emil)
    emil.raise_request_exception = False
    choose = random.Random(7)
    sent, parameters, broken, seen = 0, 0, [], set()
    for place, address in enumerate(pages(world, world.own).values()):
        with names_asked() as asked:
            page = emil.get(address)
        names = [*asked, "somethingelse"] if place % PARTS == part else []
        for name in names:  # grows: what is asked only once another one is given
            parameters += 1
            for value in VALUES if prove_full else choose.sample(VALUES, 1):
                sent += 1
                with names_asked() as asked:
                    answer = emil.get(f"{urlsplit(address).path}?{name}={value}")
                names += [more for more in asked if more not in names]
                if answer.status_code >= 500:
                    broken.append(f"GET {address}?{name}={value[:80]}: {answer.status_code}")
        if "html" not in page.get("Content-Type", ""):
            continue
        for form in forms_of(page.content.decode(), address):
            known = (form.method, urlsplit(form.action).path, tuple(form.fields))
            if known in seen or form.action.startswith("/accounts/logout"):
                continue
            seen.add(known)
            if crc32(repr(known).encode()) % PARTS != part:
                continue
            for name in form.fields:
                for value in VALUES if prove_full else choose.sample(VALUES, 2):
                    sent += 1
                    answer = send(emil, form, name, value)
                    if answer.status_code >= 500:
                        broken.append(f"{form.method} {form.action} {name}={value[:80]}: {answer.status_code}")
            for name in form.uploads:
                for upload in UPLOADS:
                    sent += 1
                    answer = emil.post(form.action, {**form.filled(), name: SimpleUploadedFile("böse\u202e.csv", upload)})
                    if answer.status_code >= 500:
                        broken.append(f"upload {form.action} {upload[:20]!r}: {answer.status_code}")
    for line in broken:
        print(line)
    which = f", part {part + 1} of {PARTS}"
    figures.record("hostile requests" + which, sent, "requests")
    figures.record("query parameters the pages ask for" + which, parameters, "parameters", goal="> 50", holds=parameters > 50)
    figures.record("forms found on all pages" + which, len(seen), "forms", goal="> 20", holds=len(seen) > 20)
    figures.record("answers of 500 and more" + which, len(broken), "answers", goal="0", holds=not broken)


@pytest.mark.proof("input")
def test_what_was_typed_stays(cast: Any, sign_in: Callable[[Any], Browser], figures: Any) -> None:
    """A refused form comes back with what was typed and says what is wrong beside the field."""
    world = build(cast)
    emil = sign_in(cast.emil)
    lost, tried = [], 0
    for name, address in pages(world, world.own).items():
        if not name.endswith(("-create", "-update")):
            continue
        form = next((f for f in forms_of(emil.get(address).content.decode(), address) if f.method == "post" and len(f.texts) > 1), None)
        if form is None:
            continue  # files only: what is kept there is the import's own test
        bad = next((text for text in form.texts if form.required.get(text, "") in {"number", "email", "date"}), "") or next((t for t in form.texts if "mail" in t or "amount" in t or "date" in t or "close" in t or "founded" in t), "")
        good = next(text for text in form.texts if text != bad)
        needed = next((text for text in form.texts if text in form.required), good)
        data = {**form.filled(), good: "Süßmüller & Söhne", **({bad: "kein Wert"} if bad else {needed: ""})}
        answer = emil.post(address, data)
        tried += 1
        html = answer.content.decode()
        if answer.status_code != 422 or ("is-invalid" not in html and "aria-invalid" not in html) or (bad and "Süßmüller &amp; Söhne" not in html):
            lost.append(f"{address}: {answer.status_code} {bad}")
    for line in lost:
        print(line)
    figures.record("refused forms looked at", tried, "forms", goal="> 3", holds=tried > 3)
    figures.record("forms that lost what was typed", len(lost), "forms", goal="0", holds=not lost)


def test_a_body_of_any_size_is_refused_in_words(cast: Any, sign_in: Callable[[Any], Browser]) -> None:
    answer = sign_in(cast.anna).post("/views/", urlencode({"name": "x" * 6_000_000}), content_type="application/x-www-form-urlencoded")
    assert answer.status_code in (400, 413)


class Endless(io.RawIOBase):
    """A multipart body with one file that is a single line of `length` bytes, made as it is read."""

    def __init__(self, length: int) -> None:
        head = '--x\r\nContent-Disposition: form-data; name="source"\r\n\r\nAltsystem Süd\r\n--x\r\nContent-Disposition: form-data; name="files"; filename="zeile.csv"\r\n\r\n'
        self.pieces = [head.encode(), length, b"\r\n--x--\r\n"]
        self.size = sum(len(piece) if isinstance(piece, bytes) else piece for piece in self.pieces)

    def read(self, size: int = -1) -> bytes:
        out = b""
        while self.pieces and len(out) < size:
            room, piece = size - len(out), self.pieces[0]
            taken = piece[:room] if isinstance(piece, bytes) else b"x" * min(room, piece)
            self.pieces[0] = piece[len(taken) :] if isinstance(piece, bytes) else piece - len(taken)
            out += taken
            if not self.pieces[0]:
                self.pieces.pop(0)
        return out


@pytest.mark.proof("input")
def test_a_line_of_a_gigabyte(cast: Any, sign_in: Callable[[Any], Browser], figures: Any, prove_full: bool) -> None:
    """It is read past, not kept; what else was typed comes back."""
    body = Endless(1_000_000_000 if prove_full else 100_000_000)
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    facts = {"wsgi.input": body, "CONTENT_LENGTH": str(body.size), "CONTENT_TYPE": "multipart/form-data; boundary=x"}
    answer = sign_in(cast.emil).request(REQUEST_METHOD="POST", PATH_INFO=reverse("import-create"), **facts, HTTP_IDEMPOTENCY_KEY=str(uuid.uuid4()))
    html = answer.content.decode()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    figures.record("one line of a file", body.size // 1_000_000, "MB", goal="422 in words, what was typed is there", holds=answer.status_code == 422 and "zeile.csv" in html and "Altsystem Süd" in html)
    figures.record("memory it took", round(grown), "MB", goal="< 100", holds=grown < 100)
    figures.record("time it took", round(time.monotonic() - begun, 1), "s")


def test_parameters_are_heard(cast: Any, sign_in: Callable[[Any], Browser]) -> None:
    with names_asked() as names:
        sign_in(cast.anna).get(reverse("opportunity-list"))
    assert {"q", "sort", "after", "owner", "pipeline"} <= set(names)


def test_the_bytes_really_arrive(cast: Any) -> None:
    """The corpus is sent as bytes: what no text can hold stays so."""
    assert quote_from_bytes(b"\xed\xa0\x80") in HOSTILE
