"""What a check of the audit found, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.core.formats import moment, number
from crm.core.models import AuditCheck

OLD = timedelta(days=2)  # a check is made every night

SENTENCES = {
    "guard-gone": gettext_lazy("%(table)s: the trigger %(trigger)s is gone. What was changed since may be missing in the audit."),
    "guard-off": gettext_lazy("%(table)s: the trigger %(trigger)s is switched off. What was changed since may be missing in the audit."),
    "guard-other": gettext_lazy("%(table)s: the trigger %(trigger)s is not the one Lotse made."),
    "guard-foreign": gettext_lazy("%(table)s: there is a trigger or a rule, %(trigger)s, that is not by Lotse."),
    "function-other": gettext_lazy("The function %(function)s is gone or is not the one Lotse made."),
    "setting": gettext_lazy("A setting of the database switches guards off: %(setting)s."),
    "seal-gone": gettext_lazy("The seals %(first)s to %(last)s are gone."),
    "seal-other": gettext_lazy("Seal %(number)s is not as Lotse made it, or was made with another SECRET_KEY."),
    "entries-gone": gettext_lazy("Entries under seal %(number)s of %(at)s are gone. Their numbers: %(ids)s."),
    "entries-changed": gettext_lazy("Entries under seal %(number)s of %(at)s were changed. The seal holds these numbers: %(ids)s."),
    "entries-odd": gettext_lazy("Entries under seal %(number)s of %(at)s tell of a time at which they were not written. Their numbers: %(ids)s."),
    "entries-behind": gettext_lazy("Entries were put in afterwards, behind the seals: %(count)s. Their numbers: %(ids)s."),
    "head-gone": gettext_lazy("The end of the chain is not noted outside of the database: audit-head.json is missing beside the backups. Newer entries may have been cut off."),
    "head-other": gettext_lazy("Seal %(number)s, noted outside of the database, is not in the chain: newer entries were cut off, or this is a copy of the database."),
    "row-unknown": gettext_lazy("%(table)s, row %(row)s: the audit knows nothing of it."),
    "row-gone": gettext_lazy("%(table)s, row %(row)s: it is gone, and the audit does not know it."),
    "row-other": gettext_lazy("%(table)s, row %(row)s: it is not what the audit says, in %(columns)s."),
    "rows-more": gettext_lazy("%(table)s: more rows that are not what the audit says: %(count)s."),
    "unreadable": gettext_lazy("%(table)s cannot be rebuilt from the audit: %(error)s"),
}


def sentence(finding: dict[str, Any]) -> str:
    """One finding in the reader's language; a table by the name people know, with its own behind."""
    facts = dict(finding)
    if "table" in facts:
        label = next((capfirst(str(model._meta.verbose_name_plural)) for model in apps.get_models() if model._meta.db_table == facts["table"] and not model._meta.proxy), "")
        facts["table"] = f"{label} ({facts['table']})" if label else facts["table"]
    if "at" in facts:
        facts["at"] = moment(datetime.fromisoformat(facts["at"]))
    return str(SENTENCES[finding["what"]]) % facts


def figures(row: AuditCheck) -> str:
    """How much was looked at."""
    facts = {"entries": number(row.entries), "seals": number(row.seals), "tables": number(row.tables), "rows": number(row.rows)}
    return _("Entries: %(entries)s; seals: %(seals)s; tables: %(tables)s; rows: %(rows)s.") % facts


def standing(now: datetime | None = None) -> tuple[bool, str]:
    """(whether somebody has to act, how the audit stands)."""
    last = AuditCheck.objects.filter(held__isnull=False).first()
    if last is None:
        return True, _("The audit has not been checked yet: that is done every night.")
    if not last.held:
        return True, _("The check of %(at)s found something.") % {"at": moment(last.started_at)}
    days = ((now or timezone.now()) - last.started_at) // timedelta(days=1)
    if days >= OLD // timedelta(days=1):
        return True, ngettext("The last check of the audit held, but it was %(n)s day ago.", "The last check of the audit held, but it was %(n)s days ago.", days) % {"n": days}
    return False, f"{_('The check of %(at)s held: nobody touched the audit, and every table is what it says.') % {'at': moment(last.started_at)}} {figures(last)}"
