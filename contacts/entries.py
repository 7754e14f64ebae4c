"""Tasks and entries of the history by themselves: done, put off, corrected, removed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from contacts import diary
from contacts.datewords import MORNING
from contacts.forms import InteractionForm
from contacts.models import Interaction, Task
from crm.core.feedback import say
from crm.core.pages import back
from crm.core.saving import Stale, save_facts
from crm.core.subjects import kind_of
from crm.core.undo import offer_undo
from crm.core.views import Crud, action


class Tasks(Crud):
    """The gate of the verbs on tasks."""

    name = "task"
    model = Task


class Interactions(Crud):
    """The gate of the verbs on entries of the history."""

    name = "interaction"
    model = Interaction


@action(Tasks, "change")
def task_done(request: HttpRequest, task: Task) -> HttpResponse:
    """Tick it off."""
    undo = diary.complete_task(task, by=request.user)
    say(request, undo.label, undo=undo)
    return back(request)


@action(Tasks, "change")
def task_snooze(request: HttpRequest, task: Task) -> HttpResponse:
    """Put it off to the next working day, nine o'clock."""
    undo = diary.snooze_task(task, by=request.user, until=next_morning(timezone.localtime()))
    say(request, undo.label, undo=undo)
    return back(request)


def next_morning(now: datetime) -> datetime:
    """Nine o'clock on the next day from Monday to Friday."""
    day = now.date() + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return datetime.combine(day, MORNING, tzinfo=now.tzinfo)


@action(Interactions, "change", methods=("GET", "POST"))
def interaction_update(request: HttpRequest, entry: Interaction) -> HttpResponse:
    """Correct an entry."""
    diary.still_ours(entry)
    form = InteractionForm(request.POST if request.method == "POST" else None, instance=entry, user=request.user)
    url = _home(request, entry)
    if request.method == "POST" and form.is_valid():
        try:
            save_facts(form, by=request.user)
        except Stale:
            form.add_error(None, _("Somebody else has changed this entry meanwhile. Please open it again; your text is still here to copy."))
        else:
            diary.recount([entry.party_id] if entry.party_id else [])
            text = _("Entry saved.")
            say(request, text, undo=offer_undo(request.user, text))
            return HttpResponseRedirect(url)
    removable = Interaction.objects.visible_to(request.user, "delete").filter(pk=entry.pk).exists()
    context = {"title": _("Edit the entry"), "form": form, "cancel_url": url, "entry": entry, "removable": removable}
    return render(request, "contacts/interaction.html", context, status=422 if form.is_bound else 200)


@action(Interactions, "delete")
def interaction_delete(request: HttpRequest, entry: Interaction) -> HttpResponse:
    """Remove an entry."""
    url = _home(request, entry)
    diary.delete_interaction(entry, by=request.user)
    text = _("Entry removed.")
    say(request, text, undo=offer_undo(request.user, text))
    return HttpResponseRedirect(url)


def _home(request: HttpRequest, entry: Interaction) -> str:
    """The page an entry stands on: the one the reader came from (`next`), its contact's, or that of what it is about."""
    target = request.GET.get("next", "")
    if target and url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    kind = kind_of(entry.subject_type_id)
    if entry.party_id is None and kind is not None and entry.subject_id is not None:
        return kind.url(entry.subject_id)
    return reverse("party-detail", args=[entry.party_id])
