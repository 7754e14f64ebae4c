"""Every route and what it asks of a reader. A route that is missing here is an unknown cell, and unknown cells fail the proof.

Rule(entity, verb, row, methods): `row` names the kind of record in the address ("" for none); "self" as entity means everyone
signed in (rows of the reader alone); "public" means nobody need sign in. `get`/`post` name the verb per method where they differ.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    entity: str
    verb: str = ""
    row: str = ""
    methods: tuple[str, ...] = ("GET",)
    opener: str = ""  # verb that must be held for the row where it differs from `verb`


def crud(name: str, entity: str, row: str, *, view: str = "view") -> dict[str, Rule]:
    """The pages of one declared entity."""
    return {
        f"{name}-list": Rule(entity, view),
        f"{name}-create": Rule(entity, "add", methods=("GET", "POST")),
        f"{name}-export": Rule(entity, "export"),
        f"{name}-detail": Rule(entity, view, row),
        f"{name}-update": Rule(entity, "change", row, ("GET", "POST")),
        f"{name}-delete": Rule(entity, "delete", row, ("GET", "POST")),
    }


PUBLIC = {
    "health", "ready", "set-language", "account_login", "account_logout", "account_signup", "account_reset_password", "account_reset_password_done",
    "account_reset_password_from_key", "account_reset_password_from_key_done", "account_inactive", "account_confirm_email",
    "account_email_verification_sent", "account_reauthenticate", "account_confirm_login_code", "account_request_login_code",
}
# allauth's pages for the signed-in reader's own account
ACCOUNT = {"account_change_password", "account_set_password", "account_email", "account_reauthenticate"}
