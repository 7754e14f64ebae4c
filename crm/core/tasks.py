"""Celery's doorways. Valkey is only a doorbell: the truth is in Postgres, and the tick picks up what a lost ring left (D10)."""

from __future__ import annotations

import logging
from typing import Any

from celery import current_app, shared_task
from celery.signals import task_prerun
from django.db import transaction

from crm.core.memory import claim, forget
from crm.core.work import request_id

log = logging.getLogger("lotse.tasks")
RINGS = 10  # seconds a bell counts as ringing, if nobody comes
AT_ONCE = {"max_retries": 1, "interval_start": 0}  # without a policy kombu tries for six seconds, and a page that rings waits for it


def ring(task: str, *ids: int | str) -> None:
    """Ask for `task` after the commit. If nobody answers the bell, the next tick finds the work in Postgres.

    A bell without ids that rings already is not rung again: whoever comes looks for all there is. Else many people at once would ring more often
    than anybody can come, and what is rung for behind them would wait for bells that mean nothing any more.
    """
    asked = request_id.get()
    transaction.on_commit(lambda: _ring(task, *ids, asked=asked))


def _ring(task: str, *ids: int | str, asked: str) -> None:
    if not ids and not claim(_bell(task), RINGS):
        return
    if not _send(task, *ids, asked=asked) and not ids:
        forget(_bell(task))


def _bell(task: str) -> str:
    return f"lotse-rings-{task}"


@task_prerun.connect  # type: ignore[untyped-decorator]  # Celery has no types
def hear(task: Any, **_: Any) -> None:
    """Somebody comes, and has not looked yet: what is committed from here on has to ring again."""
    forget(_bell(task.name))


def look_around() -> None:
    """For a worker that has reached the broker, for the first time or again: what was rung for meanwhile lies in Postgres alone, so ask for a tick."""
    _send("crm.core.tasks.tick")


def _send(task: str, *ids: int | str, asked: str = "") -> bool:
    """Whether the broker took it."""
    try:
        current_app.send_task(task, args=ids, headers={"request": asked}, retry=True, retry_policy=AT_ONCE)
    except Exception:
        log.warning("the broker did not take %s; the next tick will", task, exc_info=True)
        return False
    return True


@shared_task
def dispatch_events() -> None:
    """Hand out waiting events."""
    from crm.core.events import dispatch

    dispatch()


@shared_task
def run_job(job_id: int) -> None:
    """Work on a job for a while; a longer one rings for itself again."""
    from crm.core.jobs import advance

    advance(job_id)


@shared_task
def send_mails() -> None:
    """Hand mails that are due to the mail server."""
    from crm.core.mail.sending import send_due

    send_due()


@shared_task
def fetch_mails() -> None:
    """Fetch what came into the mailbox, and file it."""
    from crm.core.mail.inbox.fetching import fetch_due

    fetch_due()


@shared_task
def run_schedule(name: str) -> None:
    """Do what is due under this name."""
    from crm.core.schedules import run

    run(name)


@shared_task
def seal_audit() -> None:
    """Seal what the audit says and is not sealed."""
    from crm.core.audit.sealing import seal

    seal()


@shared_task
def check_audit() -> None:
    """Go on with the check of the audit that is not done."""
    from crm.core.audit.checking import go_on

    go_on()


@shared_task
def tick() -> None:
    """Once a minute: claim what is due, do what the roof names for every tick, pick up what was left lying, clear away what is old."""
    from crm.core import door, events, jobs, monitoring, schedules
    from crm.core.mail import sending
    from crm.core.mail.inbox import fetching

    schedules.claim_due()
    schedules.run_each_tick()
    jobs.pick_up_left()
    events.dispatch()
    sending.tend()
    fetching.tend()
    door.clear()
    monitoring.note_tick()
