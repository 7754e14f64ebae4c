"""The ways back: what `crm.core.undo` calls by name."""

from crm.core.undo import restore_work
from sales.services import undo_step

UNDOS = {"facts": restore_work, "sales.step": undo_step}
