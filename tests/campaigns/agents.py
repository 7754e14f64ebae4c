"""Who touches a mail: forty scenarios of machines (reliability C10) and a generator of people. The measure of `campaigns.verdict`, without it.

A scenario is what arrives at our door for one mail after it was handed over: the picture (`open`), a link (`click`, numbered from 1) or the
link nobody sees (`trap`), so many seconds later. The truth stands beside each: M a machine did it, P a person did, ? nobody can tell (a
provider's proxy fetches the picture when the person opens the mail, and sometimes when not).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

MACHINE, PERSON, UNCLEAR = "M", "P", "?"

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
EDGE = CHROME + " Edg/131.0.0.0"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36"
SAMSUNG = "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36"
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0; .NET4.0C; .NET4.0E; Microsoft Outlook 16.0.17328; ms-office; MSOffice 16)"
THUNDERBIRD = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0"
MAC_MAIL = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
OUTLOOK_IOS = "Outlook-iOS/723.4208734.prod.iphone (4.2441.0)"
APPLE_PROXY = "Mozilla/5.0"
GMAIL_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO_PROXY = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
OLD_CHROME = "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/41.0.2272.96 Safari/537.36"
OLD_IE = "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)"


@dataclass(frozen=True)
class Hit:
    """Something that arrived: `after` so many seconds since the hand-over; `prefetch` is what a browser that only looks ahead says."""

    truth: str
    kind: str
    link: int
    after: float
    agent: str = CHROME
    method: str = "GET"
    prefetch: str = ""


@dataclass(frozen=True)
class Scenario:
    """One mail with so many links, and what arrived for it."""

    name: str
    links: int
    hits: tuple[Hit, ...]


def m(kind: str, link: int, after: float, agent: str = CHROME, method: str = "GET", prefetch: str = "") -> Hit:
    """A machine's."""
    return Hit(MACHINE, kind, link, after, agent, method, prefetch)


def p(kind: str, link: int, after: float, agent: str = CHROME) -> Hit:
    """A person's."""
    return Hit(PERSON, kind, link, after, agent)


def sweep(agent: str, links: int, begin: float, pace: float, *, trap: bool = True, picture: bool = True, method: str = "GET") -> tuple[Hit, ...]:
    """A machine that goes through the whole mail from top to bottom."""
    steps = [("open", 0)] * picture + [("click", link) for link in range(1, links + 1)] + [("trap", 0)] * trap
    return tuple(m(kind, link, begin + number * pace, agent, method) for number, (kind, link) in enumerate(steps))


