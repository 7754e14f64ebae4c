"""A campaign's mail: a list of blocks in a locked design → HTML and its plain twin, and what is wrong with it. Pure.

Blocks are plain dictionaries, as `campaigns.blocks` checks them; what stands around them (header, footer, colours, the links the law asks for)
is the house's and nobody changes it in a campaign. Placeholders stay in a compiled mail and are filled in person by person, everything
escaped. Nothing is fetched from anywhere: images travel with the mail (`cid:`), links go straight where they say. Only the `counted` form, for
those who agreed to it, has placeholders in the place of its links, a picture of one point, and a link nobody sees for machines to follow.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from mjml import mjml2html

from crm.core.placeholders import fill, gaps, problems

Block = Mapping[str, Any]

UNSUBSCRIBE, PREFERENCES = "unsubscribe_url", "preferences_url"  # placeholders of the design itself; nobody types them
PICTURE, TRAP = "picture_url", "trap_url"  # likewise, in counted mails alone
CLIPPED_AT = 100 * 1024  # bytes of HTML after which large providers hide the rest, the unsubscribe link with it
HEAVY, TOO_HEAVY = 1024 * 1024, 5 * 1024 * 1024  # bytes of the whole mail
LONG_SUBJECT = 70  # characters; phones show fewer
PLACEHOLDERS = {
    "salutation": gettext_lazy("how a letter to the person begins"),
    "first_name": gettext_lazy("first name"),
    "last_name": gettext_lazy("last name"),
    "name": gettext_lazy("whole name"),
    "company": gettext_lazy("company of the person"),
    "owner": gettext_lazy("who looks after the person"),
    "house": gettext_lazy("name of our house"),
}


@dataclass(frozen=True)
class Design:
    """What is locked: the house's name and colour, its imprint, why the reader gets this, and the words of the two links."""

    house: str
    imprint: str
    reason: str
    unsubscribe: str
    preferences: str
    language: str = "de"
    colour: str = "#0b6470"


@dataclass(frozen=True)
class Mail:
    """A compiled mail, placeholders still in it; `images` are the digests it carries."""

    subject: str
    html: str
    text: str
    images: tuple[str, ...] = ()

    def filled(self, values: Mapping[str, str]) -> Mail:
        """For one person: `values` are plain words, and the two addresses of the footer."""
        safe = {name: escape(value) for name, value in values.items()}
        return Mail(fill(self.subject, values), fill(self.html, safe), fill(self.text, values), self.images)


@dataclass(frozen=True)
class Check:
    """One line of the check before sending: `state` is good, warn or bad (bad stops the release); `block` counts from 1, 0 for the whole."""

    key: str
    state: str
    text: str
    block: int = 0


def cid(digest: str) -> str:
    """The name under which an image travels with the mail."""
    return f"{digest[:20]}.image"


def links_of(blocks: Iterable[Block]) -> list[str]:
    """Where the links of a mail go that a browser opens, each once, in their order: link 1 is the first."""
    urls = (str(block.get("url", "")) for block in blocks if block["kind"] in {"button", "image"})
    return list(dict.fromkeys(url for url in urls if url.lower().startswith(("http://", "https://"))))


def link_name(number: int) -> str:
    """The placeholder of a link by its number, from 1."""
    return f"link_{number}_url"


def _through_doors(blocks: Sequence[Block]) -> list[Block]:
    """The same parts with placeholders in the place of their links."""
    names = {url: f"{{{link_name(number)}}}" for number, url in enumerate(links_of(blocks), 1)}
    return [{**block, "url": names[url]} if (url := str(block.get("url", ""))) in names else block for block in blocks]


_UNSEEN = f'<img src="{{{PICTURE}}}" width="1" height="1" alt="" /><a href="{{{TRAP}}}" style="display:none" tabindex="-1" aria-hidden="true"></a>'


