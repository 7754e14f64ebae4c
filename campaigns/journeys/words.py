"""A journey in words: its trigger, its steps and what became of them, in the reader's language."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from campaigns.journeys.shape import ABOUT, KINDS, Step
from campaigns.journeys.triggers import DATES, EVENTS
from campaigns.models import Segment
from campaigns.segments.words import vocabulary_for
from campaigns.waterfall import Place
from contacts.models import Tag
from crm.core import formats
from crm.core.conditions import check, sentence
from service.models import Case

OUTCOMES: dict[str, Any] = {
    "waited": pgettext_lazy("outcome", "waited"),
    "yes": pgettext_lazy("outcome", "yes"),
    "no": pgettext_lazy("outcome", "no"),
    "sent": pgettext_lazy("outcome", "written"),
    "done": pgettext_lazy("outcome", "done"),
    "may_not_change": gettext_lazy("may not be changed"),
    "gone": gettext_lazy("contact deleted"),
    **{place.value: place.label for place in Place if place is not Place.LEFT},
}


def trigger_words(trigger: dict[str, Any], reader: Any) -> str:
    """What sets it off, as a sentence; "" while nothing is chosen."""
    kind = trigger.get("kind")
    if kind == "event":
        return str(EVENTS[trigger["event"]].label)
    if kind == "date":
        days, what = abs(trigger["days"]), {"what": DATES[trigger["date"]].label}
        if not days:
            return _("On the day: %(what)s") % what
        words = ngettext("%(n)s day before: %(what)s", "%(n)s days before: %(what)s", days) if trigger["days"] < 0 else ngettext("%(n)s day after: %(what)s", "%(n)s days after: %(what)s", days)
        return words % {"n": formats.number(days), **what}
    if kind == "inactive":
        return ngettext("No contact for %(n)s day", "No contact for %(n)s days", trigger["days"]) % {"n": formats.number(trigger["days"])}
    if kind == "segment":
        segment = Segment.objects.visible_to(reader).filter(pk=trigger.get("segment") or 0).first()
        return _("Somebody comes into the segment “%(name)s”") % {"name": segment or "?"}
    return ""


def trigger_detail(trigger: dict[str, Any]) -> str:
    """The small print below it."""
    if trigger.get("kind") == "inactive" and trigger["longer"]:
        return _("also whoever has been silent for longer already")
    return _("looked for once a day, from eight o'clock on") if trigger.get("kind") in {"inactive", "date", "segment"} else ""


def step_words(step: Step, reader: Any) -> tuple[str, str]:
    """(what the step does, the small print below it)."""
    kind, label = step["kind"], str(KINDS[step["kind"]][0])
    if kind == "wait":
        days = step["days"]
        words = ngettext("Wait %(n)s day", "Wait %(n)s days", days) % {"n": formats.number(days)} if days else _("Wait for the hour")
        return words, _("goes on between %(from)s:00 and %(to)s:00") % {"from": step["from"], "to": step["to"]} if "from" in step else ""
    if kind == "ask":
        if step["about"] != "tree":
            return str(ABOUT[step["about"]]), ""
        return _("Is it one of these?"), _condition(step.get("tree") or {}, reader)
    if kind == "mail":
        return (_("E-mail “%(subject)s”") % {"subject": step["subject"]} if step["subject"] else label), _("as far as they may be written to")
    if kind == "task":
        due = ngettext("due after %(n)s day", "due after %(n)s days", step["days"]) % {"n": formats.number(step["days"])} if step["days"] else _("due at once")
        return (_("Task: %(what)s") % {"what": step["text"]} if step["text"] else label), _("for whoever looks after the contact, %(due)s") % {"due": due}
    if kind == "opportunity":
        return (_("Opportunity: %(what)s") % {"what": step["name"]} if step["name"] else label), _("for whoever looks after the contact")
    if kind == "tag":
        tag = Tag.objects.filter(pk=step["tag"]).first()
        words = _("Take the tag “%(tag)s” away") if step["way"] == "take" else _("Add the tag “%(tag)s”")
        return (words % {"tag": tag} if tag else label), _("as far as they may be changed")
    return (_("Case: %(what)s") % {"what": step["heading"]} if step["heading"] else label), str(dict(Case.Type.choices)[step["type"]])


def _condition(tree: Any, reader: Any) -> str:
    known = vocabulary_for(reader)
    try:
        check(tree, known)
    except ValidationError as problem:
        return " ".join(problem.messages)
    return sentence(tree, known) if tree else ""


def outcome_words(outcome: str) -> str:
    """What became of a step."""
    return str(OUTCOMES.get(outcome, outcome))
