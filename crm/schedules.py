"""What is due by the clock, in the house's time zone (D10)."""

from datetime import time

from analytics.snapshots import take_snapshot
from analytics.subscriptions import plan_mails
from crm.core.schedules import Schedule

SCHEDULES = [
    Schedule("forecast-snapshot", time(1, 30), take_snapshot),
    Schedule("forecast-mail", time(7, 0), plan_mails, weekday=0),
]
