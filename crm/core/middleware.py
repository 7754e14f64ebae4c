"""One request: its id, its clean input, the reader's language, one answer per key, and errors in words."""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.contrib.messages.storage import default_storage
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails
from redis import RedisError

from crm.core.access import forget_scopes, one_request
from crm.core.again import address_of, what_was_sent
from crm.core.errors import RuleBroken, is_clash, is_full, is_unreachable
from crm.core.feedback import page_of
from crm.core.logs import note_access, person
from crm.core.models import OnceKey
from crm.core.monitoring import observe
from crm.core.pace import somebody_asks
from crm.core.requests import is_utf8
from crm.core.uploads import without_room
from crm.core.wiring import table
from crm.core.work import request_id, work

Handler = Callable[[HttpRequest], HttpResponseBase]
log = logging.getLogger("lotse.request")
TRIES = 3  # of a form that met another one in the same records


def RequestId(get_response: Handler) -> Handler:
    """Give the request an id, read each user's rights once within it, and log its end."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        token, nobody = request_id.set(uuid.uuid4().hex[:16]), person.set(None)
        request.lotse_id = request_id.get()  # for what Django logs when the answer has left us
        begin = time.monotonic()
        if settings.SESSION_COOKIE_NAME in request.COOKIES and "X-Watches" not in request.headers:  # a page that shows how far work is slows it not
            somebody_asks()
        try:
            with one_request():
                response = get_response(request)
            response["X-Request-Id"] = request_id.get()
            seconds = time.monotonic() - begin
            note_access(request, response.status_code, seconds)
            observe(request, response.status_code, seconds)
            return response
        finally:
            person.reset(nobody)
            request_id.reset(token)

    return handle


def _hostile(value: str) -> bool:
    """NUL cannot be stored in Postgres and a lone surrogate cannot be encoded: neither is text a person typed."""
    if "\x00" in value:
        return True
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def CleanInput(get_response: Handler) -> Handler:
    """Refuse text that no person can type, in path, query and form, with one clear page instead of an error further down."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        if _hostile(request.path) or any(_hostile(text) for key, values in request.GET.lists() for text in (key, *values)):
            return _refused(request)
        if request.method == "POST" and not is_utf8(request):
            raise BadRequest
        if request.method == "POST" and any(_hostile(text) for key, values in request.POST.lists() for text in (key, *values)):
            return _refused(request)
        if without_room(request):
            return answer(request, 503, no_room())
        return get_response(request)

    def _refused(request: HttpRequest) -> HttpResponseBase:
        request.path = request.path_info = "/"
        return HttpResponse(
            render_plain(_("This address or form holds characters that cannot be stored. Please go back and remove them.")), status=400
        )

    return handle


def render_plain(message: str, template: str = "400.html", **facts: Any) -> str:
    """A page that needs neither user nor database."""
    return render_to_string(template, {"message": message, **facts})


def remember_language(response: HttpResponseBase, language: str) -> None:
    """In this browser, for pages that come without the profile: before sign-in, and while the database is away."""
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax", secure=settings.HTTPS)


def Preferences(get_response: Handler) -> Handler:
    """A signed-in person reads in the language of the profile, whatever the browser says."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if user.is_authenticated:
            person.set(user.pk)
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
            if user.is_superuser:
                log.info("superuser %s %s %s", user.pk, request.method, request.path)
        response = get_response(request)
        if user.is_authenticated:
            response.headers.setdefault("Content-Language", user.language)
            response.headers.setdefault("Cache-Control", "no-store")
            if request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) != user.language:
                remember_language(response, user.language)
        return response

    return handle


class Errors:
    """Turn what went wrong into words, in one place: a page, or for htmx a toast fragment that lands in `#toasts`."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        view = getattr(request.resolver_match, "func", None)
        sent_away = response.status_code == 302 and response.get("Location", "").startswith(reverse(settings.LOGIN_URL)) and getattr(view, "login_required", True)
        if not sent_away or not (_is_fragment(request) or request.method == "POST"):
            return response
        # What was posted or fetched is no page: after signing in the page with the form comes again (static/js/drafts.js fills it in).
        login = redirect_to_login(page_of(request) or reverse("home"))
        return HttpResponse(status=204, headers={"HX-Redirect": login["Location"]}) if _is_fragment(request) else login

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Map the errors people may read; everything else is Django's 500."""
        if isinstance(error, RuleBroken):
            return answer(request, 422, str(error.message))
        if isinstance(error, BadRequest):
            return answer(request, 400, str(error) or _("This request cannot be understood."))
        if isinstance(error, PermissionDenied) and _is_fragment(request):
            return answer(request, 403, str(error) or _("You do not have the right to do this."))
        if isinstance(error, Http404) and (moved := table("LOTSE_MOVED")(request)) is not None:
            url, words = moved
            return HttpResponseRedirect(url) if request.method in ("GET", "HEAD") and not _is_fragment(request) else answer(request, 409, words)
        if isinstance(error, Http404) and _is_fragment(request):
            return answer(request, 404, _("This does not exist, or you cannot see it."))
        return unreachable(request, error)


def no_room() -> str:
    """What a full disk means for the reader, and what to do."""
    return _("There is no room left on the server's disk: nothing can be saved for the moment, reading goes on. Nothing was lost. Please tell whoever runs Lotse here, and send it again when there is room.")


