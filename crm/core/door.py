"""The public door exists once: pages for people without an account, reached by a signed link (D16).

    UNSUBSCRIBE = Door("unsubscribe", days=400, one_click=True)

    @public_door(UNSUBSCRIBE)
    def unsubscribe(request: HttpRequest, visit: Visit) -> HttpResponse: …visit.facts["delivery"]…

    path("u/<str:token>/", unsubscribe), and in a mail: door_link(UNSUBSCRIBE, "unsubscribe", delivery=17, language="de")

A link is signed for one door alone, ends after some days, and may be good for one use. Looking (GET, HEAD) never uses it up and must
change nothing: mail scanners and browsers look on their own. A POST runs in one transaction; an answer of 400 and more takes all back,
the use of the link included. Who knocks too often, from one connection or with one link, is told in words when to come again; when the
counter cannot be asked, the door stays shut.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm.core.models import DoorBucket, DoorUse
from crm.core.throttle import Bucket, Limit, take
from crm.core.work import work

PER_CONNECTION = Limit(300, at_once=60)  # a whole office may stand behind one address
KEPT = timedelta(days=500)  # longer than any link lives


@dataclass(frozen=True)
class Door:
    """One kind of public link. `scope` is part of its signature; `once`: one POST uses it up; `per_hour` limits visits with one link.

    `one_click`: a mail program may POST without having seen a form (RFC 8058), so no token of the form is asked for. `shared`: one connection
    brings the visits of many, as mail providers' do, so they are counted by the link alone.
    """

    scope: str
    days: int
    once: bool = False
    per_hour: int = 60
    one_click: bool = False
    shared: bool = False


@dataclass(frozen=True)
class Visit:
    """Somebody at the door: what the link says, as it was signed."""

    door: Door
    token: str
    facts: dict[str, Any] = field(default_factory=dict)


class Shut(Exception):
    """The door stays shut: status 404 (no link of ours), 410 (over or used) or 429 (too often), and why, in words."""

    def __init__(self, status: int, message: str, wait: int = 0) -> None:
        super().__init__(message)
        self.status, self.message, self.wait = status, message, wait


def door_token(door: Door, **facts: Any) -> str:
    """A token for this door. `facts` are ids and short plain values: anybody who has the link can read them. `language` is the page's."""
    return signing.dumps(facts, salt=_salt(door), compress=True)


def door_link(door: Door, url_name: str, **facts: Any) -> str:
    """The whole address, for mails."""
    return settings.BASE_URL + reverse(url_name, kwargs={"token": door_token(door, **facts)})


def look(door: Door, token: str) -> Visit:
    """Who stands there? Raises Shut. Uses nothing up."""
    try:
        facts = signing.loads(token, salt=_salt(door), max_age=timedelta(days=door.days))
    except signing.SignatureExpired:
        raise Shut(410, _("This link is no longer valid. Please ask for a new one.")) from None
    except signing.BadSignature:
        raise Shut(404, _("This link is not complete. Please copy it from the mail as a whole.")) from None
    if door.once and DoorUse.objects.filter(pk=_digest(door, token)).exists():
        raise _used()
    return Visit(door, token, facts)


def use_up(visit: Visit) -> None:
    """The link is used now, in the caller's transaction. Raises Shut if somebody was quicker."""
    _row, fresh = DoorUse.objects.get_or_create(pk=_digest(visit.door, visit.token), defaults={"scope": visit.door.scope})
    if not fresh:
        raise _used()


