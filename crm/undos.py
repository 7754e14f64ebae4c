"""The ways back: what `crm.core.undo` calls by name."""

from typing import Any

from contacts.care import look_again, take_merge_back
from contacts.services import refresh_after
from crm.core.undo import restore_work
from sales.services import undo_step as undo_step_of_opportunity
from service.services import hang_mails_again
from service.services import undo_step as undo_step_of_case


def restore_facts(payload: dict[str, Any], *, by: Any) -> None:
    """Facts as before; contacts that changed with them are found under what they are called again."""
    restore_work(payload, by=by)
    refresh_after(payload["work"], by=by)
    hang_mails_again(payload)


UNDOS = {
    "facts": restore_facts, "contacts.pair": look_again, "contacts.merge": take_merge_back, "sales.step": undo_step_of_opportunity, "service.step": undo_step_of_case,
}  # fmt: skip
