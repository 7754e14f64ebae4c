"""German: the one catalogue says everything the code says, keeps what is filled in, and speaks as the house speaks.

Needs no gettext: strings are collected with `ast` and with Django's own reading of templates, as `makemessages` does.
A missing one is brought in with `manage.py makemessages -l de --no-location --no-wrap -i node_modules -i staticfiles` and then translated.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = settings.BASE_DIR
CATALOGUE = ROOT / "crm/locale/de/LC_MESSAGES/django.po"
APPS = ("accounts", "analytics", "campaigns", "contacts", "crm", "sales", "service")

# call → which of its arguments are (context, msgid)
CALLS = {"_": (None, 0)} | {
    prefix + "gettext" + suffix: places
    for prefix, places in {"": (None, 0), "n": (None, 0), "p": (0, 1), "np": (0, 1)}.items()
    for suffix in ("", "_lazy", "_noop")
}
LITERAL = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
IN_TEMPLATE = re.compile(rf"\b(_|n?p?gettext)\(\s*({LITERAL})(?:\s*,\s*({LITERAL}))?")

FILLED_IN = re.compile(r"%\(\w+\)[#0\- +]*[\d.]*[a-z]|%%|(?<!\{)\{\w*\}(?!\})|</?\w[^>]*>")
NOT_OURS = re.compile(
    r"\b(deals?|tickets?|leads?|users?|accounts?|logins?|jobs?|meetings?|snapshots?|updates?|du|dich|dir|dein\w*|euch|euer|eure\w*|Kennwort\w*)\b|!|”|‘|\"",
    re.IGNORECASE,
)

Key = tuple[str | None, str]


def german() -> Catalog:
    with CATALOGUE.open("rb") as readable:
        return read_po(readable, locale="de")


def entries() -> list[Message]:
    return [message for message in german() if message.id]


def forms(text: str | tuple[str, ...] | list[str]) -> list[str]:
    """The singular and, where there is one, the plural."""
    return [text] if isinstance(text, str) else list(text)


def in_python(source: str) -> Iterator[Key]:
    """What `_("…")`, `ngettext("…", "…", n)`, `pgettext("…", "…")` and their kin say."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name not in CALLS:
            continue
        context, msgid = (None if place is None else node.args[place] if place < len(node.args) else None for place in CALLS[name])
        if isinstance(msgid, ast.Constant) and isinstance(msgid.value, str):
            yield (str(context.value) if isinstance(context, ast.Constant) else None, msgid.value)


def in_template(source: str, name: str) -> Iterator[Key]:
    """What `{% translate %}`, `{% blocktranslate %}` and `_("…")` in a template say."""
    for call, first, second in IN_TEMPLATE.findall(templatize(source, origin=name)):
        if call.lstrip("n").startswith("p"):
            yield ast.literal_eval(first), ast.literal_eval(second)
        else:
            yield None, ast.literal_eval(first)


def said() -> dict[Key, str]:
    """Every string of our code that is to be read by people, with one file that says it."""
    found: dict[Key, str] = {}
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            for key in in_python(path.read_text()):
                found[key] = str(path.relative_to(ROOT))
    for path in sorted([*(ROOT / "templates").rglob("*.html"), *(ROOT / "templates").rglob("*.txt")]):
        for key in in_template(path.read_text(), path.name):
            found[key] = str(path.relative_to(ROOT))
    return found


def test_every_string_has_its_german() -> None:
    known = {(message.context, forms(message.id)[0]) for message in entries()}
    missing = [f"{where}: {key[1]!r}" for key, where in said().items() if key not in known]
    assert missing == []


SAID_BY_DJANGO = {"This field is required."}  # ours is another German than Django's


def test_no_entry_is_dead() -> None:
    """What nobody says any more goes, so that the next one who reads the catalogue reads what is on the pages."""
    live = set(said())
    assert [message.id for message in entries() if (message.context, forms(message.id)[0]) not in live and forms(message.id)[0] not in SAID_BY_DJANGO] == []


