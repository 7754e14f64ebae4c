"""Every route and what it asks of a reader. A route that is missing here is an unknown cell, and unknown cells fail the proof.

Rule(entity, verb, row, methods): `row` names the kind of record in the address ("" for none); "self" as entity means everyone
signed in (rows of the reader alone), "reference" everyone signed in for any row. `values` are further parts of the address.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    entity: str
    verb: str = ""
    row: str = ""
    methods: tuple[str, ...] = ("GET",)
    values: tuple[tuple[str, object], ...] = ()  # further parts of the address; "@name" is that record's key
    also: tuple[tuple[str, str], ...] = ()  # (verb, entity) asked beside it and first: without one of them 403
    post: tuple[str, str] | None = None  # (verb, entity) a POST asks of the same row, where it differs
    download: bool = False  # a file or a fragment: no page to look at


def crud(name: str, entity: str, row: str, *, view: tuple[str, str] | None = None) -> dict[str, Rule]:
    """The pages of one declared entity. `view` as (entity, verb) where reading is governed otherwise."""
    reading = view or (entity, "view")
    return {
        f"{name}-list": Rule(*reading),
        f"{name}-create": Rule(entity, "add", methods=("GET", "POST")),
        f"{name}-export": Rule(entity, "export", download=True),
        f"{name}-detail": Rule(*reading, row),
        f"{name}-update": Rule(entity, "change", row, ("GET", "POST")),
        f"{name}-delete": Rule(entity, "delete", row, ("GET", "POST")),
    }


PUBLIC = {
    "health", "ready", "set-language", "setup", "setup-administrator", "account_login", "account_logout", "account_signup", "account_reset_password", "account_reset_password_done",
    "case-rating", "case-form", "case-form-sent", "account_reset_password_from_key", "account_reset_password_from_key_done", "account_inactive", "account_confirm_email",
    "account_email_verification_sent", "account_reauthenticate", "account_confirm_login_code", "account_request_login_code",
    "metrics",  # its guard is the token: tests/core/test_monitoring.py
    "consent-sign-up", "consent-asked", "consent-confirm", "consent-stop", "consent-preferences", "campaign-link", "campaign-picture",
}
# allauth's pages for the signed-in reader's own account
ACCOUNT = {"account_change_password", "account_set_password", "account_email", "account_reauthenticate"}

READ, WRITE, ASK = ("GET",), ("POST",), ("GET", "POST")

ROUTES: dict[str, Rule] = {
    # the shell: what belongs to the reader alone
    "home": Rule("reference", download=True),
    "today": Rule("reference"),
    "search": Rule("reference"),
    "job-list": Rule("reference"),
    "job-bar": Rule("reference", download=True),
    "job-detail": Rule("self", row="job"),
    "job-cancel": Rule("self", row="job", methods=WRITE),
    "job-resume": Rule("self", row="job", methods=WRITE),
    "notifications": Rule("reference"),
    "notifications-read": Rule("reference", methods=WRITE),
    "undo": Rule("self", row="undo", methods=WRITE),
    "set-theme": Rule("reference", methods=WRITE),
    "view-save": Rule("reference", methods=WRITE),
    "view-delete": Rule("self", row="view", methods=WRITE),
    "profile": Rule("reference", methods=ASK),
    "sign-out-elsewhere": Rule("reference", methods=WRITE),
    "data-catalogue": Rule("setup", "view"),
    "setup-pipeline": Rule("setup", "change", methods=ASK),
    "setup-colleagues": Rule("setup", "change", methods=ASK),
    "setup-done": Rule("setup", "change"),
    # contacts
    **crud("person", "party", "person"),
    **crud("organisation", "party", "organisation"),
    "person-assign": Rule("party", "assign", methods=WRITE),
    "organisation-assign": Rule("party", "assign", methods=WRITE),
    "person-tag": Rule("party", "change", methods=WRITE),
    "organisation-tag": Rule("party", "change", methods=WRITE),
    "person-merge": Rule("party", "merge", methods=WRITE),
    "organisation-merge": Rule("party", "merge", methods=WRITE),
    "party-merge": Rule("party", "merge", "organisation", ASK, (("other", "@twin"),)),
    "duplicate-list": Rule("party", "merge"),
    "duplicate-search": Rule("party", "merge", methods=WRITE),
    "duplicate-not-same": Rule("party", "merge", "pair", WRITE),
    "duplicate-reopen": Rule("party", "merge", "pair", WRITE),
    "merge-undo": Rule("party", "merge", "merge", WRITE),
    "person-letter": Rule("party", "view"),
    "organisation-letter": Rule("party", "view"),
    "person-duplicates": Rule("party", "add"),
    "organisation-duplicates": Rule("party", "add"),
    "party-options": Rule("party", "view", download=True),
    "due-words": Rule("interaction", "add", download=True),
    "party-detail": Rule("party", "view", "organisation"),
    "party-timeline": Rule("party", "view", "organisation"),
    "party-opportunities": Rule("party", "view", "organisation", also=(("view", "opportunity"),)),
    "party-log": Rule("party", "view", "organisation", WRITE, also=(("add", "interaction"),)),
    "party-cell": Rule("party", "view", "organisation", ASK, (("name", "vat_id"),), post=("change", "party")),
    "party-hint-accept": Rule("party", "change", "person", WRITE),
    "party-hint-dismiss": Rule("party", "change", "person", WRITE),
    "party-address-add": Rule("party", "change", "organisation", ASK, (("kind", "postal"),)),
    "party-address": Rule("party", "change", "organisation", ASK, (("kind", "postal"), ("row", "@place"))),
    "party-address-main": Rule("party", "change", "organisation", WRITE, (("kind", "email"), ("row", "@email"))),
    "party-address-delete": Rule("party", "change", "organisation", WRITE, (("kind", "phone"), ("row", "@phone"))),
    "party-consents": Rule("party", "view", "organisation"),
    "party-consent-record": Rule("party", "change", "organisation", ASK, (("kind", "email"), ("row", "@email"))),
    "party-consents-pdf": Rule("party", "export", "organisation", download=True),
    "party-share": Rule("party", "change", "person", ASK),
    "party-unshare": Rule("party", "change", "person", WRITE),
    "party-changes": Rule("party", "view", "person"),
    "party-why": Rule("party", "view", "person"),
    "task-done": Rule("interaction", "change", "task", WRITE),
    "task-snooze": Rule("interaction", "change", "task", WRITE),
    "interaction-update": Rule("interaction", "change", "interaction", ASK),
    "interaction-delete": Rule("interaction", "delete", "interaction", WRITE),
    # catalog: everyone reads the price list
    **crud("product", "product", "product", view=("reference", "")),
    "product-price": Rule("product", "change", "product", WRITE),
    "product-price-remove": Rule("product", "change", "product", WRITE, (("price", "@price"),)),
    # sales
    **crud("opportunity", "opportunity", "opportunity"),
    "board": Rule("opportunity", "view"),
    "opportunity-move": Rule("opportunity", "change", "opportunity", ASK),
    "opportunity-win": Rule("opportunity", "change", "opportunity", ASK),
    "opportunity-lose": Rule("opportunity", "change", "opportunity", ASK),
    "opportunity-reopen": Rule("opportunity", "change", "opportunity", WRITE),
    "opportunity-step": Rule("opportunity", "view", "opportunity", WRITE, also=(("add", "interaction"),)),
    "opportunity-log": Rule("opportunity", "view", "opportunity", WRITE, also=(("add", "interaction"),)),
    "opportunity-share": Rule("opportunity", "change", "opportunity", ASK),
    "opportunity-unshare": Rule("opportunity", "change", "opportunity", WRITE),
    "opportunity-changes": Rule("opportunity", "view", "opportunity"),
    "opportunity-why": Rule("opportunity", "view", "opportunity"),
    "import-list": Rule("importrun", "view"),
    "import-create": Rule("importrun", "add", methods=ASK),
    "import-detail": Rule("importrun", "view", "run"),
    "import-rows": Rule("importrun", "view", "run"),
    **{f"import-{verb}": Rule("importrun", "change", "run", WRITE) for verb in ("check", "remap", "apply", "stop", "resume", "revert")},
    "import-refused": Rule("importrun", "view", "run", values=(("file", "@file"),), download=True),
    # service
    **crud("case", "case", "case"),
    "desk": Rule("case", "view"),
    "causes": Rule("case", "view"),
    "party-cases": Rule("party", "view", "organisation", also=(("view", "case"),)),
    **{f"case-{verb}": Rule("case", "change", "case", WRITE) for verb in ("take", "acknowledge", "wait", "resume", "close", "reopen", "macro", "grant", "unlink")},
    **{f"case-{verb}": Rule("case", "change", "case", ASK) for verb in ("solve", "merge", "link")},
    "case-assign": Rule("case", "assign", "case", ASK),
    "case-decide": Rule("case", "assign", "case", WRITE),
    "case-log": Rule("case", "view", "case", WRITE, also=(("add", "interaction"),)),
    "case-contact": Rule("case", "change", "case", ASK),
    "case-mail": Rule("case", "view", "case", values=(("mail", "@mail"),), download=True),
    "case-mail-raw": Rule("case", "view", "case", values=(("mail", "@mail"),), download=True),
    "case-mail-file": Rule("case", "view", "case", values=(("mail", "@mail"), ("number", 0)), download=True),
    "case-changes": Rule("case", "view", "case"),
    "case-why": Rule("case", "view", "case"),
    # campaigns
    **crud("segment", "campaign", "segment"),
    "segment-builder": Rule("campaign", "add", download=True),
    "segment-result": Rule("campaign", "add", download=True),
    "segment-keep": Rule("campaign", "change", "segment", WRITE),
    "segment-contact-list": Rule("party", "view"),
    "segment-contact-export": Rule("party", "export", download=True),
    **crud("campaign", "campaign", "campaign"),
    **{f"campaign-{verb}": Rule("campaign", "change", "campaign", WRITE) for verb in ("content", "variants", "test", "release", "decide", "unrelease", "pause", "resume", "cancel", "cost", "count")},
    "campaign-preview": Rule("campaign", "view", "campaign", ASK, download=True),
    "campaign-gaps": Rule("campaign", "view", "campaign"),
    "campaign-left-out": Rule("campaign", "view", "campaign"),
    **crud("journey", "campaign", "journey"),
    "journey-flow": Rule("campaign", "change", "journey"),
    **{f"journey-{verb}": Rule("campaign", "change", "journey", WRITE) for verb in ("step", "arrange", "publish", "pause", "resume", "end", "retry")},
    "journey-dry": Rule("campaign", "view", "journey"),
    "journey-people": Rule("campaign", "view", "journey"),
    "party-journeys": Rule("party", "view", "organisation", also=(("view", "campaign"),)),
    # insights
    "forecast": Rule("forecast", "view"),
    "overview": Rule("forecast", "view"),
    "overview-pdf": Rule("forecast", "export", download=True),
    "overview-subscribe": Rule("forecast", "export", methods=WRITE),
    "overview-unsubscribe": Rule("forecast", "view", methods=WRITE),
    "forecast-pdf": Rule("forecast", "export", download=True),
    "forecast-subscribe": Rule("forecast", "export", methods=WRITE),
    "forecast-unsubscribe": Rule("forecast", "view", methods=WRITE),
}
