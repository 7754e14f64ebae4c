"""The states of a mail, each step one conditional UPDATE: whoever is late changes nothing (D7).

A worker's name is on every row it holds (`crm.core.mail.run`). When its lease is over the rows are taken from it, and what it still tries
to write meets no row. All times are the database's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from crm.core.mail.answers import Answer, Meaning
from crm.core.mail.kinds import kind_of
from crm.core.models import MailBucket, MailLimit, MailSetup, OutgoingMail
from crm.core.throttle import Bucket, Limit, queue_up, take

STEPS = [timedelta(minutes=m) for m in (1, 5, 15, 30, 60, 120, 240)]  # waits between the tries of a mail that was put off
# What is marked must stay marked when the server dies, whatever the database's own setting is. As a condition, because it then holds for
# the statement's own transaction and leaves nothing behind on the connection.
DURABLE = "(SELECT set_config('synchronous_commit', 'on', true)) = 'on'"
State = OutgoingMail.State


@dataclass(frozen=True)
class Ended:
    """The end of a try, not yet written."""

    mail: OutgoingMail
    answer: Answer


def lease() -> timedelta:
    """How long a mail may be on its way: longer than any conversation, and longer than a mail server waits for a silent client."""
    return timedelta(seconds=settings.MAIL_LEASE)


def write_end(ended: Ended, worker: str) -> None:
    """Write what became of a try. An unknown end stays as it is: the lease runs out, then the log decides (`sending.tend`)."""
    answer, mail = ended.answer, ended.mail
    change, values = "", list[Any]()
    if answer.meaning is Meaning.LATER:
        change = (
            ", state = CASE WHEN give_up_at <= statement_timestamp() THEN 'refused' ELSE 'deferred' END, due_at = statement_timestamp() + %s,"
            " give_up_at = coalesce(give_up_at, statement_timestamp() + %s), worker = '', lease_until = NULL"
        )
        values = [wait_after(mail.attempts + 1), kind_of(mail.kind).patience]
    elif answer.meaning is not Meaning.UNKNOWN:
        change, values = ", state = %s, queue_id = %s, worker = '', lease_until = NULL", [answer.meaning.value, answer.queue_id]
    sql = f"UPDATE core_outgoingmail SET code = %s, answer = %s{change} WHERE id = %s AND state = 'handing' AND worker = %s AND {DURABLE}"  # noqa: S608 - `change` is one of the two texts above; every value is a parameter
    with connection.cursor() as cursor:
        cursor.execute(sql, [answer.code, answer.text, *values, mail.pk, worker])


def wait_after(attempts: int) -> timedelta:
    """How long a mail waits that was put off for the so many-th time."""
    return STEPS[min(attempts, len(STEPS)) - 1]


def take_back() -> int:
    """Claimed by a worker that is gone: nothing has happened to these, they are planned again."""
    over = OutgoingMail.objects.filter(state=State.CLAIMED, lease_until__lt=Now())
    return over.update(state=State.PLANNED, worker="", lease_until=None)


def left_handing() -> Iterable[OutgoingMail]:
    """Mails somebody was handing over when the lease ran out."""
    return OutgoingMail.objects.filter(state=State.HANDING, lease_until__lt=Now()).order_by("pk")[:500]


def settle(mail: OutgoingMail, state: str, **facts: Any) -> bool:
    """Decide what became of such a mail; False if somebody else has."""
    mine = OutgoingMail.objects.filter(pk=mail.pk, state=State.HANDING, worker=mail.worker, lease_until__lt=Now())
    return bool(mine.update(state=state, worker="", lease_until=None, **facts))


class Limits:
    """The house's limits per domain, read once per run."""

    def __init__(self) -> None:
        self._named = {row.domain: Limit(row.per_hour) for row in MailLimit.objects.all()}
        everybody = MailSetup.current().per_hour
        self._rest = Limit(everybody) if everybody else None

    def of(self, domain: str) -> Limit | None:
        """The limit that holds for a domain, if any."""
        return self._named.get(domain, self._rest)

    def take(self, domain: str, *, urgent: bool) -> datetime | None:
        """Ask for one mail to this domain, within the caller's transaction: None to go, else when to come again."""
        limit = self.of(domain)
        if limit is None:
            return None
        bucket, now = _locked(domain, limit)
        taken = take(bucket, limit, now, urgent=urgent)
        _save(domain, taken.bucket)
        return taken.wait_until

    def queue_up(self, domain: str, urgent: list[bool]) -> list[datetime | None]:
        """When each of these mails may come again, None for those whose turn it is; takes nothing yet."""
        limit = self.of(domain)
        if limit is None:
            return [None] * len(urgent)
        with transaction.atomic():
            bucket, now = _locked(domain, limit)
            bucket, slots = queue_up(bucket, limit, now, urgent)
            _save(domain, bucket)
        return slots


def _locked(domain: str, limit: Limit) -> tuple[Bucket, datetime]:
    """The bucket, held until the transaction ends, and the time."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO core_mailbucket (domain, level, at, queued_until) VALUES (%s, %s, now(), now()) ON CONFLICT DO NOTHING", [domain, limit.burst])
        row = MailBucket.objects.select_for_update().get(pk=domain)
        cursor.execute("SELECT clock_timestamp()")
        return Bucket(row.level, row.at, row.queued_until), cursor.fetchone()[0]


def _save(domain: str, bucket: Bucket) -> None:
    MailBucket.objects.filter(pk=domain).update(level=bucket.level, at=bucket.at, queued_until=bucket.queued_until)
