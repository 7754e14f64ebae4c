"""The links by which people say yes or no, and what every advertising mail carries (RFC 8058)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contacts.consent_gate import purpose_of
from contacts.reach import EMAIL, Reach, masked, reach
from crm.core.door import Door, Visit, door_link, door_token

CONFIRM = Door("consent-confirm", days=7)
STOP = Door("consent-stop", days=800, one_click=True)  # a mail may be opened years later, and must still be stopped
PREFERENCES = Door("consent-preferences", days=800)


@dataclass(frozen=True)
class StopLinks:
    """What a mail to one address for one purpose carries: `headers` for `draft_mail`, `stop` (one page, one button) and `preferences`."""

    headers: dict[str, str]
    stop: str
    preferences: str


def stop_links(address: str, purpose: Any, *, language: str = "de", source: str = "") -> StopLinks:
    """Links for a mail to this e-mail address. `purpose` by key or as it is; `source` (200 characters, for instance "campaign:17") is
    written into the ledger with what happens through them. No link holds the address, only its keyed hash and a masked form."""
    facts = {**_facts(reach(EMAIL, address), language), "p": purpose_of(purpose).key, "s": source[:200]}
    stop = door_link(STOP, "consent-stop", **facts)
    headers = {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return StopLinks(headers, stop, door_link(PREFERENCES, "consent-preferences", **facts))


def preferences_token(to: Reach, language: str, shown: str = "") -> str:
    """The token of the page where this address chooses; `shown`: the address masked, where `to` does not know it."""
    return door_token(PREFERENCES, **_facts(to, language), **({"m": shown} if shown else {}))


def _facts(to: Reach, language: str) -> dict[str, Any]:
    return {"h": list(to.hashes), "language": language} | ({"m": masked(to.address)} if to.address else {})


def visitor(visit: Visit) -> Reach:
    """The address a link speaks of."""
    return Reach(EMAIL, "", tuple(str(part) for part in visit.facts["h"]))
