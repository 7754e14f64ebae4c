"""The shell's menus: what exists and what the reader may see, in the order of the work."""

from __future__ import annotations

from dataclasses import dataclass
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
    (_("Today"), "sun", [Item(_("Today"), "home", "sun")]),
    (
        _("Contacts"),
        "users",
        [
            Item(_("People"), "person-list", "user", "party"),
            Item(_("Organisations"), "organisation-list", "building", "party"),
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
    (_("Insights"), "chart-bar", [Item(_("Forecast"), "forecast", "chart-line", "forecast")]),
]
ON_THE_PHONE = ["home", "person-list", "organisation-list", "board", "forecast", "desk"]  # the first five that are open to the reader
CREATABLE = [
    Item(_("Person"), "person-create", "user-plus", "party", "add"),
    Item(_("Organisation"), "organisation-create", "building-plus", "party", "add"),
    Item(_("Opportunity"), "opportunity-create", "target", "opportunity", "add"),
    Item(_("Case"), "case-create", "headset", "case", "add"),
]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of base.html for a signed-in reader."""
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

    nav = []
    for label, icon, items in GROUPS:
        children = [drawn(item) for item in items if open_to(item)]
        if not children:
            continue
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
    flat = {item.url_name: item for _label, _icon, items in GROUPS for item in items}
    return {
        "nav": nav,
        "bottom_nav": [drawn(flat[name]) for name in ON_THE_PHONE if open_to(flat[name])][:5],
        "creatable": [drawn(item) for item in CREATABLE if open_to(item)],
        "notifications_unread": Notification.objects.visible_to(user).filter(read_at__isnull=True).count(),
        "running_jobs": running_jobs(user),
        "import_url": reverse("import-create") if scope.may("add", "importrun") else "",
        "may_set_up": scope.may("view", "setup"),
    }