def knock(door: Door, token: str, request: HttpRequest) -> None:
    """Count a visit with a link of ours, of the connection and of the link. Raises Shut with the seconds to wait; also when it cannot be counted.

    A mail program's provider knocks for all its readers from one connection: one click, and what a mail shows, is counted by its link alone.
    """
    _count(request if not (door.one_click or door.shared) else None, (_hash(door.scope, token), Limit(door.per_hour, at_once=max(1, door.per_hour // 4))))


def hold_back(purpose: str, key: str, limit: Limit) -> None:
    """Count one more of `purpose` for this key (a connection, an address). Raises Shut with the seconds to wait; also when it cannot be counted."""
    _count(None, (_hash(purpose, key), limit))


def _count(request: HttpRequest | None, link: tuple[str, Limit] | None = None) -> None:
    """Raises Shut if this connection, or this link, was here too often."""
    try:
        wait = _take(_hash("connection", connection_of(request)), PER_CONNECTION) if request is not None else 0.0
        if not wait and link is not None:
            wait = _take(*link)
    except DatabaseError:
        wait = 60.0
    if seconds := math.ceil(wait):
        n = math.ceil(seconds / 60)
        words = ngettext(
            "That was too often in a short time. Please try again in %(n)s minute.", "That was too often in a short time. Please try again in %(n)s minutes.", n
        )
        raise Shut(429, words % {"n": n}, seconds)


def connection_of(request: HttpRequest) -> str:
    """Where a visit comes from: the address, of IPv6 the network of the connection (/64). Behind our proxy its word counts, nobody else's."""
    text = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:
        text = request.META.get("HTTP_X_FORWARDED_FOR", text).rpartition(",")[2].strip() or text
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"  # all of them share one count
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


View = Callable[[HttpRequest, Visit], HttpResponseBase]


def public_door(door: Door, methods: tuple[str, ...] = ("GET", "HEAD", "POST")) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """A view behind this door: takes `token` from its address and hands the view a Visit."""

    def wrap(view: View) -> Callable[..., HttpResponseBase]:
        @login_not_required
        @never_cache
        @require_http_methods(list(methods))
        @wraps(view)
        def handle(request: HttpRequest, token: str) -> HttpResponseBase:
            response: HttpResponseBase
            try:
                try:
                    visit = look(door, token)
                except Shut:
                    _count(request)  # whoever guesses leaves one count, not one for each guess
                    raise
                knock(door, token, request)
                with translation.override(_language(visit)):
                    response = _inside(view, request, visit)
            except Shut as shut:
                response = render(request, "errors/message.html", {"message": shut.message}, status=shut.status)
                if shut.wait:
                    response["Retry-After"] = str(shut.wait)
            response["Referrer-Policy"] = "same-origin"  # the address is the key; and under "no-referrer" a browser would send our own forms with "Origin: null"
            response["X-Robots-Tag"] = "noindex"
            return response

        return csrf_exempt(handle) if door.one_click else handle

    return wrap


def _inside(view: View, request: HttpRequest, visit: Visit) -> HttpResponseBase:
    if request.method != "POST":
        return view(request, visit)
    with work():
        if visit.door.once:
            use_up(visit)
        response = view(request, visit)
        if response.status_code >= 400:
            transaction.set_rollback(True)
    return response


def clear() -> None:
    """Forget what no longer matters."""
    now = timezone.now()
    DoorBucket.objects.filter(at__lt=now - timedelta(hours=2)).delete()
    DoorUse.objects.filter(at__lt=now - KEPT).delete()


def _take(key: str, limit: Limit) -> float:
    """Seconds to wait; 0: come in."""
    now = timezone.now()
    with transaction.atomic():
        DoorBucket.objects.bulk_create([DoorBucket(key=key, level=limit.burst, at=now)], ignore_conflicts=True)
        row = DoorBucket.objects.select_for_update().get(pk=key)
        taken = take(Bucket(row.level, row.at, row.at), limit, now)
        DoorBucket.objects.filter(pk=key).update(level=taken.bucket.level, at=taken.bucket.at)
    # Slots are for those who queue; nobody queues at a door: it opens as soon as one visit has flown in again.
    return max(1.0, (1 - taken.bucket.level) / limit.rate) if taken.wait_until else 0.0


def _used() -> Shut:
    return Shut(410, _("This link was used already. Please ask for a new one if you need it again."))


def _language(visit: Visit) -> str:
    language = str(visit.facts.get("language", ""))
    return language if language in dict(settings.LANGUAGES) else translation.get_language() or settings.LANGUAGE_CODE


def _salt(door: Door) -> str:
    return f"lotse.door.{door.scope}"


def _digest(door: Door, token: str) -> str:
    return hashlib.sha256(f"{door.scope}\n{token}".encode()).hexdigest()


def _hash(purpose: str, text: str) -> str:
    return salted_hmac(f"lotse.door.{purpose}", text, algorithm="sha256").hexdigest()
