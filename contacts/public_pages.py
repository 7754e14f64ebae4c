"""Pages about consents for people without an account: sign up, confirm, choose, stop.

Looking never changes anything: mail programs and scanners open every link on their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from contacts.consent import STANDING, STOPPED
from contacts.consent_links import CONFIRM, PREFERENCES, STOP, preferences_token, visitor
from contacts.consent_steps import confirm_consent, object_to, standing, withdraw_consent
from contacts.consent_words import wordings
from contacts.models import ConsentEvent, ConsentPurpose, ConsentState, ConsentWording
from contacts.public_forms import ChoicesForm, SignUpForm, tick
from contacts.reach import EMAIL, Reach, masked, reach
from contacts.sign_up import SignUp, answered, ask_owner, asked, confirm_sign_up, digest_of
from crm.core.door import Door, Shut, Visit, connection_of, knock, public_door
from crm.core.models import Installation
from crm.core.public import here, language_of, other_languages

How = ConsentEvent.How
SIGN_UP = Door("consent-sign-up", days=0, per_hour=2_000)  # all who sign up, together; each connection has its own limit


# --- signing up -----------------------------------------------------------------------------------------------------------------------


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """The public form. Whoever fills it in gets the same answer, whether the address is known, blocked or new."""
    language = language_of(request)
    with translation.override(language):
        form = SignUpForm(wordings(language), request.POST if request.method == "POST" else None, auto_id="su-%s")
        page = {"title": _("Sign up"), "form": form, "action": here(request, language)}
        if request.method != "POST":
            return _show(request, "sign_up", page)
        try:
            knock(SIGN_UP, "form", request)
        except Shut as shut:
            form.add_error(None, shut.message)
        if not form.is_valid():
            return _show(request, "sign_up", page, 422)
        typed = form.cleaned_data
        if not typed["website"]:
            ask_owner(SignUp(typed["email"], typed["words"], language, typed["first_name"], typed["last_name"]), connection=connection_of(request))
    return HttpResponseRedirect(f"{reverse('consent-asked')}?language={language}")


@login_not_required
@require_safe
def sign_up_done(request: HttpRequest) -> HttpResponse:
    """What happens next, the same for everybody."""
    with translation.override(language_of(request)):
        return _show(request, "asked", {"title": _("Please check your mailbox")})


@public_door(CONFIRM)
def confirm(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What was asked for, word for word, and one button; a POST says yes."""
    language = language_of(request)
    with translation.override(language):
        steps = asked(str(visit.facts["r"]))
        if not steps:
            raise Shut(410, _("This link is no longer valid. Please ask for a new one."))
        to = reach(EMAIL, steps[0].address) if steps[0].address else Reach(EMAIL, "", (steps[0].hash,))
        done = answered(str(visit.facts["r"]))
        if request.method == "POST" and not done:
            names = {"first_name": str(visit.facts.get("f", "")), "last_name": str(visit.facts.get("l", ""))}
            confirm_sign_up(steps, connection=connection_of(request), language=language, **names)
            done = True
        choices = reverse("consent-preferences", args=[preferences_token(to, language)])
        page = {"steps": steps, "address": masked(to.address), "choices_url": choices}
        if done:
            return _show(request, "confirmed", {"title": _("Thank you, your sign-up is confirmed"), **page})
        return _show(request, "confirm", {"title": _("Confirm your sign-up"), **page})


# --- stopping and choosing ------------------------------------------------------------------------------------------------------------


@public_door(STOP)
def stop(request: HttpRequest, visit: Visit) -> HttpResponse:
    """One button; a POST — from the page or from a mail program (RFC 8058) — stops mail for one purpose, at once and as often as it comes."""
    with translation.override(language_of(request)):
        to = visitor(visit)
        purpose = ConsentPurpose.objects.filter(key=visit.facts.get("p", "")).first()
        if request.method == "POST" and (purpose is None or standing(to, purpose).state not in STOPPED):
            withdraw_consent(to, None if purpose is None else [purpose], how=How.LINK, by=None, source=_source(visit), connection=digest_of(connection_of(request)))
        choices = reverse("consent-preferences", args=[preferences_token(to, translation.get_language(), str(visit.facts.get("m", "")))])
        page = {"purpose": purpose or _("Advertising"), "address": visit.facts.get("m", ""), "choices_url": choices}
        if request.method == "POST":
            return _show(request, "stopped", {"title": _("You will get no more of this"), **page})
        return _show(request, "stop", {"title": _("Unsubscribe"), **page})


@dataclass(frozen=True)
class Choice:
    """One purpose as the page shows it."""

    purpose: ConsentPurpose
    words: ConsentWording
    ticked: bool


@public_door(PREFERENCES)
def preferences(request: HttpRequest, visit: Visit) -> HttpResponse:
    """All purposes with their words, ticked as they stand; a POST changes what the person changed, or stops everything."""
    language = language_of(request)
    with translation.override(language):
        to = visitor(visit)
        found = choices(to, language)
        page = {"title": _("What we may write to you about"), "address": visit.facts.get("m", ""), "choices": found, "action": here(request, language)}
        if request.method == "POST":
            facts: dict[str, Any] = {"source": _source(visit), "connection": digest_of(connection_of(request))}
            if "all" in request.POST:
                object_to(to, None, how=How.LINK, by=None, **facts)
            else:
                form = ChoicesForm([choice.purpose.key for choice in found], request.POST)
                if not form.is_valid():
                    return _show(request, "preferences", _drawn({**page, "again": True}), 422)
                _change(to, found, form, facts)
            page |= {"choices": choices(to, language), "saved": True}
        return _show(request, "preferences", _drawn(page))


def choices(to: Reach, language: str) -> list[Choice]:
    """What can be chosen: every purpose with words in this language, and what stands although the set-up no longer offers it."""
    standing_now = {state.purpose_id: state for state in ConsentState.objects.filter(channel=EMAIL, hash=to.hash, state=STANDING).select_related("purpose", "event__wording")}
    offered = wordings(language)
    found = [Choice(row.purpose, row, row.purpose_id in standing_now) for row in offered]
    known = {row.purpose_id for row in offered}
    return found + [Choice(state.purpose, state.event.wording, True) for pk, state in standing_now.items() if pk not in known and state.event.wording]


def _drawn(page: dict[str, Any]) -> dict[str, Any]:
    return {**page, "ticks": [tick(choice.purpose.key, choice.purpose, choice.words, choice.ticked) for choice in page["choices"]]}


def _change(to: Reach, found: list[Choice], form: ChoicesForm, facts: dict[str, Any]) -> None:
    ticked, unticked = form.changes()
    wanted = [choice.words for choice in found if choice.purpose.key in ticked and not choice.ticked]
    if wanted:
        confirm_consent(to, wanted, **facts)
    gone = [choice.purpose for choice in found if choice.purpose.key in unticked]
    if gone:
        withdraw_consent(to, gone, how=How.LINK, by=None, **facts)


# --- what they share ------------------------------------------------------------------------------------------------------------------


def _show(request: HttpRequest, name: str, page: dict[str, Any], status: int = 200) -> HttpResponse:
    page |= {"house": Installation.current().name, "languages": other_languages(request)}
    return render(request, f"contacts/public/{name}.html", page, status=status)


def _source(visit: Visit) -> str:
    return str(visit.facts.get("s", ""))
