"""The states of a mail, each step one conditional UPDATE: whoever is late changes nothing (D7).

A worker's name is on every row it holds. When its lease is over the rows are taken from it, and what it still tries to write meets no row.
All times are the database's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from crm.core.mail.answers import Answer, Meaning
from crm.core.mail.kinds import kind_of
from crm.core.mail.throttle import Bucket, Limit, queue_up, take
from crm.core.models import MailBucket, MailLimit, MailSetup, OutgoingMail

BATCH = 20
URGENT = 0  # the priority that does not wait for limits
STEPS = [timedelta(minutes=m) for m in (1, 5, 15, 30, 60, 120, 240)]  # waits between the tries of a mail that was put off
_ONE_CLAIMS = 0x3A11  # the advisory lock under which batches are claimed: so the number of workers is exact
State = OutgoingMail.State


@dataclass(frozen=True)
class Ended:
    """The end of a try, not yet written."""

    mail: OutgoingMail
    answer: Answer


def lease() -> timedelta:
    """How long a worker may hold a row: longer than any conversation, and longer than a mail server waits for a silent one."""
    return timedelta(seconds=settings.MAIL_LEASE)


def claim(worker: str, log_mark: str) -> list[OutgoingMail]:
    """Up to 20 due mails, the urgent ones first, leased to this worker. None while sending is locked or enough others are at it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # What is marked must stay marked when the server dies, whatever the database's own setting is.
            cursor.execute("SELECT set_config('synchronous_commit', 'on', false), pg_advisory_xact_lock(%s)", [_ONE_CLAIMS])
        setup = MailSetup.current()
        busy = OutgoingMail.objects.filter(state__in=OutgoingMail.HELD, lease_until__gt=Now()).exclude(worker=worker).values("worker").distinct().count()
        if setup.lock or busy >= setup.connections:
            return []
        due = OutgoingMail.objects.filter(state__in=OutgoingMail.WAITING, due_at__lte=Now()).order_by("priority", "due_at", "pk")
        rows = list(due.select_for_update(skip_locked=True)[:BATCH])
        OutgoingMail.objects.filter(pk__in=[row.pk for row in rows]).update(state=State.CLAIMED, worker=worker, lease_until=Now() + lease(), log_mark=log_mark)
    return rows


def mark_handing(mail: OutgoingMail, worker: str, rules: Rules, before: Ended | None) -> bool:
    """Commit that this mail is on its way, and the end of the one before it, in one statement. False: it is not to leave now.

    Whether its reason still holds is asked in the same UPDATE. A domain that has had its share keeps the mail waiting.
    """
    if rules.apply_to(mail.domain):
        with transaction.atomic():
            if before is not None:
                write_end(before, worker)
            slot = rules.take(mail.domain, urgent=mail.priority == URGENT)
            if slot is not None:
                _mine(mail, worker).update(state=State.PLANNED, due_at=slot, worker="", lease_until=None)
                return False
            return _hand(mail, worker, rules, None)
    return _hand(mail, worker, rules, before)


def _hand(mail: OutgoingMail, worker: str, rules: Rules, before: Ended | None) -> bool:
    still, values = rules.last_word(mail.kind)
    first, first_values = _ending(before, worker) if before is not None else ("", [])
    parameters: list[Any] = [*first_values, lease(), mail.pk, worker, *values]
    ended = f"WITH ended AS ({first}) " if first else ""
    change = "state = 'handing', handed_at = statement_timestamp(), lease_until = statement_timestamp() + %s, attempts = attempts + 1"
    sql = f"{ended}UPDATE core_outgoingmail SET {change} WHERE id = %s AND state = 'claimed' AND worker = %s{still}"  # noqa: S608 - pieces of our own
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        leaves: bool = cursor.rowcount == 1
    if not leaves:
        _mine(mail, worker).update(state=State.WITHDRAWN, answer=str(kind_of(mail.kind).withdrawn), worker="", lease_until=None)
    return leaves


def write_end(ended: Ended, worker: str) -> None:
    """Write what became of a try. An unknown end stays as it is: the lease runs out, then the log decides (`sending.tend`)."""
    with connection.cursor() as cursor:
        cursor.execute(*_ending(ended, worker))


def _ending(ended: Ended, worker: str) -> tuple[str, list[Any]]:
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
    sql = f"UPDATE core_outgoingmail SET code = %s, answer = %s{change} WHERE id = %s AND state = 'handing' AND worker = %s"  # noqa: S608
    return sql, [answer.code, answer.text, *values, mail.pk, worker]


