"""What DNS says about a sender's domain: may this house write under that name (SPF), do its mails bear a seal (DKIM), what becomes of forged ones (DMARC)?

The judgement is pure; only `look_up` asks the network, three seconds at most, and what it cannot find out it says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.resolver
from django.utils.translation import gettext as _

SECONDS = 3.0
Texts = Sequence[str] | None  # the TXT records of a name; None: could not be looked up


@dataclass(frozen=True)
class Finding:
    """One line of the answer. `state` is good, weak, missing or unknown; `record` what DNS says, word by word."""

    name: str
    state: str
    text: str
    record: str = ""


def judge_spf(texts: Texts) -> Finding:
    """From the TXT records of the domain itself."""
    found = _beginning(texts, "v=spf1")
    if found is None:
        return _unknown("SPF")
    if not found:
        return Finding("SPF", "missing", _("There is no SPF record: receivers cannot tell which servers may send for this domain."))
    if len(found) > 1:
        return Finding("SPF", "missing", _("There is more than one SPF record; receivers then follow none of them."), " · ".join(found))
    words = found[0].lower().split()
    if "+all" in words or "all" in words:
        return Finding("SPF", "weak", _("The SPF record lets everybody send for this domain."), found[0])
    if not ({"-all", "~all"} & set(words) or any(word.startswith("redirect=") for word in words)):
        return Finding("SPF", "weak", _("The SPF record does not say what to do with servers it does not name (-all or ~all)."), found[0])
    return Finding("SPF", "good", _("The SPF record is there. Whether it names your mail server is shown by the test mail's headers."), found[0])


def judge_dkim(texts: Texts, selector: str) -> Finding:
    """From the TXT records of selector._domainkey.domain."""
    if not selector:
        return Finding("DKIM", "unknown", _("Enter the selector under which your mail server signs; then its key can be looked up."))
    if texts is None:
        return _unknown("DKIM")
    keys = [tags for tags in map(_tags, texts) if "p" in tags]
    if not keys:
        return Finding("DKIM", "missing", _("There is no key under the selector %(selector)s: signatures cannot be checked.") % {"selector": selector})
    if not keys[0]["p"]:
        return Finding("DKIM", "missing", _("The key under the selector %(selector)s was withdrawn (p= is empty).") % {"selector": selector})
    return Finding("DKIM", "good", _("The key is there."), f"{selector}: {keys[0]['p'][:24]}…")


def judge_dmarc(texts: Texts) -> Finding:
    """From the TXT records of _dmarc.domain (or of the domain above)."""
    found = _beginning(texts, "v=dmarc1")
    if found is None:
        return _unknown("DMARC")
    if not found:
        return Finding("DMARC", "missing", _("There is no DMARC record. Large providers ask for one from whoever writes to many."))
    policy = _tags(found[0]).get("p", "").lower()
    if policy in {"quarantine", "reject"}:
        return Finding("DMARC", "good", _("Forged mails are to be refused or set aside."), found[0])
    if policy == "none":
        return Finding("DMARC", "weak", _("Forged mails are only watched (p=none)."), found[0])
    return Finding("DMARC", "missing", _("The DMARC record cannot be understood."), found[0])


def look_up(domain: str, selector: str, ask: Callable[[str], Texts] | None = None) -> list[Finding]:
    """SPF, DKIM and DMARC of a domain. Never raises: what DNS does not tell is unknown."""
    if "." not in domain:
        return [Finding(name, "unknown", _("%(domain)s is no domain on the internet.") % {"domain": domain}) for name in ("SPF", "DKIM", "DMARC")]
    above = domain.partition(".")[2]
    names = [domain, f"{selector}._domainkey.{domain}" if selector else "", f"_dmarc.{domain}", f"_dmarc.{above}" if "." in above else ""]
    ask = ask or txt_records
    with ThreadPoolExecutor(len(names)) as side_by_side:
        spf, dkim, dmarc, above_dmarc = side_by_side.map(lambda name: ask(name) if name else [], names)
    return [judge_spf(spf), judge_dkim(dkim, selector), judge_dmarc(dmarc if dmarc is None or _beginning(dmarc, "v=dmarc1") else above_dmarc)]


def txt_records(name: str) -> Texts:
    """The TXT records of a name, [] if it has none, None if nobody answered within three seconds."""
    try:
        resolver = dns.resolver.Resolver()
        resolver.lifetime = resolver.timeout = SECONDS
        answer: Any = resolver.resolve(name, "TXT")
        return [b"".join(row.strings).decode("utf-8", "replace") for row in answer]
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError, ValueError, UnicodeError):
        return None


def _beginning(texts: Texts, word: str) -> list[str] | None:
    return None if texts is None else [text for text in texts if text.strip().lower().partition(" ")[0].partition(";")[0] == word]


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {key.strip().lower(): value.strip() for key, equals, value in pairs if equals}


def _unknown(name: str) -> Finding:
    return Finding(name, "unknown", _("Could not be looked up: DNS did not answer."))
