"""Was it a person or a machine? A quarter of all clicks in mails to firms are scanners', and providers fetch pictures on their own. Pure.

Judged twice: at once, by what one touch says of itself (`judge`: the agent, the method, how soon it came), and whenever somebody looks, by
what else touched the same mail (`together`: a link nobody sees, all links in a moment). The second never writes; what was kept stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

AT_ONCE = timedelta(seconds=5)  # after the hand-over nobody has got, seen and read a mail
PER_LINK = timedelta(seconds=1)  # who goes through all links faster than this reads none
SIDE_BY_SIDE = timedelta(seconds=0.5)  # no hand clicks two different links in this time
BEFORE, BEHIND = timedelta(seconds=60), timedelta(seconds=10)  # around a touch of the hidden link, the last of the mail, the same machine is at work


class Kind(TextChoices):
    """What was touched: the picture, a link, or the link nobody sees."""

    OPEN = "open"
    CLICK = "click"
    TRAP = "trap"


class Verdict(TextChoices):
    """Who did it: a person, a machine, or nobody can tell."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class Agent(TextChoices):
    """Classes of what calls itself something; the words themselves are not kept. `OLD`: a browser nobody uses any more."""

    BROWSER = "browser"
    PROGRAM = "program"
    PROXY = "proxy"
    APPLE = "apple"
    SCANNER = "scanner"
    SCRIPT = "script"
    OLD = "old"
    NONE = "none"
    OTHER = "other"


class Reason(TextChoices):
    """What the verdict rests on."""

    SCANNER = "scanner", _("called by no program that people use")
    HEAD = "head", _("it asked without wanting the page")
    AHEAD = "ahead", _("fetched ahead, not clicked")
    SOON = "soon", _("within seconds of the hand-over")
    TRAP = "trap", _("a link nobody sees was followed")
    SWEEP = "sweep", _("several links in a moment")
    APPLE = "apple", _("Apple Mail fetches every picture, read or not")
    PROXY = "proxy", _("the provider fetches pictures by itself")
    STRANGE = "strange", _("neither a browser nor a mail program")
    PLAIN = "plain", _("nothing speaks against a person")


@dataclass(frozen=True)
class Judged:
    """A verdict and what it rests on."""

    verdict: Verdict
    reason: Reason


@dataclass(frozen=True)
class Seen:
    """A touch as it was kept."""

    kind: str
    link: int
    at: datetime
    judged: Judged


_SCANNERS = re.compile(
    r"barracuda|proofpoint|urldefense|mimecast|ironport|cisco|symantec|messagelabs|trend ?micro|fireeye|trellix|sophos|forti|forcepoint|websense|zscaler|avanan|check ?point|"
    r"perception.?point|ironscales|hornetsecurity|nospamproxy|retarus|vade|cloudmark|kaspersky|bitdefender|avira|f-secure|trustwave|paloalto|crowdstrike|virustotal|urlscan|netcraft|phish|"
    r"safelinks|existence discovery|protocol discovery|bingpreview|uripreview|preview/|google-safety|headless|phantomjs|lighthouse|slurp|bot\b|bot/|spider|crawl|monitor|scanner|urlcheck",
    re.IGNORECASE,
)
_SCRIPTS = re.compile(r"^(?:python|curl|wget|go-http|java/|libwww|okhttp|axios|node|undici|ruby|php|perl|apache-httpclient|winhttp|powershell|aiohttp|guzzle|httpx?\b)", re.IGNORECASE)
_PROXIES = re.compile(r"googleimageproxy|yahoomailproxy|imageproxy", re.IGNORECASE)
_PROGRAMS = re.compile(r"ms-?office|outlook|thunderbird|lotus-notes|hcl-?notes|em ?client|evolution|airmail|kmail|betterbird", re.IGNORECASE)
_OLD = re.compile(r"msie [2-9]\.|firefox/[0-9]{1,2}\.|chrome/[0-6]?[0-9]\.", re.IGNORECASE)
_BROWSER = re.compile(r"^Mozilla/5\.0 \(.+\) ?.*(?:AppleWebKit|Gecko|Trident)", re.IGNORECASE)


def agent_of(text: str) -> Agent:
    """The class of what stands in the header "User-Agent"."""
    text = text.strip()
    found = [
        (not text, Agent.NONE),
        (text == "Mozilla/5.0", Agent.APPLE),
        (_PROXIES.search(text), Agent.PROXY),
        (_SCANNERS.search(text), Agent.SCANNER),
        (_SCRIPTS.search(text), Agent.SCRIPT),
        (_PROGRAMS.search(text), Agent.PROGRAM),
        (_OLD.search(text), Agent.OLD),
        (_BROWSER.search(text), Agent.BROWSER),
    ]
    return next((agent for fits, agent in found if fits), Agent.OTHER)


def judge(kind: str, agent: Agent, after: timedelta, *, head: bool = False, ahead: bool = False) -> Judged:
    """One touch by itself. `after` is counted from the hand-over, `head`: only asked for; `ahead`: a browser says it only looks ahead."""
    machine = {
        Reason.TRAP: kind == Kind.TRAP,
        Reason.SCANNER: agent in {Agent.SCANNER, Agent.SCRIPT, Agent.NONE, Agent.OLD},
        Reason.HEAD: head,
        Reason.AHEAD: ahead,
        Reason.SOON: after < AT_ONCE,
        Reason.APPLE: agent == Agent.APPLE,
    }
    if reason := next((reason for reason, holds in machine.items() if holds), None):
        return Judged(Verdict.MACHINE, reason)
    if agent == Agent.PROXY:
        return Judged(Verdict.UNKNOWN, Reason.PROXY)
    return Judged(Verdict.HUMAN, Reason.PLAIN) if agent in {Agent.BROWSER, Agent.PROGRAM} else Judged(Verdict.UNKNOWN, Reason.STRANGE)


def together(touches: Sequence[Seen], links: int) -> list[Judged]:
    """All touches of one mail with so many links, each judged anew in the light of the others. What is a machine's stays one."""
    found = [one.judged for one in touches]
    traps = [one.at for one in touches if one.kind == Kind.TRAP]
    clicks = sorted((one for one in touches if one.kind == Kind.CLICK), key=lambda one: one.at)
    sweeps = [span for span in (_span(clicks, start, links) for start in range(len(clicks))) if span is not None]
    for number, one in enumerate(touches):
        if one.judged.verdict == Verdict.MACHINE:
            continue
        if any(at - BEFORE <= one.at <= at + BEHIND for at in traps):
            found[number] = Judged(Verdict.MACHINE, Reason.TRAP)
        elif any(begin - PER_LINK <= one.at <= end + PER_LINK if one.kind == Kind.OPEN else begin <= one.at <= end for begin, end in sweeps):
            found[number] = Judged(Verdict.MACHINE, Reason.SWEEP)
    return found


def _span(clicks: Sequence[Seen], start: int, links: int) -> tuple[datetime, datetime] | None:
    """From this click on: is it the begin of a walk no hand can do? Its first and last moment."""
    begin, met, end = clicks[start].at, set[int](), None
    for one in clicks[start:]:
        met.add(one.link)
        took = one.at - begin
        if took > links * PER_LINK:
            break
        if len(met) > 1 and (took <= SIDE_BY_SIDE or len(met) >= max(links, 2)):
            end = one.at
    return (begin, end) if end is not None else None
