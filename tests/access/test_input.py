"""Bad input is answered in words: never a 5xx, nothing typed is lost (B1). Every form and every query parameter, found on the pages themselves."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlencode, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.access.addresses import pages
from tests.conftest import Browser
from tests.pageforms import PageForm, forms_of
from tests.world import build

pytestmark = pytest.mark.django_db

# Already percent-encoded, so that bytes no text can hold are sent as a hostile client would send them.
HOSTILE = [
    "%00", "a%00b", quote("9" * 5000), "-1", "0", quote("9" * 19), "9223372036854775808", "1e999", "NaN", "Infinity", "%2B", "1,5,5", "--1",
    quote('{"a":'), quote("[1,2"), quote('{"a":' * 500), "%5Bnull%5D", quote("\\ud800"), "%ED%A0%80", "%FC", "%FF%FE", "%C3%28", quote("﷽" * 300),
    quote("' OR 1=1 --"), quote('"><script>alert(1)</script>'), quote("{{7*7}}{% now %}"), quote("../../etc/passwd"), quote("(((("), "%0D%0ASet-Cookie:%20a=b",
    "0000-00-00", "99999-12-31", "31.02.2026", "2026-13-45T99:99", quote("x" * 20_000), "true", "None", "null", "__proto__", "%F0%9F%92%A9" * 50,
    "bm90IGpzb24", "W251bGwsMV0", "WyJ4Il0", "pk", "-pk", "password", "owner__password", "id__gt", "%E2%80%AE",
]
PARAMETERS = ["q", "sort", "after", "before", "columns", "page", "period", "team", "owner", "stage", "state", "party", "pipeline", "next", "field", "kind", "user"]


def send(browser: Browser, form: PageForm, name: str, value: str) -> Any:
    """The form with one field turned hostile, byte for byte."""
    data = {**form.filled(), name: None}
    pairs = [f"{quote(key)}={quote(str(item))}" for key, items in data.items() if items is not None for item in (items if isinstance(items, list) else [items])]
    body = "&".join([*pairs, f"{quote(name)}={value}"])
    if form.method == "get":
        return browser.get(f"{urlsplit(form.action).path}?{body}")
    return browser.post(form.action, body, content_type="application/x-www-form-urlencoded")


@pytest.mark.proof("input")
def test_no_input_breaks_a_page(cast: Any, sign_in: Callable[[Any], Browser], figures: Any, prove_full: bool) -> None:
    world = build(cast)
    emil = sign_in(cast.emil)
    emil.raise_request_exception = False
    choose = random.Random(7)
    sent, broken, seen = 0, [], set()
    for address in pages(world, world.own).values():
        page = emil.get(address)
        for name in PARAMETERS:
            for value in HOSTILE if prove_full else choose.sample(HOSTILE, 3):
                sent += 1
                answer = emil.get(f"{urlsplit(address).path}?{name}={value}")
                if answer.status_code >= 500:
                    broken.append(f"GET {address}?{name}={value[:80]}: {answer.status_code}")
        if "html" not in page.get("Content-Type", ""):
            continue
        for form in forms_of(page.content.decode(), address):
            known = (form.method, urlsplit(form.action).path, tuple(form.fields))
            if known in seen or form.action.startswith("/accounts/logout"):
                continue
            seen.add(known)
            for name in form.fields:
                for value in HOSTILE if prove_full else choose.sample(HOSTILE, 4):
                    sent += 1
                    answer = send(emil, form, name, value)
                    if answer.status_code >= 500:
                        broken.append(f"{form.method} {form.action} {name}={value[:80]}: {answer.status_code}")
            for name in form.uploads:
                for upload in (b"", b"\x00" * 1000, b"\xff\xfe\x00\xd8", b"a;b\n" + b"x" * 2_000_000, b";".join([b"c"] * 20_000), b'"' * 5000):
                    sent += 1
                    answer = emil.post(form.action, {**form.filled(), name: SimpleUploadedFile("böse\u202e.csv", upload)})
                    if answer.status_code >= 500:
                        broken.append(f"upload {form.action} {upload[:20]!r}: {answer.status_code}")
    for line in broken:
        print(line)
    figures.record("hostile requests", sent, "requests")
    figures.record("forms found on pages", len(seen), "forms", goal="> 20", holds=len(seen) > 20)
    figures.record("answers of 500 and more", len(broken), "answers", goal="0", holds=not broken)


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


def test_the_bytes_really_arrive(cast: Any) -> None:
    """The corpus is sent as bytes: what no text can hold stays so."""
    assert quote_from_bytes(b"\xed\xa0\x80") in HOSTILE
