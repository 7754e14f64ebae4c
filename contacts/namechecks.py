"""What looks wrong about a name and its salutation. Pure: a check says so and what would set it right; it never changes anything.

The checks and what each must and must not flag stand in `tests/contacts/salutation_conflicts.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from contacts.first_names import gender_of
from contacts.salutation import RANKS, Addressee, own_words, rank_of, tidy
from crm.core.fold import fold

Code = Literal["first_name", "gendered_word", "salutation_typed", "title_typed", "rank_typed", "suffix_typed", "company", "own_name", "own_gender"]
OTHER = {"ms": "mr", "mr": "ms"}

# Words that are a salutation where they stand in front; "hr" and "fr" only with a full stop.
_SALUTATIONS = {"herr": "mr", "herrn": "mr", "hr.": "mr", "mr": "mr", "mr.": "mr", "frau": "ms", "fräulein": "ms", "fr.": "ms", "ms": "ms", "ms.": "ms", "mrs": "ms", "mrs.": "ms", "miss": "ms"}
_TITLE = r"(?:(?:\w+\.-)?prof\.?(?:essor(?:in)?)?|d?dr\.?(?:-ing\.?)?|doktor|dipl\.?-\w+\.?|m?mag\.|ing\.|pd|priv\.-doz\.)"
_SUBJECT = r"(?:med\.|dent\.|vet\.|phil\.|jur\.|iur\.|rer\.|nat\.|pol\.|oec\.|h\.\s?c\.|h\.|c\.|e\.|mult\.|habil\.|em\.|\(fh\))"
_TITLES = re.compile(rf"({_TITLE}(?:\s+(?:{_TITLE}|{_SUBJECT}))*)(?:\s+|$)", re.IGNORECASE)
_DEGREE = r"(?:MBA|Ph\.?\s?D\.?|LL\.?\s?[BM]\.?|[BM]\.\s?(?:A|Sc|Ed|Eng)\.|[BM]Sc|MdB|MdL|MdEP|[Jj]un\.|[Jj]r\.?|[Ss]en\.|[Ss]r\.|[Jj]unior|[Ss]enior)"
_SUFFIX = re.compile(rf"(.*\S?)[,\s]\s*({_DEGREE}(?:[,\s]+{_DEGREE})*)")
_COMPANY = re.compile(r"(?<!\w)(?:gGmbH|GmbH|mbH|AG|KG|KGaA|OHG|GbR|UG|SE|eG|e\.\s?V\.|e\.\s?K\.|Ltd\.?|Limited|Inc\.?|LLC|LLP|Corp\.|S\.A\.|S\.r\.l\.|B\.V\.|N\.V\.)(?!\w)")
# A title in its female form; male forms are said of women, too, and mean nothing.
_FEMALE_TITLE = re.compile(r"\b(?:prof|dr|ra)\.?in\b|\w*kffr\b|\b\w{3,}in\b", re.IGNORECASE)
_SAID = re.compile(r"\b(?:(herrn?|mr)|(frau|ms|mrs|miss))\b", re.IGNORECASE)
_OFFICE = re.compile(
    r"[\w-]*(?:doktor|professor|direktor|rektor|senator|minister|präsident|kanzler|meister|sekretär|konsul|botschafter|dekan|pfarrer|pastor|bischof|bischöf|richter|anwalt|"
    r"anwält|notar|general|oberst|kollege|kolleg|nachbar|abgeordnete|vorsitzende|rat|rät)(?:in|r|n)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Hint:
    """Something to look at: which check, which fields it is about, and the values its fix sets ({}: none can be offered)."""

    code: Code
    about: dict[str, str]
    fix: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Names this hint about these values: with other values it is another hint."""
        told = "\0".join(f"{name}={tidy(value)}" for name, value in sorted(self.about.items()))
        return f"{self.code}:{sha256(told.encode()).hexdigest()[:16]}"


