"""The roles a new installation starts with, as a matrix the CRM manager may change at will."""

from __future__ import annotations

START_PAGES = {"service": "desk", "management": "overview", "marketing": "campaign-list"}  # role → the page it begins with; the others begin with Today
# role → (German, English, {entity: {verb: reach}})
ROLES: dict[str, tuple[str, str, dict[str, dict[str, str]]]] = {
    "rep": (
        "Vertrieb",
        "Sales rep",
        {
            "party": {"view": "team", "add": "team", "change": "team", "delete": "own", "export": "own"},
            "interaction": {"add": "team", "change": "own", "delete": "own"},
            "opportunity": {"view": "team", "add": "team", "change": "own", "delete": "own", "export": "own"},
            "case": {"view": "team", "add": "all"},  # a case taken down goes into the queue of service; who looks after the customer follows it by a share
            "forecast": {"view": "team"},
        },
    ),
    "lead": (
        "Vertriebsleitung",
        "Sales lead",
        {
            "party": {"view": "team", "add": "team", "change": "team", "delete": "team", "export": "team", "assign": "team"},
            "interaction": {"add": "team", "change": "team", "delete": "team"},
            "opportunity": {"view": "team", "add": "team", "change": "team", "delete": "team", "export": "team", "assign": "team"},
            "case": {"view": "team", "add": "all", "export": "team"},
            "forecast": {"view": "team", "export": "team"},
            "importrun": {"view": "own", "add": "team", "change": "own"},
        },
    ),
    "marketing": (
        "Marketing",
        "Marketing",
        {
            "party": {"view": "all", "add": "team", "change": "own", "export": "all"},
            "interaction": {"add": "team", "change": "own", "delete": "own"},
            "campaign": dict.fromkeys(("view", "add", "change", "delete", "export"), "all"),
        },
    ),
    "service": (
        "Service",
        "Service agent",
        {
            "party": {"view": "all", "add": "team", "change": "all"},
            "interaction": {"add": "team", "change": "own", "delete": "own"},
            "opportunity": {"view": "all"},
            "case": dict.fromkeys(("view", "add", "change", "delete", "export", "assign"), "all"),
        },
    ),
    "management": (
        "Geschäftsführung",
        "Management",
        {"party": {"view": "all"}, "opportunity": {"view": "all", "export": "all"}, "case": {"view": "all", "export": "all"}, "forecast": {"view": "all", "export": "all"}, "campaign": {"view": "all", "export": "all"}},
    ),
    "manager": (
        "CRM-Manager",
        "CRM manager",
        {
            "party": dict.fromkeys(("view", "add", "change", "delete", "export", "assign", "merge"), "all"),
            "interaction": {"add": "all", "change": "all", "delete": "all"},
            "opportunity": dict.fromkeys(("view", "add", "change", "delete", "export", "assign"), "all"),
            "case": dict.fromkeys(("view", "add", "change", "delete", "export", "assign"), "all"),
            "campaign": dict.fromkeys(("view", "add", "change", "delete", "export"), "all"),
            "forecast": {"view": "all", "export": "all"},
            "product": dict.fromkeys(("add", "change", "delete", "export"), "all"),
            "importrun": {"view": "all", "add": "all", "change": "all"},
            "setup": dict.fromkeys(("view", "add", "change", "delete"), "all"),
        },
    ),
}
