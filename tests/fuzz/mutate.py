"""From a number to a request: the same number, seed and town make the same one again (but for the key of a form)."""

from __future__ import annotations

import json
import random
import uuid
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from tests import hostile
from tests.fuzz.town import ENDING, KEPT_OUT, PEOPLE, Form, Town
from tests.fuzz.wire import Asked

KINDS = {"query": 28, "form": 32, "path": 12, "method": 7, "header": 9, "cookie": 3, "body": 7, "multipart": 3, "raw": 2}
AT_A_DOOR = ["query", "query", "path", "method", "header", "cookie", "body", "multipart"]
LONGEST = 3900  # gunicorn takes no longer lines; hostile.PATHS has some
NODES: list[Any] = [None, [], {}, 0, -1, 1.5, 10**30, "", "x", True, [[]], [None], {"": None}, "9" * 400, ["x"] * 300, {"field": {"a": 1}}, "\u202e", "a\u0000b", "\ud800"]


class Dice(random.Random):
    """What is chosen for one request; `fixed` is its route and address where these are not left to chance."""

    fixed: tuple[str, str] | None = None


def twisted(value: Any, choose: Dice) -> Any:
    """A copy in which one node is another."""
    if isinstance(value, dict) and value and choose.random() < 0.8:
        key = choose.choice(list(value))
        if choose.random() < 0.1:
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: twisted(value[key], choose)}
    if isinstance(value, list) and value and choose.random() < 0.8:
        place = choose.randrange(len(value))
        return [*value[:place], twisted(value[place], choose), *value[place + 1 :]] if choose.random() < 0.9 else value * 40
    return choose.choice(NODES)