def compile_mail(subject: str, preheader: str, blocks: Sequence[Block], design: Design, image: str = "cid:{}", *, counted: bool = False) -> Mail:
    """The mail as it leaves, placeholders apart. `image` is the address of an image, `{}` its name or digest; `counted`: see above."""
    blocks = _through_doors(blocks) if counted else blocks
    body = "".join(_mjml(block, design, image) for block in blocks)
    source = (
        f'<mjml lang="{escape(design.language)}"><mj-head><mj-title>{escape(subject)}</mj-title><mj-preview>{escape(preheader)}</mj-preview><mj-attributes>'
        '<mj-all font-family="Helvetica, Arial, sans-serif" /><mj-text font-size="16px" line-height="1.5" color="#16202a" padding="8px 24px" />'
        "</mj-attributes></mj-head>"
        f'<mj-body background-color="#f4f6f7"><mj-section background-color="{design.colour}" padding="12px 0"><mj-column>'
        f'<mj-text color="#ffffff" font-size="18px" font-weight="bold">{escape(design.house)}</mj-text></mj-column></mj-section>'
        f'<mj-section background-color="#ffffff" padding="16px 0"><mj-column>{body}</mj-column></mj-section>'
        f'<mj-section padding="12px 0"><mj-column><mj-text font-size="12px" color="#55626e">{_lines(design.reason)}<br />'
        f'<a href="{{{UNSUBSCRIBE}}}" style="color:#55626e">{escape(design.unsubscribe)}</a> · '
        f'<a href="{{{PREFERENCES}}}" style="color:#55626e">{escape(design.preferences)}</a></mj-text>'
        f'<mj-text font-size="12px" color="#55626e">{_lines(design.imprint)}{_UNSEEN if counted else ""}</mj-text></mj-column></mj-section></mj-body></mjml>'
    )
    images = tuple(dict.fromkeys(str(block["image"]) for block in blocks if block["kind"] == "image" and block.get("image")))
    return Mail(subject, mjml2html(source), _plain(blocks, design), images)


def _mjml(block: Block, design: Design, image: str) -> str:
    text, url = str(block.get("text", "")), escape(str(block.get("url", "")))
    if block["kind"] == "heading":
        return f'<mj-text font-size="22px" font-weight="bold" line-height="1.3">{_lines(text)}</mj-text>'
    if block["kind"] == "text":
        return "".join(f"<mj-text>{_paragraph(part)}</mj-text>" for part in paragraphs(text))
    if block["kind"] == "button":
        return f'<mj-button href="{url}" background-color="{design.colour}" color="#ffffff" border-radius="6px" font-size="16px" align="left" padding="12px 24px">{escape(text)}</mj-button>'
    if block["kind"] == "image" and block.get("image"):
        name = image.format(cid(block["image"]) if image.startswith("cid:") else block["image"])
        link = f' href="{url}"' if url else ""
        return f'<mj-image src="{escape(name)}" alt="{escape(text)}" padding="8px 24px"{link} />'
    return '<mj-divider border-width="1px" border-color="#c9d1d7" padding="12px 24px" />' if block["kind"] == "divider" else ""


