"""The profile: what a person sees and sets about themselves."""

from __future__ import annotations

from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import ProfileForm
from accounts.models import User
from accounts.services import end_sessions
from crm.core.feedback import say
from crm.core.pages import signed_in
from crm.core.views import gated


@require_http_methods(["GET", "HEAD", "POST"])
@gated(signed_in)
def profile(request: HttpRequest) -> HttpResponse:
    """Name, language, appearance; roles and teams in words; passwords and sessions."""
    person = User.objects.visible_to(request.user).get(pk=request.user.pk)
    form = ProfileForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        form.save()
        with translation.override(person.language):
            say(request, _("Your profile is saved."))
        return HttpResponseRedirect(reverse("profile"))
    today = timezone.localdate()
    context = {
        "title": _("My profile"),
        "form": form,
        "memberships": person.memberships.select_related("team", "role"),
        "stands_in": person.stands_in.filter(until__gte=today).select_related("absent"),
        "deputies": person.deputies.filter(until__gte=today).select_related("deputy"),
    }
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


@require_POST
@gated(signed_in)
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """End every session of this person but the one at hand."""
    person = User.objects.visible_to(request.user).get(pk=request.user.pk)
    end_sessions(person, by=person)
    update_session_auth_hash(request, person)
    say(request, _("You are signed out on all other devices."))
    return HttpResponseRedirect(reverse("profile"))