def unreachable(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """503 in words if the database took too long, if a disk is full, or if the database or Valkey is gone. `handler500` asks, too: the reader is
    looked up before any page."""
    if is_full(error):
        log.error("no room left on a disk", exc_info=error)
        return answer(request, 503, no_room())
    if isinstance(error, OperationalError) and getattr(error.__cause__, "pgcode", "") == "57014":  # query_canceled
        log.warning("a statement took too long")
        return answer(request, 503, _("This took too long and was stopped. Nothing was changed. Please narrow down what you look for, or try again in a minute."))
    if is_clash(error):
        log.warning("two forms waited for each other")
        return answer(request, 503, _("Somebody else worked on the same records at this moment. Nothing was saved; please send it again."))
    if isinstance(error, RedisError):
        log.exception("Valkey unreachable")
        return answer(request, 503, _("This does not work for a moment, because a part of Lotse cannot be reached. Nothing was lost; please try again in a minute."))
    if is_unreachable(error):
        log.exception("database unreachable")
        return answer(request, 503, _("The database cannot be reached right now. Nothing was lost; please try again in a minute."))
    return None


def _is_fragment(request: HttpRequest) -> bool:
    htmx = getattr(request, "htmx", None) or HtmxDetails(request)  # what breaks early has not come by its middleware
    return bool(htmx) and not htmx.boosted


def answer(request: HttpRequest, status: int, message: str) -> HttpResponse:
    """A message with its status: a toast for htmx, a whole page otherwise. `Once` rolls a refused POST back."""
    if _is_fragment(request):
        # at 503 the database may be gone, or the transaction broken: so without the context of a page
        response = HttpResponse(render_to_string("_toast.html", {"message": message, "bad": True}, None if status == 503 else request), status=status)
        response["HX-Retarget"] = "#toasts"
        response["HX-Reswap"] = "innerHTML"
    elif status == 503:
        response = HttpResponse(render_plain(message, "503.html", sent=what_was_sent(request), address=address_of(request), page=page_of(request)), status=503)
    else:
        response = render(request, "errors/message.html", {"message": message, "status": status, "url": page_of(request)}, status=status)
    if status == 503:
        response["Retry-After"] = "30"
    return response


class Once:
    """Every POST of a signed-in person runs in one transaction and at most once per key (D7).

    The key is the form's `_key` or the header `Idempotency-Key`. The row that remembers it is written first, in the very
    transaction of the effect: a second request with the key waits for the first and gets the same answer. The same key with
    other content is refused (422). An answer of 400 or more rolls everything back and frees the key.
    """

    kept_headers = ("Location", "Content-Type", "HX-Trigger", "HX-Redirect", "HX-Retarget", "HX-Reswap", "HX-Push-Url", "HX-Refresh")
    kept_body = 512_000

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = getattr(request, "user", None)
        if request.method != "POST" or user is None or not user.is_authenticated or request.path.startswith("/accounts/"):
            return self.get_response(request)
        text = request.headers.get("Idempotency-Key") or request.POST.get("_key", "")
        try:
            key = uuid.UUID(text)
        except ValueError:
            return answer(request, 400, _("This form is incomplete. Please reload the page and try again."))
        try:
            return self._whatever_it_met(request, key)
        except IntegrityError as error:
            if getattr(error.__cause__, "pgcode", "") != "23503":  # foreign_key_violation: looked at when the transaction commits
                raise
            log.warning("what a form belongs to was deleted meanwhile")
            return answer(request, 409, _("Something this belongs to was deleted or merged meanwhile. Nothing was saved; please go back, reload the page and try again."))

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        """Note that it is worth another try; what is said of it otherwise is for `Errors`."""
        request.met_another = is_clash(error)

    def _whatever_it_met(self, request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
        """Once more where it met another form in the same records and Postgres ended this one: nothing of it was done. Not with a file, which the
        first try may have moved to its place."""
        for left in reversed(range(1 if request.FILES else TRIES)):
            request.met_another = False
            try:
                response = self._once(request, key)
            except DatabaseError as error:  # at the commit, when the page has said already that all is well
                request._messages = default_storage(request)
                if not left or not is_clash(error):
                    raise
            else:
                if not request.met_another:
                    return response
                request._messages = default_storage(request)
                if not left:
                    return response
            forget_scopes()
        raise AssertionError("the last try answers or raises")

    def _once(self, request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
        digest = _body_hash(request)
        with work(by=request.user):
            row, fresh = OnceKey.objects.get_or_create(
                user_id=request.user.pk, key=key, defaults={"route": request.path[:200], "body_hash": digest}
            )
            if not fresh:
                if (row.route, row.body_hash) != (request.path[:200], digest):
                    return answer(request, 422, _("This form was sent before with other content. Please reload the page."))
                return HttpResponse(bytes(row.body), status=row.status, headers=row.headers)
            response = self.get_response(request)
            if response.status_code >= 400 or connection.needs_rollback:
                transaction.set_rollback(True)
                return response
            row.status = response.status_code
            row.headers = {name: response[name] for name in self.kept_headers if name in response}
            row.body = response.content if not response.streaming and len(response.content) <= self.kept_body else b""
            row.save(update_fields=["status", "headers", "body"])
            return response


def _body_hash(request: HttpRequest) -> str:
    """What was sent, without the token that changes with every page."""
    digest = hashlib.sha256()
    for name, values in sorted(request.POST.lists()):
        if name not in {"csrfmiddlewaretoken", "_key"}:
            digest.update(repr((name, values)).encode())
    for name, upload in sorted(request.FILES.items()):
        digest.update(repr((name, upload.name, upload.size)).encode())
    return digest.hexdigest()