class Mutator:
    """Makes requests for one town."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town, self.seed = town, seed
        self.samples = hostile.VALUES
        self.kinds, self.weights = list(KINDS), list(KINDS.values())

    def hostile(self, number: int) -> Asked:
        """The hostile request of this number."""
        choose = Dice(f"{self.seed}-{number}")
        doors = [*self.town.addresses, *self.town.set_up]
        choose.fixed = doors[number % len(doors)] if number < 2 * len(doors) else None  # at first every route in turn
        kind = choose.choices(self.kinds, self.weights)[0] if choose.fixed is None else choose.choice(AT_A_DOOR)
        who = choose.choice(PEOPLE) if choose.random() < 0.5 else "emil"
        asked: Asked = getattr(self, f"_{kind}")(choose, who)
        asked.about = f"{number} {kind} {asked.about}"
        if asked.target.startswith(tuple(path.encode() for path in ENDING)) and who != "nobody":
            asked.who = "spare"
        return asked

    @property
    def all(self) -> int:
        """How many requests `each` makes."""
        return 2 * len(self.town.pages) + len(self.town.forms)

    def each(self, number: int) -> Asked:
        """Every page twice, once as a fragment, and every form without files: as people send them."""
        pages, forms = self.town.pages, self.town.forms
        if number < 2 * len(pages):
            name, url = pages[number % len(pages)]
            return Asked("emil", b"GET", url.encode(), [(b"HX-Request", b"true")] if number >= len(pages) else [], about=f"0 each {name}", plain=True)
        return self._plain(forms[number - 2 * len(pages)])

    def _plain(self, sent: Form) -> Asked:
        asked = self._sent("spare" if sent.action.startswith(ENDING) else "emil", sent, self._filled(sent), plain=True)
        asked.about = f"0 ordinary {asked.about}"
        return asked

    def ordinary(self, number: int) -> Asked:
        """What people do: two of three look at a page, one sends a form with something plausible in it."""
        choose = Dice(f"ordinary-{self.seed}-{number}")
        if choose.random() < 0.67:
            name, url = choose.choice(self.town.pages)
            return Asked("emil", b"GET", url.encode(), about=f"0 ordinary {name}", plain=True)
        return self._plain(choose.choice(self.town.forms))

    # --- what is asked for -----------------------------------------------------------------------------------------------

    def _door(self, choose: Dice, who: str) -> tuple[str, str]:
        """A route and its address. Only those who see nothing of david's are sent to his records: what others do there could let anna in."""
        if choose.fixed is not None:
            return choose.fixed
        if who in KEPT_OUT and choose.random() < 0.4:
            return choose.choice(self.town.abroad)
        doors = self.town.addresses if who in ("anna", "nobody", "frieda") or choose.random() < 0.7 else self.town.set_up
        return choose.choice(doors)

    def _value(self, choose: Dice) -> str:
        return choose.choice(hostile.VALUES)

    def _query(self, choose: Dice, who: str) -> Asked:
        name, url = self._door(choose, who)
        if choose.fixed is None and choose.random() < 0.5:  # a page that comes, and no refusal
            name, url = choose.choice(self.town.pages)
        pairs = [f"{quote(choose.choice(self.town.names))}={self._value(choose)}" for _ in range(choose.choice((1, 1, 1, 2, 4)))]
        if choose.random() < 0.03:
            pairs = pairs[:1] * (10_000 // max(20, len(pairs[0])))
        query = "&".join(pairs)[:LONGEST]
        return Asked(who, b"GET", f"{urlsplit(url).path}?{query}".encode(), self._htmx(choose), about=name)

    def _htmx(self, choose: Dice) -> list[tuple[bytes, bytes]]:
        return [(b"HX-Request", b"true")] if choose.random() < 0.3 else []

    def _filled(self, sent: Form) -> list[tuple[str, str]]:
        pairs = []
        for name, items in sent.form.filled().items():
            pairs += [(name, quote(str(item))) for item in (items if isinstance(items, list) else [items])]
        return pairs

    def _sent(self, who: str, sent: Form, pairs: list[tuple[str, str]], headers: list[tuple[bytes, bytes]] | None = None, **further: Any) -> Asked:
        body = "&".join(f"{quote(name)}={value}" for name, value in pairs)
        about = f"{sent.form.method} {urlsplit(sent.action).path}"
        if sent.form.method == "get":
            return Asked(who, b"GET", f"{urlsplit(sent.action).path}?{body[:LONGEST]}".encode(), headers or [], about=about, **further)
        return Asked(who, b"POST", sent.action.encode(), [*self._posted(sent.action.encode()), (b"Content-Type", b"application/x-www-form-urlencoded"), *(headers or [])], body.encode(), about=about, **further)

    def _posted(self, page: bytes) -> list[tuple[bytes, bytes]]:
        return [(b"X-CSRFToken", self.town.token), (b"Referer", b"http://" + self.town.house.bind.encode() + page), (b"Idempotency-Key", str(uuid.uuid4()).encode())]

    def _form(self, choose: Dice, who: str) -> Asked:
        sent = choose.choice(self.town.forms)
        if sent.form.uploads and choose.random() < 0.5:
            return self._upload(choose, who, sent)
        pairs = self._filled(sent)
        fields = sent.form.fields or ["q"]
        for name in {choose.choice(fields) for _ in range(choose.choice((1, 1, 2, 4)))}:
            old = next((value for key, value in pairs if key == name), "")
            pairs = [pair for pair in pairs if pair[0] != name]
            times = 1 if choose.random() < 0.95 else choose.choice((0, 2, 300, 1900, 10_000))
            pairs += [(name, self._twist(choose, old) or self._value(choose))] * times
        return self._sent(who, sent, pairs, self._htmx(choose))

    def _twist(self, choose: Dice, old: str) -> str:
        """Where a field holds JSON, it mostly is JSON again."""
        if old[:3].upper() not in ("%7B", "%5B") or choose.random() < 0.3:
            return ""
        try:
            value = json.loads(unquote(old))
        except ValueError:
            return ""
        return quote(json.dumps(twisted(value, choose)))

    def _upload(self, choose: Dice, who: str, sent: Form) -> Asked:
        parts = [b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value.encode()) for name, value in self._filled(sent)]
        for name in sent.form.uploads:
            file = choose.choice((b"a.csv", b"b\xc3\xb6se\xe2\x80\xae.csv", b"x.pdf", b"..", b"a" * 300 + b".png", b"%00.csv", b"a;b\\.csv", b""))
            parts.append(b'--edge\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: text/csv\r\n\r\n%s\r\n' % (name.encode(), file, choose.choice(hostile.UPLOADS)))
        headers = [*self._posted(sent.action.encode()), (b"Content-Type", b"multipart/form-data; boundary=edge")]
        return Asked(who, b"POST", sent.action.encode(), headers, b"".join(parts) + b"--edge--\r\n", about=f"upload {sent.action}")

    # --- how it is asked for ---------------------------------------------------------------------------------------------

    def _path(self, choose: Dice, who: str) -> Asked:
        if choose.fixed is None and choose.random() < 0.25:
            return Asked(who, b"GET", choose.choice(hostile.PATHS), about="no route")
        name, url = self._door(choose, who)
        parts = urlsplit(url).path.encode().split(b"/")
        places = [place for place, part in enumerate(parts) if part.isdigit() or len(part) > 20] or range(1, len(parts))
        parts[choose.choice(places)] = choose.choice(hostile.PARTS)
        method = choose.choice((b"GET", b"GET", b"POST"))
        return Asked(who, method, b"/".join(parts), [*self._htmx(choose), *(self._posted(b"/") if method == b"POST" else [])], about=name)

    def _method(self, choose: Dice, who: str) -> Asked:
        name, url = self._door(choose, who)
        method = choose.choice(hostile.METHODS)
        body = b"" if method in (b"HEAD", b"TRACE", b"OPTIONS") else choose.choice((b"", b"", b"a=1", b"{}"))
        return Asked(who, method, url.encode(), [*self._posted(url.encode()), *self._htmx(choose)], body, about=name)

    def _header(self, choose: Dice, who: str) -> Asked:
        if choose.fixed is not None or choose.random() < 0.5:
            name, url = self._door(choose, who)
            asked = Asked(who, b"GET", url.encode(), self._htmx(choose), about=name)
        else:
            asked = self._form(choose, who)
        for name_, values in choose.sample(hostile.HEADERS, choose.choice((1, 1, 2))):
            asked.headers = [(name, value) for name, value in asked.headers if name.lower() != name_.lower()] + [(name_, choose.choice(values))]
        return asked

    def _cookie(self, choose: Dice, who: str) -> Asked:
        name, url = self._door(choose, who)
        return Asked(who, b"GET", url.encode(), self._htmx(choose), cookies=choose.choice(hostile.COOKIES), about=name)

    def _body(self, choose: Dice, who: str) -> Asked:
        name, url = self._door(choose, who)
        kind = choose.choice(hostile.CONTENT_TYPES) if choose.random() < 0.5 else b"application/x-www-form-urlencoded"
        headers = [*self._posted(url.encode()), *self._htmx(choose), *([(b"Content-Type", kind)] if kind else [])]
        return Asked(who, b"POST", url.encode(), headers, choose.choice(hostile.BODIES), about=name)

    def _multipart(self, choose: Dice, who: str) -> Asked:
        name, url = self._door(choose, who)
        headers = [*self._posted(url.encode()), (b"Content-Type", choose.choice(hostile.MULTIPART_TYPES))]
        return Asked(who, b"POST", url.encode(), headers, choose.choice(hostile.MULTIPARTS), about=name)

    def _raw(self, choose: Dice, who: str) -> Asked:
        return Asked(who, b"GET", b"/", raw=choose.choice(hostile.RAW), about="bytes")