def paragraphs(text: str) -> list[str]:
    """The text at its empty lines."""
    return [part.strip("\n") for part in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")) if part.strip()]


def _paragraph(text: str) -> str:
    """A paragraph; lines that begin with a dash are a list."""
    lines = text.split("\n")
    if all(line.lstrip().startswith("- ") for line in lines):
        return "<ul>" + "".join(f"<li>{escape(line.lstrip()[2:])}</li>" for line in lines) + "</ul>"
    return _lines(text)


def _lines(text: str) -> str:
    return "<br />".join(escape(line) for line in text.splitlines())


def _plain(blocks: Sequence[Block], design: Design) -> str:
    """The plain twin: the same words in the same order."""
    parts = []
    for block in blocks:
        text, url = str(block.get("text", "")).replace("\r\n", "\n").strip(), block.get("url", "")
        if block["kind"] == "heading":
            parts.append(f"{text}\n{'=' * min(len(text), 60)}")
        elif block["kind"] == "button":
            parts.append(f"{text}: {url}")
        elif block["kind"] == "image" and (text or url):
            parts.append(" ".join(filter(None, [f"[{text}]" if text else "", url])))
        elif block["kind"] == "divider":
            parts.append("-" * 40)
        elif block["kind"] == "text":
            parts.append(text)
    foot = f"-- \n{design.reason}\n{design.unsubscribe}: {{{UNSUBSCRIBE}}}\n{design.preferences}: {{{PREFERENCES}}}\n\n{design.imprint}"
    return "\n\n".join([*filter(None, parts), foot]) + "\n"


def words_of(subject: str, preheader: str, blocks: Iterable[Block]) -> list[tuple[int, str]]:
    """Everything a person typed into a mail, with the number of its block (0: subject and preview)."""
    return [(0, subject), (0, preheader), *((number, str(block.get("text", ""))) for number, block in enumerate(blocks, 1))]


def missing(subject: str, preheader: str, blocks: Iterable[Block], values: Mapping[str, str]) -> list[str]:
    """The placeholders that would leave a gap in this person's mail, each once."""
    return list(dict.fromkeys(name for _number, text in words_of(subject, preheader, blocks) for name in gaps(text, values)))


def link_trouble(url: str) -> str:
    """What is odd about a link, in words; "" if it can be sent. Only its shape is looked at, nobody calls there."""
    if not url:
        return _("A link is missing.")
    if "{" in url or "}" in url:
        return _("A link must be the same for everybody: no placeholder, nothing personal in it.")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        bad = parts.username is not None or parts.password is not None
        _port = parts.port
    except ValueError:
        return _("“%(url)s” is no address.") % {"url": url}
    if parts.scheme in {"mailto", "tel"}:
        return "" if parts.path and not re.search(r"\s", url) else _("“%(url)s” is no address.") % {"url": url}
    if parts.scheme not in {"http", "https"}:
        return _("“%(url)s” does not begin with https://.") % {"url": url}
    if bad or re.search(r"[\s<>\"\\^`|]", url) or not re.fullmatch(r"(?!-)[\w-]+(\.[\w-]+)+\.?", host) or ".." in host:
        return _("“%(url)s” is no address.") % {"url": url}
    if host.replace(".", "").isdigit() or host.endswith((".local", ".localhost", ".internal")):
        return _("“%(url)s” cannot be reached from outside.") % {"url": url}
    return ""


def check(subject: str, preheader: str, blocks: Sequence[Block], mail: Mail, *, known: Collection[str], files: Mapping[str, int]) -> list[Check]:
    """What is wrong with a mail, as far as the mail alone can tell. `files` are the bytes of its images."""
    found = []
    if not subject.strip():
        found.append(Check("subject", "bad", _("The mail has no subject.")))
    elif len(subject) > LONG_SUBJECT:
        found.append(Check("long-subject", "warn", _("The subject is long: phones cut it after about 40 characters.")))
    if not any(block["kind"] in {"text", "heading"} and str(block.get("text", "")).strip() for block in blocks):
        found.append(Check("empty", "bad", _("The mail says nothing yet.")))
    for number, text in words_of(subject, preheader, blocks):
        found += [Check("placeholder", "bad", str(problem), number) for problem in problems(text, known)]
    for number, block in enumerate(blocks, 1):
        found += _check_block(number, block)
    if f"{{{UNSUBSCRIBE}}}" not in mail.html or f"{{{UNSUBSCRIBE}}}" not in mail.text:
        found.append(Check("unsubscribe", "bad", _("There is no link to unsubscribe.")))
    size = len(mail.html.encode())
    if size > CLIPPED_AT:
        found.append(Check("clipped", "bad", _("The text is too long (%(kb)s KB): large providers cut it off, and the link to unsubscribe with it.") % {"kb": size // 1024}))
    weight = size + len(mail.text.encode()) + sum(4 * files.get(digest, 0) // 3 for digest in mail.images)
    if weight > HEAVY:
        found.append(Check("heavy", "bad" if weight > TOO_HEAVY else "warn", _("The mail is heavy: %(kb)s KB. Smaller images would help.") % {"kb": weight // 1024}))
    return found


def _check_block(number: int, block: Block) -> list[Check]:
    found, url, text = [], str(block.get("url", "")), str(block.get("text", "")).strip()
    if block["kind"] == "button" or url:
        trouble = link_trouble(url)
        found += [Check("link", "bad", trouble, number)] if trouble else []
        if url.startswith("http://"):
            found.append(Check("insecure", "warn", _("The link is not encrypted (http instead of https)."), number))
    if block["kind"] == "button" and not text:
        found.append(Check("button", "bad", _("The button has no words."), number))
    if block["kind"] == "image":
        if not block.get("image"):
            found.append(Check("no-image", "bad", _("The image is missing."), number))
        elif not text:
            found.append(Check("alt", "bad", _("The image has no description: who cannot see it reads nothing."), number))
    if block["kind"] in {"text", "heading"} and not text:
        found.append(Check("blank", "warn", _("This part is empty."), number))
    return found
