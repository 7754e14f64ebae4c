"""Pages of the shell itself: jobs, notifications, undo, preferences, saved views, health."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from crm.core import jobs
from crm.core.access import scope_of
from crm.core.errors import RuleBroken
from crm.core.feedback import is_fragment, say
from crm.core.middleware import remember_language
from crm.core.models import Job, Notification, SavedView, Undo
from crm.core.registry import Entry, Purpose, entries
from crm.core.undo import take_back
from crm.core.views import gated


def signed_in(user: Any) -> bool:
    """These pages hold only what belongs to the reader."""
    return bool(user.is_active)


def back(request: HttpRequest, default: str = "home") -> HttpResponseRedirect:
    """To the page the form was on, if it is one of ours."""
    target = request.POST.get("next") or request.headers.get("Referer", "")
    if target and url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return HttpResponseRedirect(target)
    return HttpResponseRedirect(reverse(default))


@require_GET
@gated(signed_in)
def job_list(request: HttpRequest) -> HttpResponse:
    """My jobs, newest first."""
    return render(request, "shell/jobs.html", {"title": _("Background work"), "jobs": Job.objects.visible_to(request.user)[:100]})


@require_GET
@gated(signed_in)
def job_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One job: progress while it runs, result afterwards. htmx polls the fragment."""
    job = get_object_or_404(Job.objects.visible_to(request.user), pk=pk)
    template = "shell/_job.html" if is_fragment(request) else "shell/job.html"
    outdated = jobs.outdated(job) if job.state in jobs.STOPPED else ""
    return render(request, template, {"title": job.label, "job": job, "outdated": outdated})


@require_GET
@gated(signed_in)
def job_bar(request: HttpRequest) -> HttpResponse:
    """The running jobs in the top bar; polled while one runs."""
    return render(request, "shell/_job_bar.html", {"running_jobs": running_jobs(request.user), "was_running": True})


def running_jobs(user: Any) -> list[Job]:
    """What still runs for this person."""
    return list(Job.objects.visible_to(user).filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])[:5])


@require_POST
@gated(signed_in)
def job_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a running job to stop."""
    job = get_object_or_404(Job.objects.visible_to(request.user), pk=pk)
    if not job.is_open:
        raise RuleBroken(_("This job has ended already."))
    jobs.cancel_job(job, by=request.user)
    say(request, _("%(job)s stops after the current step.") % {"job": job.label})
    return HttpResponseRedirect(reverse("job-detail", args=[pk]))


@require_POST
@gated(signed_in)
def job_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a cancelled or failed job."""
    job = get_object_or_404(Job.objects.visible_to(request.user), pk=pk)
    jobs.resume_job(job, by=request.user)
    return HttpResponseRedirect(reverse("job-detail", args=[pk]))


@require_GET
@gated(signed_in)
def notifications(request: HttpRequest) -> HttpResponse:
    """What happened for me."""
    rows = list(Notification.objects.visible_to(request.user)[:100])
    return render(request, "shell/notifications.html", {"title": _("Notifications"), "notifications": rows})


@require_POST
@gated(signed_in)
def notifications_read(request: HttpRequest) -> HttpResponse:
    """Mark all as read."""
    Notification.objects.visible_to(request.user).filter(read_at__isnull=True).update(read_at=timezone.now())
    return HttpResponseRedirect(reverse("notifications"))


@require_POST
@gated(signed_in)
def undo(request: HttpRequest, token: Any) -> HttpResponse:
    """Take a change back; the page it was on shows the result."""
    offer = get_object_or_404(Undo.objects.visible_to(request.user), token=token)
    take_back(offer, by=request.user)
    say(request, _("Taken back: %(what)s") % {"what": offer.label})
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return back(request)


class PreferencesForm(forms.ModelForm):
    """What a person sets for themselves."""

    class Meta:
        model = get_user_model()
        fields = ["language", "theme"]


@require_POST
@login_not_required
def set_language(request: HttpRequest) -> HttpResponse:
    """Switch the language of the profile; before sign-in, of this browser."""
    if request.user.is_authenticated:
        return _prefer(request, "language")
    code = request.POST.get("language", "")
    if code not in dict(settings.LANGUAGES):
        raise RuleBroken(_("This choice does not exist."))
    response = back(request)
    remember_language(response, code)
    return response


@require_POST
@gated(signed_in)
def set_theme(request: HttpRequest) -> HttpResponse:
    """Switch between light, dark and like the device."""
    return _prefer(request, "theme")


def _prefer(request: HttpRequest, name: str) -> HttpResponse:
    form = PreferencesForm({"language": request.user.language, "theme": request.user.theme, name: request.POST.get(name, "")}, instance=request.user)
    if not form.is_valid():
        raise RuleBroken(_("This choice does not exist."))
    form.save()
    return HttpResponse(status=204) if is_fragment(request) else back(request)


class SavedViewForm(forms.ModelForm):
    """A name for what the list shows now."""

    name = forms.CharField(label=gettext_lazy("Name of the view"), max_length=60)

    class Meta:
        model = SavedView
        fields = ["page", "name", "query"]


@require_POST
@gated(signed_in)
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep a list's state under a name; the same name replaces it."""
    form = SavedViewForm(request.POST)
    if not form.is_valid():
        raise RuleBroken(_("Please give the view a name of up to 60 characters."))
    facts = form.cleaned_data
    SavedView.objects.update_or_create(user=request.user, page=facts["page"], name=facts["name"], defaults={"query": facts["query"]})
    say(request, _("View “%(name)s” saved.") % {"name": facts["name"]})
    return back(request)


@require_POST
@gated(signed_in)
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a saved view."""
    view = get_object_or_404(SavedView.objects.visible_to(request.user), pk=pk)
    view.delete()
    say(request, _("View “%(name)s” deleted.") % {"name": view.name})
    return back(request)


def sets_up(user: Any) -> bool:
    """May look at the set-up."""
    return scope_of(user).may("view", "setup")


@require_GET
@gated(sets_up)
def data_catalogue(request: HttpRequest) -> HttpResponse:
    """Every field we hold, with its purpose, legal basis and retention: the register of processing activities."""
    tables: dict[str, list[Entry]] = {}
    technical: Counter[Purpose] = Counter()
    for entry in entries():
        if entry.named:
            tables.setdefault(str(entry.model), []).append(entry)
        else:
            technical[entry.purpose] += 1
    return render(request, "shell/data_catalogue.html", {"title": _("Data catalogue"), "tables": tables, "technical": technical.most_common()})


@require_GET
@login_not_required
def healthy(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_GET
@login_not_required
def ready(request: HttpRequest) -> HttpResponse:
    """Database and broker answer, too; 503 names what does not."""
    import redis
    from django.db import DatabaseError

    state = {"database": "ok", "broker": "ok"}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        state["database"] = "down"
    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2).ping()
    except (redis.RedisError, OSError):
        state["broker"] = "down"
    return JsonResponse(state, status=200 if set(state.values()) == {"ok"} else 503)


healthy.public = ready.public = set_language.public = True  # type: ignore[attr-defined]
