"""Reports by mail, every Monday: computed for each subscriber with the rights of that minute, in that person's language."""

from __future__ import annotations

import time
from datetime import datetime

from django.utils import translation

from accounts.models import User
from analytics import report
from analytics.forecast import Ask, Forecast, current_period, may_read
from analytics.models import ReportSubscription
from crm.core import pdf
from crm.core.access import one_request
from crm.core.mail import Attachment, plan_mail
from crm.core.models import OutgoingMail
from crm.core.paper import print_html
from crm.core.tasks import ring
from crm.core.work import work

SLICE = 20.0  # seconds one task plans mails; the next one goes on behind


def subscribe(user: User, which: str = ReportSubscription.Report.FORECAST) -> None:
    """From the next Monday on. Twice is once."""
    ReportSubscription.objects.get_or_create(user=user, report=which)


def unsubscribe(user: User, which: str = ReportSubscription.Report.FORECAST) -> None:
    """No longer."""
    ReportSubscription.objects.visible_to(user).filter(report=which).delete()


def plan_mails(due_at: datetime, after: int = 0) -> None:
    """Plan one mail for each subscription (by subscription id, behind `after`); rings for the rest when the time is used up."""
    until = time.monotonic() + SLICE
    waiting = ReportSubscription.objects.filter(report__in=report.PAPERS, pk__gt=after, user__is_active=True).exclude(user__email="")
    for pk in list(waiting.order_by("pk").values_list("pk", flat=True)):
        if time.monotonic() > until:
            ring("analytics.tasks.mail_forecasts", due_at.isoformat(), after)
            return
        with one_request():  # rights are read once, now
            _plan_one(pk, due_at)
        after = pk


def _plan_one(pk: int, due_at: datetime) -> None:
    subscription = ReportSubscription.objects.select_related("user").filter(pk=pk).first()
    if subscription is None:
        return
    user = subscription.user
    key = subscription.report
    once = f"{key}:{due_at.isoformat()}:{user.pk}"
    if not (user.is_active and may_read(user, "export")) or OutgoingMail.objects.filter(once=once).exists():
        return
    with translation.override(user.language):
        forecast = Forecast(Ask(user, current_period(), action="export"))
        attachments = []
        if pdf.available():
            try:
                attachments = [Attachment(report.file_name(key, forecast), print_html(report.PAPERS[key].html(forecast)))]
            except pdf.PdfFailed:
                report.log.exception("no PDF for %s", once)
        heading, body = report.PAPERS[key].mail(forecast, bool(attachments))
        with work():
            plan_mail(user, once=once, heading=heading, body=body, attachments=attachments)
