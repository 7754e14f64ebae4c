"""What the 360° page of a contact shows: figures, facts to edit in place, people, tasks, one timeline."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Value
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import addresses
from contacts.columns import Pipe
from contacts.consent_panel import places
from contacts.forms import EntryForm
from contacts.hints import open_hints
from contacts.letters import letter_to
from contacts.models import Affiliation, Interaction, Organisation, Party, Task
from contacts.panels import panels_for
from contacts.parts import read_parts
from contacts.stale import part_words
from contacts.timeline import ICONS, staff_of, timeline
from crm.core import formats
from crm.core.access import hidden_fields, may, seen_row
from crm.core.models import RecentlyViewed
from crm.core.saving import said
from crm.core.subjects import name_subject
from crm.core.templatetags.lotse import tag

MOST = 20  # people and tasks beside it
# What is edited in place, in the order of the page. Addresses stand in a section of their own (`contacts.addresses`).
FACTS = {
    "person": [
        "salutation", "title", "first_name", "nobility", "last_name", "suffix", "form_of_address", "letter_salutation",
        "employer", "function", "state", "language", "website", "source",
    ],
    "organisation": ["legal_name", "industry", "state", "employees", "revenue", "founded", "vat_id", "parent", "language", "letter_salutation", "website", "source"],
}  # fmt: skip
SELDOM = {"nobility", "suffix", "letter_salutation"}  # shown where there is something to show
IN_LISTS = ["phone", "email"]  # the main ones, in a cell of a list
STATE_TONES = {"customer": "good", "prospect": "acc", "former": ""}
TITLES = {"employer": gettext_lazy("Organisation"), "function": gettext_lazy("Function"), "phone": gettext_lazy("Telephone"), "email": gettext_lazy("E-mail")}


def remember(party: Party, user: Any) -> None:
    """The palette offers what was opened last. One row per person and record, so a look costs one upsert."""
    row = RecentlyViewed(user=user, at=timezone.now(), **name_subject(party))
    RecentlyViewed.objects.bulk_create([row], update_conflicts=True, unique_fields=["user", "subject_type", "subject_id"], update_fields=["at"])


def context(party: Party, request: HttpRequest, crud: Any, rights: dict[str, bool]) -> dict[str, Any]:
    """Everything `contacts/party.html` draws."""
    user = request.user
    panels = panels_for(user)
    return {
        **diary(party, request),
        "rights": rights,
        "facts": facts(party, user, crud, editable=rights["change"]),
        **beginning(party, user, editable=rights["change"]),
        "consents": places(party, user),
        "blocks": addresses.blocks(party, user, editable=rights["change"]),
        "roles": [] if "roles" in hidden_fields(user, Party) else [role.get_role_display() for role in sorted(party.roles.all(), key=lambda row: row.role)],
        "tags": [] if "tags" in hidden_fields(user, Party) else [(held.tag, f"{crud.url('list')}?tag={held.tag_id}") for held in sorted(party.tags.all(), key=lambda held: (held.tag.position, held.tag.key))],
        "people": people(party, user),
        "daughters": list(Organisation.objects.visible_to(user).filter(parent=party.pk).order_by("sort_name")[:MOST]),
        "panels": [{"key": panel.key, "label": panel.label, "url": reverse(panel.url_name, args=[party.pk]), "list_url": panel.list_url(party)} for panel in panels],
    }


def beginning(party: Party, user: Any, *, editable: bool) -> dict[str, Any]:
    """How a letter would begin, and what looks wrong about the name it is made of: what `contacts/_letter.html` draws."""
    return {"letter": letter_to(party, user), "hints": open_hints(party, user), "may_fix": editable}


def letter_again(party: Party, request: HttpRequest) -> bytes:
    """The beginning of a letter after a change in place, out of band; dropped where none is shown, as in a list."""
    fresh = {"party": party, "oob": True, **beginning(party, request.user, editable=True)}
    return render_to_string("contacts/_letter.html", fresh, request=request).encode()


def diary(party: Party, request: HttpRequest, form: EntryForm | None = None) -> dict[str, Any]:
    """The part of the page that changes when somebody writes an entry: figures, composer, timeline, tasks."""
    user = request.user
    tasks, staff = open_tasks(party, user), staff_of(party, user)
    chosen = request.GET.get("kind", "")
    return {
        "party": party,
        "figures": figures(party, user, tasks, staff),
        "tasks": tasks,
        "now": timezone.now(),
        "may_write": may(user, "add", Interaction),
        "entry_form": form or EntryForm(auto_id="entry_%s"),
        "kinds": kinds(form),
        **timeline(party, user, chosen, request.GET.get("after", ""), staff=staff),
    }


def kinds(form: EntryForm | None) -> list[dict[str, Any]]:
    """The tabs of the composer; the one chosen in a form that was sent stays chosen."""
    chosen = (form.data.get("kind") if form else "") or "note"
    choices = EntryForm.base_fields["kind"].choices  # type: ignore[attr-defined]
    return [{"value": value, "label": capfirst(str(label)), "icon": ICONS[value], "checked": value == chosen} for value, label in choices]


def figures(party: Party, user: Any, tasks: list[Task], staff: list[int]) -> list[dict[str, Any]]:
    """The strip on top: what other apps add, the last contact, the next step, how many people."""
    found = [panel.figure(party, user) for panel in panels_for(user) if panel.figure is not None]
    last = getattr(party, "activity", None)
    found.append({"label": _("Last contact"), "value": formats.relative(last.last_at) if last else formats.DASH, "detail": formats.day(last.last_at) if last else _("nothing recorded yet")})
    step = tasks[0] if tasks else None
    late = step is not None and step.due_at < timezone.now()
    found.append(
        {
            "label": _("Next step"),
            "value": formats.relative(step.due_at) if step else formats.DASH,
            "detail": step.text if step else _("none planned"),
            "state": "bad" if late else "",
        }
    )
    if not party.is_person:
        found.append({"label": _("People"), "value": formats.number(len(staff)), "detail": _("known there")})
    return found


def facts(party: Party, user: Any, crud: Any, *, editable: bool, named: str = "") -> list[dict[str, Any]]:
    """Label and value of each fact the reader may see; with `editable` each can be changed in place. `named` asks for one of them alone."""
    hidden, parts = hidden_fields(user, Party), read_parts(party)
    found = []
    for name in [named] if named else [name for name in FACTS[party.kind] if name not in SELDOM or getattr(party, name)]:
        if name not in hidden:
            field = None if name in parts else party._meta.get_field(name)
            label = TITLES.get(name) or (field.verbose_name if field is not None else crud.form_class.base_fields[name].label)  # type: ignore[union-attr]
            fact = {"label": str(label)[:1].upper() + str(label)[1:], "text": fact_words(party, name, parts, user), "name": f"{name}-{party.pk}"}
            if name == "state":
                fact["html"] = tag(fact["text"], STATE_TONES[party.state])
            if editable and fact["text"] != _("(not visible to you)"):
                fact["edit_url"] = reverse("party-cell", args=[party.pk, name])
            found.append(fact)
    return found


def fact_words(party: Party, name: str, parts: dict[str, str], user: Any) -> str:
    """One fact in words; a contact the reader cannot see is not named, nor what somebody does there."""
    if name == "function" and parts["employer"] and seen_row(user, Party, parts["employer"]) is None:
        return _("(not visible to you)")
    if name in parts:
        return part_words(name, parts[name], user)
    field: Any = party._meta.get_field(name)
    value = getattr(party, field.attname)
    if name in {"employees", "revenue"}:
        return formats.number(value, 2 if name == "revenue" else None)
    return said(field, value, user)


def people(party: Party, user: Any) -> list[dict[str, Any]]:
    """Who works there, or where this person works: only what the reader may see."""
    rows = Affiliation.objects.visible_to(user)
    if party.is_person:
        rows, other = rows.filter(person=party.pk).select_related("organisation").order_by("-is_primary", "organisation__sort_name"), "organisation"
    else:
        # Ordered by what no index holds: else Postgres may walk through everybody's names until it has met enough of those who work here.
        by_name = Pipe(F("person__sort_name"), Value(""))
        rows, other = rows.filter(organisation=party.pk).select_related("person").order_by(by_name), "person"
    return [{"party": getattr(row, other), "function": row.function} for row in rows[:MOST]]


def open_tasks(party: Party, user: Any) -> list[Task]:
    """What is to be done with this contact, the earliest first."""
    return list(Task.objects.visible_to(user).filter(party=party.pk, done_at__isnull=True).select_related("owner").order_by("due_at", "pk")[:MOST])


def goes_with(party: Party) -> list[dict[str, Any]]:
    """What is deleted together with the contact."""
    groups = [
        (_("Entries of the history"), party.interactions),
        (_("Tasks"), party.tasks),
        (_("E-mail addresses"), party.emails),
        (_("Telephone numbers"), party.phones),
        (_("Postal addresses"), party.addresses),
        (_("Employers"), party.affiliations),
        (_("People who work there"), party.staff),
    ]
    found = [{"label": label, "count": rows.count()} for label, rows in groups]
    return [item for item in found if item["count"]]


