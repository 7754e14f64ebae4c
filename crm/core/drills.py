"""What the last restore drill says about the house's backups, in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.formats import moment, number
from crm.core.models import Drill

OLD = timedelta(days=2)  # drills are meant for every night


def standing(now: datetime | None = None) -> tuple[bool, str]:
    """(whether somebody has to act, how it stands)."""
    last = Drill.objects.first()
    if last is None:
        return True, _("There has been no restore drill yet: nobody knows whether a backup of this house can be restored.")
    if last.held:
        days = ((now or timezone.now()) - last.started_at) // timedelta(days=1)
        if days >= OLD // timedelta(days=1):
            return True, ngettext("The last restore drill held, but it was %(n)s day ago.", "The last restore drill held, but it was %(n)s days ago.", days) % {"n": days}
        facts = {"at": moment(last.started_at), "tables": number(last.tables), "rows": number(last.rows), "files": number(last.files)}
        return False, _("The restore drill of %(at)s held, everything came back equal. Tables: %(tables)s, rows: %(rows)s, files: %(files)s.") % facts
    if last.held is None:
        told = _("The restore drill of %(at)s has not ended: it is running, or it was killed.") % {"at": moment(last.started_at)}
    else:
        told = _("The restore drill of %(at)s failed at this step: %(step)s.") % {"at": moment(last.started_at), "step": last.get_failed_at_display()}
    before = Drill.objects.filter(held=True).first()
    return True, f"{told} {_('The last one that held was on %(at)s.') % {'at': moment(before.started_at)} if before else _('None has held yet.')}"