def name_hints(who: Addressee) -> list[Hint]:
    """Everything that looks wrong about a person, in a fixed order; nothing for an organisation."""
    return [] if who.house else [*_typed(who), *_company(who), *_first_name(who), *_gendered_word(who), *_own(who)]


def _after_salutation(text: str) -> tuple[str, str]:
    """(ms, mr or '', the rest) of a text that begins with Herr, Frau …"""
    word, _blank, rest = tidy(text).partition(" ")
    said = _SALUTATIONS.get(word.lower(), "")
    return (said, rest) if said else ("", tidy(text))


def _typed(who: Addressee) -> Iterator[Hint]:
    """What was typed into the wrong field. A name of one word is that name, whatever it looks like: there are people called Herr."""
    for name in ("title", "first_name", "last_name"):
        text = getattr(who, name)
        said, rest = _after_salutation(text)
        if said and (rest or name == "title" or (name == "first_name" and tidy(who.last_name))):
            yield Hint("salutation_typed", {name: text}, {name: rest, **({} if who.salutation else {"salutation": said})})
            continue
        titled = _TITLES.match(tidy(text)) if name != "title" else None
        if titled:
            rest = tidy(text)[titled.end() :]
            if rest or (name == "first_name" and tidy(who.last_name)):
                title = {} if titled[1].lower() in who.title.lower() else {"title": tidy(f"{who.title} {titled[1]}")}
                yield Hint("title_typed", {name: text}, {**title, name: rest})
    rank, _blank, rest = tidy(who.last_name).partition(" ")
    if rank.lower() in RANKS and rest and not tidy(who.nobility):
        yield Hint("rank_typed", {"last_name": who.last_name}, {"nobility": rank, "last_name": rest})
    behind = _SUFFIX.fullmatch(tidy(who.last_name))
    if behind and behind[1].strip(" ,"):
        yield Hint("suffix_typed", {"last_name": who.last_name}, {"last_name": behind[1].strip(" ,"), "suffix": tidy(f"{who.suffix} {behind[2]}")})


def _company(who: Addressee) -> Iterator[Hint]:
    if found := {name: text for name in ("first_name", "last_name") if _COMPANY.search(text := getattr(who, name))}:
        yield Hint("company", found)


def _first_name(who: Addressee) -> Iterator[Hint]:
    told = gender_of(_after_salutation(who.first_name)[1])
    if told and told == OTHER.get(who.salutation):
        yield Hint("first_name", {"first_name": who.first_name, "salutation": who.salutation}, {"salutation": told})


def _gendered_word(who: Addressee) -> Iterator[Hint]:
    """A rank or a female title says one thing, the field another or nothing. Who asked to be addressed neutrally is left in peace."""
    rank = RANKS.get(rank_of(who.nobility), "")
    title = "ms" if _FEMALE_TITLE.search(who.title) else ""
    said = rank or title
    if said and who.salutation in ("", OTHER[said]):
        about = {"nobility": who.nobility} if rank else {"title": who.title}
        yield Hint("gendered_word", {**about, "salutation": who.salutation}, {"salutation": said})


def _own(who: Addressee) -> Iterator[Hint]:
    """The person's own salutation against the fields. One that names nobody (an office, "Moin zusammen") is no conflict."""
    own = own_words(who.own)
    said = {"mr" if man else "ms" for man, _woman in _SAID.findall(own)}
    if not said:
        return
    if len(said) == 1 and who.salutation and said != {who.salutation}:
        yield Hint("own_gender", {"letter_salutation": who.own, "salutation": who.salutation}, {"letter_salutation": ""})
    names = {word for name in (who.first_name, who.nobility, who.last_name) for word in _words(name)}
    last = own.rpartition(" ")[2]
    if not names & set(_words(own)) and not _SAID.fullmatch(last) and not _OFFICE.match(last):
        about = {"letter_salutation": who.own, "first_name": who.first_name, "nobility": who.nobility, "last_name": who.last_name}
        yield Hint("own_name", about, {"letter_salutation": ""})


def _words(text: str) -> list[str]:
    return re.findall(r"\w{2,}", fold(text))
