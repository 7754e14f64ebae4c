"""A mail of blocks: locked design, plain twin, nothing remote, nothing unescaped, and what is wrong with it said before it leaves."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from campaigns.content import PLACEHOLDERS, Design, Mail, check, compile_mail, link_trouble, missing

DESIGN = Design("Rheintal & Söhne", "Hafenstraße 4\n28217 Bremen", "Sie bekommen diese Mail, weil …", "Abmelden", "Einstellungen")
BLOCKS: list[dict[str, Any]] = [
    {"kind": "heading", "text": "Zeit für <b>Wartung</b>"},
    {"kind": "text", "text": "{salutation},\n\nIhre Anlage bei {company|Ihnen} läuft.\nSeit Jahren.\n\n- eins\n- zwei & drei"},
    {"kind": "image", "text": "Unsere Halle", "image": "ab" * 32, "url": ""},
    {"kind": "divider"},
    {"kind": "button", "text": "Termin vorschlagen", "url": "https://rheintal.example/termin?a=1&b=2"},
]
VALUES = {"salutation": "Sehr geehrte Frau Öz<script>", "first_name": "Ada", "company": "", "unsubscribe_url": "https://x.example/u/1?a=1&b=2", "preferences_url": "https://x.example/p/1"}


class Read(HTMLParser):
    """What an HTML reader finds: tags with attributes, and the words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def made(blocks: list[dict[str, Any]] = BLOCKS, subject: str = "Wartung, {first_name|guten Tag}") -> Mail:
    return compile_mail(subject, "kurz", blocks, DESIGN)


def states(blocks: list[dict[str, Any]], subject: str = "Wartung", files: dict[str, int] | None = None) -> dict[str, str]:
    mail = made(blocks, subject)
    return {one.key: one.state for one in check(subject, "", blocks, mail, known=PLACEHOLDERS, files=files or {"ab" * 32: 1000})}


def test_a_mail_says_the_same_in_html_and_in_plain_text() -> None:
    mail = made().filled(VALUES)
    read = Read(mail.html)
    said = " ".join(" ".join(read.words).split())
    for words in ("Sehr geehrte Frau Öz<script>,", "Zeit für <b>Wartung</b>", "bei Ihnen läuft.", "zwei & drei", "Rheintal & Söhne", "28217 Bremen", "Termin vorschlagen"):
        assert words in said, words
        assert words in mail.text or words == "Rheintal & Söhne", words
    assert mail.subject == "Wartung, Ada"
    assert "script" not in {tag for tag, _ in read.tags}
    assert "{" not in mail.text and not re.search(r"\{[a-z_]+(\||\})", mail.html)


def test_both_links_of_the_law_are_in_both_halves() -> None:
    mail = made().filled(VALUES)
    hrefs = {attrs.get("href") for tag, attrs in Read(mail.html).tags if tag == "a"}
    assert {VALUES["unsubscribe_url"], VALUES["preferences_url"]} <= hrefs
    assert VALUES["unsubscribe_url"] in mail.text and VALUES["preferences_url"] in mail.text


def test_nothing_is_fetched_from_anywhere() -> None:
    read = Read(made().filled(VALUES).html)
    assert not {tag for tag, _ in read.tags} & {"link", "script", "iframe", "object", "embed", "video", "form"}
    assert [attrs["src"] for tag, attrs in read.tags if "src" in attrs] == [f"cid:{'ab' * 10}.image"]
    assert "url(" not in made().html.replace("url(#", "")


def test_what_people_type_never_becomes_markup() -> None:
    nasty = '"><img src=x onerror=alert(1)><mj-raw></mj-text>{salutation}&lt;'
    blocks: list[dict[str, Any]] = [{"kind": kind, "text": nasty, "url": 'https://a.example/"><b>', "image": "cd" * 32} for kind in ("heading", "text", "button", "image")]
    read = Read(compile_mail(nasty, nasty, blocks, Design(nasty, nasty, nasty, nasty, nasty)).filled({**VALUES, "salutation": nasty}).html)
    assert not [attrs for tag, attrs in read.tags if "onerror" in attrs or attrs.get("src") == "x"]
    assert not {"b", "mj-raw"} & {tag for tag, _ in read.tags}


def test_gaps_are_named_person_by_person() -> None:
    assert missing("{first_name}", "", BLOCKS, {**VALUES, "first_name": ""}) == ["first_name"]
    assert missing("{first_name|du}", "", BLOCKS, {**VALUES, "first_name": ""}) == []
    assert missing("", "", [{"kind": "text", "text": "{company} und {company}"}], VALUES) == ["company"]


def test_a_good_mail_has_nothing_to_say() -> None:
    assert states(BLOCKS) == {}


@pytest.mark.parametrize(
    ("blocks", "subject", "key", "state"),
    [
        (BLOCKS, " ", "subject", "bad"),
        (BLOCKS, "x" * 71, "long-subject", "warn"),
        ([{"kind": "divider"}], "s", "empty", "bad"),
        ([{"kind": "text", "text": "{vorname}"}], "s", "placeholder", "bad"),
        ([{"kind": "text", "text": "{unsubscribe_url}"}], "s", "placeholder", "bad"),
        (BLOCKS, "{firstname}", "placeholder", "bad"),
        ([*BLOCKS, {"kind": "button", "text": "Los", "url": ""}], "s", "link", "bad"),
        ([*BLOCKS, {"kind": "button", "text": "", "url": "https://a.example"}], "s", "button", "bad"),
        ([*BLOCKS, {"kind": "button", "text": "Los", "url": "http://a.example"}], "s", "insecure", "warn"),
        ([*BLOCKS, {"kind": "image", "text": "", "image": "ab" * 32}], "s", "alt", "bad"),
        ([*BLOCKS, {"kind": "image", "text": "x", "image": ""}], "s", "no-image", "bad"),
        ([*BLOCKS, {"kind": "text", "text": " "}], "s", "blank", "warn"),
        ([{"kind": "text", "text": "ä" * 60_000}], "s", "clipped", "bad"),
    ],
)
def test_what_is_wrong_is_said(blocks: list[dict[str, Any]], subject: str, key: str, state: str) -> None:
    assert states(blocks, subject).get(key) == state


def test_heavy_images_are_told() -> None:
    assert states(BLOCKS, files={"ab" * 32: 1_000_000})["heavy"] == "warn"
    assert states(BLOCKS, files={"ab" * 32: 5_000_000})["heavy"] == "bad"


def test_a_mail_without_the_way_out_does_not_pass() -> None:
    mail = made()
    bare = Mail(mail.subject, mail.html.replace("{unsubscribe_url}", ""), mail.text)
    assert "unsubscribe" in {one.key for one in check("s", "", BLOCKS, bare, known=PLACEHOLDERS, files={})}


@pytest.mark.parametrize("url", ["https://rheintal.example", "https://www.müller.example/pfad?q=1#x", "http://a-b.example:8080/", "mailto:info@rheintal.example", "tel:+4942112345"])
def test_links_that_can_be_sent(url: str) -> None:
    assert link_trouble(url) == ""


@pytest.mark.parametrize(
    "url",
    ["", "rheintal.example", "www.rheintal.example/x", "https://", "https://localhost/x", "https://rheintal", "javascript:alert(1)", "https://a..example", "https://192.168.0.1/", "https://x.local/",
     "https://user:pw@rheintal.example", "https://rheintal.example/ x", "ftp://rheintal.example", "https://rheintal.example/?p={name}", "https://[::1", "mailto:", "data:text/html,x", "https://a.example:99999/"],
)  # fmt: skip
def test_odd_links_are_named(url: str) -> None:
    assert link_trouble(url)
