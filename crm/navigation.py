"""The shell's menus: what exists and what the reader may see, in the order of the work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.core.access import scope_of
from crm.core.models import Notification
from crm.core.pages import running_jobs


@dataclass(frozen=True)
class Item:
    """One entry: shown to those who hold `verb` on `entity` (everyone signed in without)."""

    label: Any
    url_name: str
    icon: str = ""
    entity: str = ""
    verb: str = "view"
    covers: str = ""  # the entry is the current one on pages below this address, too


GROUPS: list[tuple[Any, str, list[Item]]] = [
    (_("Today"), "sun", [Item(_("Today"), "today", "sun")]),
    (
        _("Contacts"),
        "users",
        [
            Item(_("People"), "person-list", "user", "party"),
            Item(_("Organisations"), "organisation-list", "building", "party"),
            Item(_("Duplicates"), "duplicate-list", "copy", "party", "merge"),
        ],
    ),
    (
        _("Sales"),
        "chart-funnel",
        [
            Item(_("Pipeline"), "board", "layout-kanban", "opportunity"),
            Item(_("Opportunities"), "opportunity-list", "target", "opportunity"),
            Item(_("Products"), "product-list", "package"),
            Item(_("Imports"), "import-list", "file-import", "importrun"),
        ],
    ),
    (
        _("Service"),
        "headset",
        [
            Item(_("Cases"), "desk", "headset", "case", covers="case-list"),
            Item(_("Causes and costs"), "causes", "chart-bar", "case"),
        ],
    ),
    (
        _("Campaigns"),
        "speakerphone",
        [
            Item(_("Campaigns"), "campaign-list", "speakerphone", "campaign"),
            Item(_("Segments"), "segment-list", "filter", "campaign"),
            Item(_("Journeys"), "journey-list", "route", "campaign"),
        ],
    ),
    (_("Insights"), "chart-bar", [Item(_("Overview"), "overview", "layout-dashboard", "forecast"), Item(_("Forecast"), "forecast", "chart-line", "forecast")]),
]
STARTS = ["today", "desk", "board", "campaign-list", "overview", "forecast"]  # where a role may begin
ON_THE_PHONE = ["today", "person-list", "board", "forecast", "organisation-list", "desk"]  # behind the page the reader begins with; the first five that are open
CREATABLE = [
    Item(_("Person"), "person-create", "user-plus", "party", "add"),
    Item(_("Organisation"), "organisation-create", "building-plus", "party", "add"),
    Item(_("Opportunity"), "opportunity-create", "target", "opportunity", "add"),
    Item(_("Case"), "case-create", "headset", "case", "add"),
    Item(_("Segment"), "segment-create", "filter", "campaign", "add"),
    Item(_("Campaign"), "campaign-create", "speakerphone", "campaign", "add"),
    Item(_("Journey"), "journey-create", "route", "campaign", "add"),
]


def _items() -> dict[str, Item]:
    return {item.url_name: item for _label, _icon, items in GROUPS for item in items}


def start_pages() -> list[tuple[str, Any]]:
    """The pages a role may begin with, as choices."""
    known = _items()
    return [(name, known[name].label) for name in STARTS]


def start_of(user: Any) -> str:
    """The url name of the page this reader begins with: the first of the reader's roles that names one which is open; otherwise Today."""
    known, scope = _items(), scope_of(user)
    return next((name for name in scope.starts if name in STARTS and (not known[name].entity or scope.may(known[name].verb, known[name].entity))), "today")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of base.html for a signed-in reader: functions, called once and by the template that draws it, so that a fragment pays for no shell."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    scope = scope_of(user)

    def open_to(item: Item) -> bool:
        return not item.entity or scope.may(item.verb, item.entity)

    def drawn(item: Item) -> dict[str, Any]:
        url = reverse(item.url_name)
        below = [url, reverse(item.covers)] if item.covers else [url]
        current = request.path == url if url == "/" else request.path.startswith(tuple(below))
        return {"label": item.label, "url": url, "icon": item.icon, "current": current, "badge": 0}

    @cache
    def groups() -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
        nav, entries = [], {}
        for label, icon, items in GROUPS:
            shown = {item.url_name: drawn(item) for item in items if open_to(item)}
            children = list(shown.values())
            if not children:
                continue
            deepest = max((len(child["url"]) for child in children if child["current"]), default=0)  # one of them may lie below another
            for child in children:
                child["current"] = child["current"] and len(child["url"]) == deepest
            entries |= shown
            alone = len(items) == 1
            nav.append(
                {
                    "label": label,
                    "icon": icon,
                    "url": children[0]["url"],
                    "current": any(child["current"] for child in children),
                    "badge": 0,
                    "children": [] if alone else children,
                }
            )
        return nav, entries

    def bottom() -> list[dict[str, Any]]:
        _nav, entries = groups()
        bar = [name for name in dict.fromkeys([start_of(user), *ON_THE_PHONE]) if name in entries][:5]
        here = [name for name, entry in entries.items() if entry["current"] and name not in bar]  # a page beside the bar takes its last place while it is open
        return [entries[name] for name in [*bar[: 5 - len(here)], *here]]

    return {
        "nav": lambda: groups()[0],
        "bottom_nav": cache(bottom),
        "creatable": cache(lambda: [drawn(item) for item in CREATABLE if open_to(item)]),
        "notifications_unread": cache(lambda: Notification.objects.visible_to(user).filter(read_at__isnull=True).count()),
        "running_jobs": cache(lambda: running_jobs(user)),
        "import_url": cache(lambda: reverse("import-create") if scope.may("add", "importrun") else ""),
        "may_set_up": scope.may("view", "setup"),
    }