SCENARIOS = (
    # gateways that fetch everything as the mail arrives, most of them dressed up as browsers
    Scenario("Safe Links, detonation of all links dressed as Chrome", 4, sweep(CHROME, 4, 8, 0.3)),
    Scenario("Safe Links, dressed as Edge, no picture", 3, sweep(EDGE, 3, 14, 0.4, picture=False)),
    Scenario("Safe Links, one link at once on delivery", 3, (m("click", 1, 2.1, CHROME),)),
    Scenario("Safe Links, all links, the hidden one left out", 5, sweep(CHROME, 5, 20, 0.4, trap=False)),
    Scenario("Safe Links on time of click: scanner on delivery, person an hour later", 3, (*sweep(EDGE, 3, 11, 0.2), p("open", 0, 3600, EDGE), p("click", 2, 3620, EDGE))),
    Scenario("Office asks whether the link exists before the browser goes", 2, (m("click", 1, 900, "Microsoft Office Existence Discovery", "HEAD"), p("click", 1, 901.2, EDGE))),
    Scenario("Teams builds a preview of a forwarded link", 2, (m("click", 2, 5000, "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com"),)),
    Scenario("Bing's preview", 2, (m("click", 1, 240, CHROME + " BingPreview/1.0b"),)),
    Scenario("Barracuda, naming itself", 3, sweep("Mozilla/5.0 (compatible; Barracuda Sentinel (EE))", 3, 30, 6)),
    Scenario("Barracuda, dressed as an old Chrome, one by one", 4, sweep(OLD_CHROME, 4, 35, 4)),
    Scenario("Barracuda, link protection, first link only, within seconds", 4, (m("click", 1, 3.4, OLD_CHROME),)),
    Scenario("Proofpoint, naming itself", 3, (m("click", 1, 45, "Mozilla/5.0 (compatible; Proofpoint URL Defense)"), m("click", 3, 51, "Mozilla/5.0 (compatible; Proofpoint URL Defense)"))),
    Scenario("Proofpoint, sandbox dressed as Chrome, all at once", 6, sweep(CHROME, 6, 60, 0.1)),
    Scenario("Proofpoint, every link by HEAD", 3, sweep(CHROME, 3, 25, 2, trap=False, picture=False, method="HEAD")),
    Scenario("Mimecast, naming itself", 2, (m("click", 2, 70, "Mimecast-URL-Scanner/2.0"),)),
    Scenario("Mimecast, dressed as Firefox, two of four links at once", 4, (m("click", 1, 18, FIREFOX), m("click", 3, 18.2, FIREFOX))),
    Scenario("Mimecast, dressed as Internet Explorer 8, one link", 4, (m("click", 4, 40, OLD_IE),)),
    Scenario("Cisco Secure Email, naming itself", 3, (m("click", 1, 33, "Cisco IronPort Web Security"),)),
    Scenario("Cisco, dressed as Chrome, slow walk through all links", 3, sweep(CHROME, 3, 90, 8)),
    Scenario("Symantec cloud", 3, sweep("Mozilla/5.0 (compatible; SymantecMessageLabs)", 3, 10, 1, trap=False)),
    Scenario("Trend Micro", 2, (m("click", 1, 120, "Mozilla/5.0 (compatible; TrendMicro Web Reputation)"),)),
    Scenario("Sophos, dressed as Safari, all links", 3, sweep(SAFARI, 3, 12, 0.5)),
    Scenario("Fortinet", 2, (m("click", 1, 15, "FortiGuard-URLCheck/1.2"), m("click", 2, 16, "FortiGuard-URLCheck/1.2"))),
    Scenario("Hornetsecurity, link and hidden link", 3, (m("click", 1, 28, FIREFOX), m("trap", 0, 31, FIREFOX))),
    Scenario("a gateway without any agent", 3, (m("click", 1, 50, ""), m("click", 2, 53, ""))),
    Scenario("a gateway with a script's agent", 3, (m("click", 1, 21, "python-requests/2.32.3"), m("click", 2, 24, "python-requests/2.32.3"))),
    Scenario("a gateway written in Go", 2, (m("click", 1, 9, "Go-http-client/2.0"),)),
    Scenario("a gateway written in Java", 2, (m("click", 2, 19, "Java/17.0.9"),)),
    Scenario("curl in a sandbox", 1, (m("click", 1, 600, "curl/8.5.0"),)),
    Scenario("a headless browser that says so", 2, (m("open", 0, 22, CHROME.replace("Chrome/", "HeadlessChrome/")), m("click", 1, 23, CHROME.replace("Chrome/", "HeadlessChrome/")))),
    Scenario("a headless browser that does not say so, hidden link first", 3, (m("trap", 0, 41, CHROME), m("click", 1, 44, CHROME), m("click", 2, 48, CHROME))),
    Scenario("a mail that is scanned again a day later", 4, (*sweep(CHROME, 4, 7, 0.2), *sweep(CHROME, 4, 86_400, 0.2))),
    Scenario("a monitoring robot that found the link in a web archive of mails", 2, (m("click", 1, 90_000, "Mozilla/5.0 (compatible; SomeBot/1.1; +https://somebot.example/)"),)),
    # fetching ahead
    Scenario("Apple Mail Privacy Protection fetches the picture on delivery", 2, (m("open", 0, 95, APPLE_PROXY),)),
    Scenario("Apple's proxy at night, and the person clicks in the morning", 2, (m("open", 0, 7000, APPLE_PROXY), p("click", 1, 30_000, IPHONE))),
    Scenario("Gmail's proxy fetches the picture", 2, (Hit(UNCLEAR, "open", 0, 400, GMAIL_PROXY), p("click", 1, 420, ANDROID))),
    Scenario("Yahoo's proxy fetches the picture on delivery", 2, (Hit(UNCLEAR, "open", 0, 6, YAHOO_PROXY),)),
    Scenario("a browser fetches ahead what might be clicked", 3, (m("click", 1, 300, CHROME, prefetch="prefetch"), p("click", 2, 306, CHROME))),
    Scenario("Firefox fetches ahead", 3, (m("click", 3, 1200, FIREFOX, prefetch="prefetch"),)),
    # nobody can see this one: one link, unhurried, dressed as a browser
    Scenario("a gateway that takes its time, one link dressed as Chrome", 4, (m("click", 2, 43, CHROME),)),
)  # fmt: skip

BROWSERS = (CHROME, EDGE, FIREFOX, SAFARI, IPHONE, ANDROID, SAMSUNG, LINUX)
PROGRAMS = (OUTLOOK, THUNDERBIRD, MAC_MAIL, OUTLOOK_IOS, *BROWSERS)


def person(dice: random.Random) -> Scenario:
    """What one person does with one mail: sees it after some while, perhaps with pictures, reads, clicks nothing, one thing or several.

    Some are quick, some click twice, some open two links side by side in tabs, with a breath between; before some a scanner was there.
    """
    links, hits = dice.choice([1, 2, 2, 3, 4, 5, 6]), []
    browser, program = dice.choice(BROWSERS), dice.choice(PROGRAMS)
    seen = dice.uniform(1, 20) + (dice.expovariate(1 / 20) if dice.random() < 0.05 else dice.lognormvariate(8.5, 1.8))
    if dice.random() < 0.25:
        hits += sweep(dice.choice([CHROME, EDGE]), links, dice.uniform(0.5, 60), dice.choice([0.1, 0.3, 1, 3]))
    if dice.random() < 0.6:
        hits.append(p("open", 0, seen, program))
    at = seen + dice.uniform(1.5, 60)
    for link in dice.sample(range(1, links + 1), min(links, dice.choice([0, 1, 1, 1, 2, 3]))):
        hits.append(p("click", link, at, browser))
        if dice.random() < 0.05:
            hits.append(p("click", link, at + dice.uniform(0.1, 0.6), browser))
        at += dice.uniform(1.2, 5) if dice.random() < 0.15 else 4 + dice.expovariate(1 / 40)
    if dice.random() < 0.1:
        hits.append(p("open", 0, seen + 86_400, program))
    return Scenario("a person", links, tuple(sorted(hits, key=lambda hit: hit.after)))


def people(count: int, seed: int = 1) -> list[Scenario]:
    """So many of them."""
    dice = random.Random(seed)
    return [person(dice) for _ in range(count)]