def test_no_entry_stands_twice() -> None:
    """Reading takes the last of two silently: what was merged from two sides must not say one thing in two ways."""
    blocks = re.findall(r'^(?:msgctxt "(.*)"\n)?msgid "(.+)"$', CATALOGUE.read_text(encoding="utf-8"), re.M)
    assert [entry for entry, count in Counter(blocks).items() if count > 1] == []


def test_no_entry_is_empty_fuzzy_or_obsolete() -> None:
    catalogue = german()
    unfinished = [
        message.id
        for message in entries()
        if message.fuzzy or not all(forms(message.string)) or len(forms(message.string)) != len(forms(message.id))
    ]
    assert unfinished == []
    assert list(catalogue.obsolete) == []
    assert (catalogue.fuzzy, catalogue.num_plurals, catalogue.plural_expr) == (False, 2, "(n != 1)")


def broken(english: str, translated: str, *, filled_in: bool) -> bool:
    """Whether the German lost or gained a placeholder, a tag or the space around it, or holds a bare % where Python fills in."""
    parts = [sorted(FILLED_IN.findall(text)) for text in (english, translated)]
    edges = [(text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]) for text in (english, translated)]
    bare = filled_in and "%" in FILLED_IN.sub("", translated)
    return parts[0] != parts[1] or edges[0] != edges[1] or bare


def test_what_is_filled_in_stays() -> None:
    lost = [
        translated
        for message in entries()
        for english, translated in zip(forms(message.id), forms(message.string), strict=False)
        if broken(english, translated, filled_in="python-format" in message.flags)
    ]
    assert lost == []


def test_german_speaks_as_the_house_speaks() -> None:
    """No exclamation mark, no 'du', no word the house has another one for, German quotation marks. How letters may address somebody is a choice."""
    ours = [message for message in entries() if message.context != "form of address"]
    wrong = [translated for message in ours for translated in forms(message.string) if NOT_OURS.search(FILLED_IN.sub("", translated))]
    assert wrong == []


def test_presets_speak_as_the_house_speaks() -> None:
    from accounts.presets import ROLES
    from contacts.presets import INDUSTRIES
    from sales.presets import LOST_REASONS, PIPELINES
    from service.presets import CALENDARS, CAUSES, MACROS, REMEDIES, RULES, TEXTS, TOUCHPOINTS

    labels = [german for german, *_rest in ROLES.values()] + [row[1] for row in (*INDUSTRIES, *LOST_REASONS)]
    labels += [row[1] for row in (*CALENDARS, *RULES, *TOUCHPOINTS, *REMEDIES, *TEXTS, *MACROS)] + [row[3] for row in TEXTS]
    labels += [label for _key, german, _english, parts in CAUSES for label in (german, *(part[1] for part in parts))]
    labels += [label for german, _english, stages in PIPELINES.values() for label in (german, *(stage[1] for stage in stages))]
    assert [label for label in labels if not label.strip() or NOT_OURS.search(label)] == []


@pytest.mark.parametrize(
    ("english", "translated"),
    [
        ("%(n)s open", "%(m)s offen"),
        ("%(n)s open", "offen"),
        ("{limit} MB", "MB"),
        ("80 %% interval", "Spanne 80 %"),
        (" and ", "und"),
        ("<b>now</b>", "jetzt"),
    ],
)
def test_a_broken_translation_is_noticed(english: str, translated: str) -> None:
    assert broken(english, translated, filled_in=True)


def test_strings_are_found_where_they_stand() -> None:
    python = '_("a")\ngettext_lazy("b" "c")\nngettext("d", "dd", 2)\npgettext("count", "e")\n_(name)\n'
    assert list(in_python(python)) == [(None, "a"), (None, "bc"), (None, "d"), ("count", "e")]
    template = (
        "{% load i18n %}{% translate 'a' %}{% translate \"b\" context \"count\" %}{% include 'x' with label=_('c') %}"
        "{% blocktranslate count n=rows|length %}{{ n }} row{% plural %}{{ n }} rows{% endblocktranslate %}"
        "{% blocktranslate with name=object %}It's {{ name }}{% endblocktranslate %}{# {% translate 'no' %} #}"
    )
    assert list(in_template(template, "x")) == [(None, "a"), ("count", "b"), (None, "c"), (None, "%(n)s row"), (None, "It's %(name)s")]
