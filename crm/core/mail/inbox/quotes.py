"""An answer repeats what it answers: which part of its text is new, pure."""

from __future__ import annotations

import re

_INTRO = re.compile(r"^(?:Am\b.{5,200}\bschrieb\b.{0,120}:|On\b.{5,200}\bwrote:)\s*$", re.IGNORECASE)
_BREAK = re.compile(r"^-{2,}\s*(?:Ursprüngliche Nachricht|Original ?Message|Original-Nachricht)\s*-{2,}$", re.IGNORECASE)
_RULE = re.compile(r"^_{10,}$")
_FROM = re.compile(r"^\*?(?:Von|From):\*?\s", re.IGNORECASE)
_SENT = re.compile(r"^\*?(?:Gesendet|Sent|Datum|Date|An|To|Betreff|Subject):\*?\s", re.IGNORECASE)


def split(text: str) -> tuple[str, str]:
    """(what is new, what is repeated below it). If nothing were left of it, or answers stand between the lines, all of it is new."""
    lines = text.split("\n")
    last = max((number for number, line in enumerate(lines) if line.strip() and not line.startswith(">")), default=-1)  # of its own words
    place = next((number for number, line in enumerate(lines) if _begins(lines, number, line, last)), len(lines))
    new, rest = "\n".join(lines[:place]).strip(), "\n".join(lines[place:]).strip()
    return (new, rest) if new else (text.strip(), "")


def _begins(lines: list[str], number: int, line: str, last: int) -> bool:
    """Does what is repeated begin here? Behind line `last` nothing but quoted lines comes."""
    after = [one for one in lines[number + 1 : number + 4] if one.strip()]
    if _BREAK.match(line.strip()) or (_RULE.match(line.strip()) and after and _FROM.match(after[0])):
        return True
    if _FROM.match(line) and after and _SENT.match(after[0]) and not any("orwarded" in one or "eitergeleitet" in one for one in lines[max(0, number - 3) : number]):
        return True
    joined = f"{line} {lines[number + 1]}" if number + 1 < len(lines) else line
    if len(line) < 200 and (_INTRO.match(line) or (re.match(r"(?:Am|On)\b", line) and _INTRO.match(joined))):
        return True
    return line.startswith(">") and number > last
