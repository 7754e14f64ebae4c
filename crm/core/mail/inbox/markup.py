"""HTML of a stranger → HTML that can do nothing, and its words, pure (nh3, an allow-list).

What is left is text with structure: no scripts, no styles, no forms, nothing that is fetched. Pictures are left out with whatever else has
an address of its own; a link may be followed, in a new window that knows nothing of us.
"""

from __future__ import annotations

import re
from html import escape, unescape

import nh3

LONGEST = 200_000  # characters; what is longer is read in the raw mail
TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "i", "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href"}, "td": {"colspan", "rowspan", "align", "valign"}, "th": {"colspan", "rowspan", "align", "valign"}, "table": {"border", "cellpadding", "cellspacing"}, "p": {"align"},
    "div": {"align"}, "ol": {"start", "type"},
}  # fmt: skip
WITH_CONTENT = {"script", "style", "title", "head", "noscript", "template", "iframe", "object", "svg", "math", "select", "textarea", "button", "audio", "video", "xmp", "noembed", "noframes", "plaintext"}
_BLOCKS = re.compile(r"</?(?:p|div|table|ul|ol|h[1-6]|blockquote|pre|hr|dl)\b[^>]*>", re.IGNORECASE)
_LINES = re.compile(r"<br\b[^>]*>|</(?:tr|li|dt|dd|caption)>", re.IGNORECASE)
_CELLS = re.compile(r"</t[dh]>", re.IGNORECASE)


def harmless(html: str) -> str:
    """The HTML with nothing in it but the allowed tags and attributes."""
    return nh3.clean(
        html[:LONGEST],
        tags=TAGS,
        attributes=ATTRIBUTES,
        clean_content_tags=WITH_CONTENT - TAGS,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )


_LOOK = "body{font:14px/1.5 system-ui,sans-serif;margin:12px;overflow-wrap:anywhere}table{border-collapse:collapse;max-width:100%}td,th{padding:2px 6px;vertical-align:top}blockquote{margin:0 0 0 8px;padding-left:10px;border-left:2px solid #999}pre{white-space:pre-wrap}"


def page_of(html: str, title: str, language: str, nonce: str) -> str:
    """A whole page for the frame in which a mail is shown; its look is ours and bears the nonce."""
    head = f'<meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{escape(title)}</title><style nonce="{escape(nonce)}">{_LOOK}</style>'
    return f'<!doctype html><html lang="{escape(language)}"><head>{head}</head><body>{harmless(html)}</body></html>'


def words_of(html: str) -> str:
    """The text of HTML, paragraphs kept apart."""
    text = re.sub(r"\s+", " ", harmless(html))
    text = _LINES.sub("\n", _CELLS.sub(" ", _BLOCKS.sub("\n\n", text)))
    text = unescape(re.sub(r"<[^>]*>", "", text)).replace("\xa0", " ")
    lines = [line.strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