def _mine(mail: OutgoingMail, worker: str) -> QuerySet[OutgoingMail]:
    """The row, as long as this worker has claimed it."""
    return OutgoingMail.objects.filter(pk=mail.pk, state=State.CLAIMED, worker=worker)


def wait_after(attempts: int) -> timedelta:
    """How long a mail waits that was put off for the so many-th time."""
    return STEPS[min(attempts, len(STEPS)) - 1]


def hold_back(mails: list[OutgoingMail], worker: str, rules: Rules) -> list[OutgoingMail]:
    """Let those wait whose domain has had its share for now, each until a slot of its own. Returns the rest."""
    leaving = []
    for domain, rows in groupby(sorted(mails, key=lambda mail: mail.domain), key=lambda mail: mail.domain):
        here = list(rows)
        slots = rules.queue_up(domain, [mail.priority == URGENT for mail in here])
        for mail, slot in zip(here, slots, strict=True):
            if slot is None:
                leaving.append(mail)
            else:
                _mine(mail, worker).update(state=State.PLANNED, due_at=slot, worker="", lease_until=None)
    order = {mail.pk: number for number, mail in enumerate(mails)}
    return sorted(leaving, key=lambda mail: order[mail.pk])


def refuse(mail: OutgoingMail, worker: str, text: str) -> None:
    """What cannot be sent at all, before it was tried."""
    _mine(mail, worker).update(state=State.REFUSED, answer=text[:2000], worker="", lease_until=None)


def give_back(worker: str) -> None:
    """What this worker claimed and did not begin is for others."""
    OutgoingMail.objects.filter(state=State.CLAIMED, worker=worker).update(state=State.PLANNED, worker="", lease_until=None)


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


class Rules:
    """The house's limits and the last words of the kinds, read once per run."""

    def __init__(self) -> None:
        self._words: dict[str, tuple[str, list[Any]]] = {}
        self._named = {row.domain: Limit(row.per_hour) for row in MailLimit.objects.all()}
        everybody = MailSetup.current().per_hour
        self._rest = Limit(everybody) if everybody else None

    def last_word(self, key: str) -> tuple[str, list[Any]]:
        """What a kind asks of its mails as they leave, as SQL behind AND. It may not join: see MailKind."""
        if key not in self._words:
            query = OutgoingMail.objects.filter(kind_of(key).still()).query
            sql, values = query.where.as_sql(query.get_compiler(connection=connection), connection) if query.where else ("", ())
            assert all(count == 0 for alias, count in query.alias_refcount.items() if alias != "core_outgoingmail"), f"{key} joins"
            self._words[key] = (f" AND {sql}", list(values)) if sql else ("", [])
        return self._words[key]

    def apply_to(self, domain: str) -> bool:
        """Whether there is a limit at all."""
        return self._limit(domain) is not None

    def take(self, domain: str, *, urgent: bool) -> datetime | None:
        """Ask for one mail to this domain, within the caller's transaction: None to go, else when to come again."""
        limit = self._limit(domain)
        if limit is None:
            return None
        bucket, now = self._locked(domain, limit)
        taken = take(bucket, limit, now, urgent=urgent)
        self._save(domain, taken.bucket)
        return taken.wait_until

    def queue_up(self, domain: str, urgent: list[bool]) -> list[datetime | None]:
        """When each of these mails may come again, None for those whose turn it is; takes nothing yet."""
        limit = self._limit(domain)
        if limit is None:
            return [None] * len(urgent)
        with transaction.atomic():
            bucket, now = self._locked(domain, limit)
            bucket, slots = queue_up(bucket, limit, now, urgent)
            self._save(domain, bucket)
        return slots

    def _limit(self, domain: str) -> Limit | None:
        return self._named.get(domain, self._rest)

    def _locked(self, domain: str, limit: Limit) -> tuple[Bucket, datetime]:
        """The bucket, held until the transaction ends, and the time."""
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO core_mailbucket (domain, level, at, queued_until) VALUES (%s, %s, now(), now()) ON CONFLICT DO NOTHING", [domain, limit.burst])
            row = MailBucket.objects.select_for_update().get(pk=domain)
            cursor.execute("SELECT clock_timestamp()")
            return Bucket(row.level, row.at, row.queued_until), cursor.fetchone()[0]

    def _save(self, domain: str, bucket: Bucket) -> None:
        MailBucket.objects.filter(pk=domain).update(level=bucket.level, at=bucket.at, queued_until=bucket.queued_until)
