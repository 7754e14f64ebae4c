"""What is due by the clock, in the house's time zone (D10)."""

from datetime import time

from analytics.snapshots import take_snapshot
from analytics.subscriptions import plan_mails
from campaigns.journeys.engine import tend_journeys
from campaigns.reactions import forget_touches
from campaigns.sending import tend_campaigns
from contacts.pairs import search_by_night
from crm.core.audit.checking import begin_check, tend_checks
from crm.core.audit.sealing import seal_due
from crm.core.erasures import keep_erasures
from crm.core.forgetting import forget_old
from crm.core.schedules import Schedule
from service.escalation import escalate_due
from service.satisfaction import ask_due

SCHEDULES = [
    Schedule("forecast-snapshot", time(1, 30), take_snapshot),
    Schedule("touches-forgotten", time(2, 0), forget_touches),
    Schedule("old-forgotten", time(2, 15), forget_old),
    Schedule("duplicates", time(3, 0), search_by_night),
    Schedule("audit-check", time(3, 15), begin_check),
    Schedule("forecast-mail", time(7, 0), plan_mails, weekday=0),
]
EACH_TICK = [keep_erasures, seal_due, tend_checks, escalate_due, ask_due, tend_campaigns, tend_journeys]  # these keep their own due times as rows and claim them one by one
