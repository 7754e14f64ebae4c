"""What kind of mail came in, and what a mail server says that could not deliver ours; pure.

Whoever is no person is never answered (RFC 3834). The headers decide; the subject only where it begins as programs begin theirs, so that a
person who writes about an absence stays a person.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum

from flufl.bounce import all_failures

from crm.core.mail.addresses import BadAddress, normalise
from crm.core.mail.inbox.reading import Received, clean, content_of, decode, inner, leaves, split_addresses

logging.getLogger("flufl.bounce").setLevel(logging.WARNING)  # it tells each of its seventeen tries


class Nature(StrEnum):
    """Who wrote it."""

    HUMAN = "human"
    AUTOMATIC = "automatic"  # a machine of its own accord: a list, a shop, a monitor
    AUTO_REPLY = "auto_reply"  # a machine in answer to a mail: out of office
    RETURN = "return"  # a mail server: ours did not arrive
    OWN = "own"  # we did


_ABSENT = re.compile(
    r"^(?:"
    r"automatische (?:antwort|abwesenheit\w*|e-?mail|rückmeldung)\s*:|auto(?:matic)?[- ]?(?:reply|antwort|response|answer)\b|auto:\s|"
    r"abwesenheits(?:notiz|nachricht|assistent|benachrichtigung|meldung|info)\w*\b|abwesend\s*[:-]|abwesenheit\s*:|"
    r"urlaubs(?:benachrichtigung|notiz|meldung|vertretung)\w*\s*:|"
    r"out[- ]of[- ](?:the[- ])?office\b(?:\s*[:-]|$|\s+(?:auto|reply|re:))|ich bin (?:derzeit )?nicht im (?:büro|haus)|i am (?:currently )?out of (?:the )?office|vacation (?:reply|response)\b"
    r")",
    re.IGNORECASE,
)
_MACHINES = re.compile(r"^(?:no-?_?reply|do-?_?not-?_?reply|donotreply|keine-?antwort|nicht-?antworten)\b", re.IGNORECASE)
_POSTMASTERS = re.compile(r"^(?:mailer-daemon|postmaster|mail-?daemon)@", re.IGNORECASE)
_ANSWERED = re.compile(r"^(?:re|aw|antw|sv|wg|fwd?)\s*:", re.IGNORECASE)


def nature_of(mail: Received, *, our_addresses: Collection[str], our_ids: Collection[str], returned: bool) -> Nature:
    """Who wrote this mail. `our_ids` holds its Message-ID if a mail of ours bears it, `returned` says whether a report was found in it."""
    head = {name: value.strip().lower() for name, value in mail.headers.items()}
    submitted = re.split(r"[;\s(]", head.get("auto-submitted", "no"))[0]
    precedence = head.get("precedence", "")
    ours = {address.lower() for address in our_addresses}
    if mail.message_id and mail.message_id in our_ids:
        return Nature.OWN
    if returned:
        return Nature.RETURN
    if mail.sender.lower() in ours and mail.answer_to.lower() in ours:  # a form on our website writes from us, and says who filled it in
        return Nature.OWN
    if submitted == "auto-replied" or precedence in ("auto_reply", "auto-reply") or {"x-autoreply", "x-autorespond", "x-auto-reply-from"} & set(head):
        return Nature.AUTO_REPLY
    if _ABSENT.match(mail.heading) and not _ANSWERED.match(mail.heading):
        return Nature.AUTO_REPLY
    if head.get("return-path") == "<>":
        return Nature.AUTO_REPLY
    is_bulk = precedence in ("bulk", "junk", "list") or "list-id" in head or "list-unsubscribe" in head or "x-auto-response-suppress" in head
    if submitted not in ("no", "") or is_bulk or head.get("content-type", "").startswith("multipart/report") or _MACHINES.match(mail.sender) or _POSTMASTERS.match(mail.sender):
        return Nature.AUTOMATIC
    return Nature.HUMAN


# --- ours came back -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Returned:
    """A mail of ours did not arrive, or was unwelcome. `of`: its Message-ID, "" where the report names none; `to`: whom it did not reach; `verdict`: "hard"
    (the address is bad), "soft" (it was refused for another reason), "late" (still tried) or "spam" (it arrived, and was reported as spam);
    `words`: what the mail server said."""

    of: str
    to: str
    verdict: str
    words: str


# Statuses (RFC 3463) and words that mean: nobody is there.
_BAD = re.compile(r"^5\.(?:1\.(?:0|1|2|3|4|6|10)|2\.1|4\.4)$")
_NOBODY = re.compile(
    r"user unknown|unknown user|no such (?:user|recipient|mailbox|address)|does ?n[o']t exist|not exist|no mailbox|unknown (?:recipient|address|local)|recipient(?: address)? (?:rejected|not found)"
    r"|recipientnotfound|invalid recipient|mailbox (?:not found|unavailable|disabled)|account (?:disabled|that you tried)|5\.1\.1|empfänger unbekannt|unbekannter empfänger",
    re.IGNORECASE,
)
_HEAD = 100_000  # bytes of what came back in which its head is looked for
_MESSAGE_ID = re.compile(r"^[ \t]*message-id:[ \t]*(?:\r?\n[ \t]+)?(<[^<>\s]{1,300}>)", re.IGNORECASE | re.MULTILINE)
_TO = re.compile(r"^to:[ \t]*(?:\r?\n[ \t]+)?([^\r\n]{1,500})", re.IGNORECASE | re.MULTILINE)
_UNWELCOME = {"abuse", "fraud", "opt-out", "virus", "other"}  # all but "not-spam"
_FAILED = re.compile(r"undeliver|deliver|failure notice|returned|your mail failed|unzustellbar|zugestellt|zustell", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"<([^<>\s@]{1,64}@[^<>\s@]{1,255})>")
_LATE = re.compile(r"delayed|will keep trying|noch nicht zugestellt", re.IGNORECASE)


def returned_of(message: Message, mail: Received) -> Returned | None:
    """What a report says, or None: it is none. Only the form of a report counts here; whether it names a mail we sent is asked by the caller."""
    unwelcome = _reported(message)
    if unwelcome is not None:
        return unwelcome
    fields = _fields(message)
    own = any(field in fields for field in ("action", "status"))
    is_old = not own and (mail.headers.get("return-path", "").strip() == "<>" or bool(_POSTMASTERS.match(mail.sender)) or "x-failed-recipients" in mail.headers)
    if not own and not is_old:
        return None
    temporary, permanent = _failures(message)
    to = _address(fields.get("original-recipient", "")) or _address(fields.get("final-recipient", "")) or _address(mail.headers.get("x-failed-recipients", ""))
    to = to or next(iter(sorted(permanent)), "") or next(iter(sorted(temporary)), "")
    if is_old and not to and _FAILED.search(f"{mail.heading}\n{mail.text[:5_000]}"):
        to = next(filter(None, (_address(one) for one in _IN_BRACKETS.findall(mail.text[:5_000]))), "")
    if not to:
        return None
    words = " ".join(fields.get("diagnostic-code", "").split())
    text = words or mail.text
    if own:
        verdict = _verdict(fields.get("action", "").lower(), fields.get("status", ""), words)
    else:
        verdict = "late" if to in temporary - permanent or _LATE.search(mail.heading) else "hard" if _NOBODY.search(text) else "soft"
    return Returned(_original(message, _MESSAGE_ID), to, verdict, (words or _line_about(mail.text, to))[:500])


def _verdict(action: str, status: str, words: str) -> str:
    status = (re.findall(r"[245]\.\d{1,3}\.\d{1,3}", status) or [""])[0]
    if action == "delayed":
        return "late"
    if status.startswith("5.1.1") or _BAD.match(status):
        return "hard"
    if status in ("5.0.0", "5.5.0", "") and _NOBODY.search(words):
        return "hard"
    return "soft"


def _reported(message: Message) -> Returned | None:
    """A report by RFC 5965: somebody told their provider that our mail is unwelcome. Some providers keep back whose it is; then the mail says so."""
    for fields in _blocks(message, "message/feedback-report"):
        to = _address(fields.get("original-rcpt-to", "")) or _address(next(iter(split_addresses(_original(message, _TO))), ("", ""))[1])
        if fields.get("feedback-type", "").lower() in _UNWELCOME and to:
            return Returned(_original(message, _MESSAGE_ID), to, "spam", fields["feedback-type"][:500])
    return None


def _fields(message: Message) -> dict[str, str]:
    """The fields of the first recipient in a report by RFC 3464."""
    return next((fields for fields in _blocks(message, "message/delivery-status") if "action" in fields or "status" in fields), {})


def _blocks(message: Message, kind: str) -> Iterator[dict[str, str]]:
    """The blocks of fields in the parts of this kind, names in small letters."""
    for part in leaves(message):
        if part.get_content_type() == kind:
            for block in inner(part):
                yield {name.lower(): clean(str(value)).strip() for name, value in block.raw_items()}


def _original(message: Message, wanted: re.Pattern[str]) -> str:
    """A header of the mail a report is about: in a part of its own, or behind the words of the report. "" if it is not there."""
    parts = list(leaves(message))
    for part in parts:
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"):
            found = wanted.search(decode(content_of(part)[:_HEAD], "utf-8"))
            if found:
                return found[1]
    for part in parts:
        if part.get_content_type() == "text/plain":
            found = wanted.search(decode(content_of(part)[:_HEAD], "utf-8"))
            if found:
                return found[1]
    return ""


def _failures(message: Message) -> tuple[set[str], set[str]]:
    """(temporary, permanent) addresses as flufl.bounce finds them in the many forms without a standard."""
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # it reads what strangers wrote; a report it cannot read is one it does not know
        return set(), set()
    return {_address(one.decode("utf-8", "replace")) for one in temporary} - {""}, {_address(one.decode("utf-8", "replace")) for one in permanent} - {""}


def _address(text: str) -> str:
    """"rfc822; Weg@Kunde.test" → "weg@kunde.test"."""
    try:
        return normalise(text.rpartition(";")[2].strip().strip("<>").split(",")[0]).lower()
    except BadAddress:
        return ""


def _line_about(text: str, address: str) -> str:
    """The line of a report that names the address, or its first."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return next((line for line in lines if address in line.lower() and len(line) > len(address) + 4), lines[0] if lines else "")
