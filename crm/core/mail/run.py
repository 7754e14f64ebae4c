"""One worker's run: what it claims, and the statement by which a mail is marked as on its way."""

from __future__ import annotations

import contextlib
import re
import uuid
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from crm.core.mail.answers import Meaning
from crm.core.mail.kinds import kind_of
from crm.core.mail.queue import DURABLE, Ended, Limits, lease, write_end
from crm.core.models import OutgoingMail

BATCH = 20
HOLD = timedelta(seconds=60)  # how long a claim lasts; taken back too early does no harm, the worker then finds its row gone
URGENT = 0  # the priority that does not wait for limits
_ONE_CLAIMS = 0x3A11  # the advisory lock under which batches are claimed: so the number of workers is exact
State = OutgoingMail.State

_CLAIM = """
WITH others AS (
    SELECT count(DISTINCT worker) AS n FROM core_outgoingmail
    WHERE worker <> %s AND (
        state = 'claimed' AND lease_until > statement_timestamp() OR state = 'handing' AND handed_at > statement_timestamp() - %s
    )
), due AS (
    SELECT id FROM core_outgoingmail
    WHERE state IN ('planned', 'deferred') AND due_at <= statement_timestamp()
        AND EXISTS (SELECT FROM core_mailsetup, others WHERE id = 1 AND lock = '' AND n < connections)
    ORDER BY priority, due_at, id LIMIT %s FOR UPDATE OF core_outgoingmail SKIP LOCKED
)
UPDATE core_outgoingmail m SET state = 'claimed', worker = %s, lease_until = statement_timestamp() + %s, log_mark = %s
FROM due WHERE m.id = due.id RETURNING m.id
"""

# $1 worker, $2 mail, $3 lease; $4 the mail before it that was accepted (NULL for none), $5 code, $6 answer, $7 queue number
_TYPES = "(text, bigint, interval, bigint, int, text, text)"
_HAND = f"""
WITH ended AS (
    UPDATE core_outgoingmail SET state = 'accepted', code = $5, answer = $6, queue_id = $7, worker = '', lease_until = NULL
    WHERE id = $4 AND state = 'handing' AND worker = $1 AND {DURABLE}
)
UPDATE core_outgoingmail
SET state = 'handing', handed_at = statement_timestamp(), lease_until = statement_timestamp() + $3, attempts = attempts + 1
WHERE id = $2 AND state = 'claimed' AND worker = $1 AND {DURABLE}
"""  # noqa: S608 - put together from constants of ours; every value is a parameter


class Run:
    """A worker under a name of its own, with the limits and the last words as they stand at its beginning."""

    def __init__(self, worker: str = "") -> None:
        self.worker = worker or uuid.uuid4().hex
        self._limits = Limits()
        self._statements: dict[str, str] = {}

    def claim(self, log_mark: str) -> list[OutgoingMail]:
        """Up to 20 due mails, the urgent ones first, leased to this worker. None while sending is locked or enough others are at it.

        A worker of which nothing was heard for a minute does not count: it is gone, or waits for a slow answer.
        """
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_CLAIMS])
            values: list[Any] = [self.worker, HOLD, BATCH, self.worker, min(HOLD, lease()), log_mark]
            cursor.execute(_CLAIM, values)
            return list(OutgoingMail.objects.filter(pk__in=[pk for (pk,) in cursor.fetchall()]).order_by("priority", "due_at", "pk"))

    def hold_back(self, mails: list[OutgoingMail]) -> list[OutgoingMail]:
        """Let those wait whose domain has had its share for now, each until a slot of its own. Returns the rest."""
        leaving = set()
        for domain, rows in groupby(sorted(mails, key=lambda mail: mail.domain), key=lambda mail: mail.domain):
            here = list(rows)
            for mail, slot in zip(here, self._limits.queue_up(domain, [mail.priority == URGENT for mail in here]), strict=True):
                if slot is None:
                    leaving.add(mail.pk)
                else:
                    self._claimed(mail).update(state=State.PLANNED, due_at=slot, worker="", lease_until=None)
        return [mail for mail in mails if mail.pk in leaving]

    def mark_handing(self, mail: OutgoingMail, before: Ended | None) -> bool:
        """Commit that this mail is on its way, and the end of the one before it. False: it is not to leave now.

        Whether its reason still holds is asked in the same UPDATE. A domain that has had its share keeps the mail waiting. In the usual
        case, where the mail before was accepted and there is no limit, all this is one statement.
        """
        simple = before is None or before.answer.meaning is Meaning.ACCEPTED
        if simple and self._limits.of(mail.domain) is None:
            return self._mark(mail, before)
        with transaction.atomic():
            if before is not None:
                write_end(before, self.worker)
            slot = self._limits.take(mail.domain, urgent=mail.priority == URGENT)
            if slot is not None:
                self._claimed(mail).update(state=State.PLANNED, due_at=slot, worker="", lease_until=None)
                return False
            return self._mark(mail, None)

    def _mark(self, mail: OutgoingMail, before: Ended | None) -> bool:
        values: list[Any] = [self.worker, mail.pk, lease(), None, None, "", ""]
        if before is not None:
            values[3:] = [before.mail.pk, before.answer.code, before.answer.text, before.answer.queue_id]
        with connection.cursor() as cursor:
            cursor.execute(self._statement(mail.kind), {f"v{place}": value for place, value in enumerate(values, 1)})
            leaves: bool = cursor.rowcount == 1
        if not leaves:
            self._claimed(mail).update(state=State.WITHDRAWN, answer=str(kind_of(mail.kind).withdrawn), worker="", lease_until=None)
        return leaves

    def _statement(self, kind: str) -> str:
        """The statement for a kind, prepared once for this run: planning it anew for each mail costs more than running it.

        Behind a pooler it is sent whole each time: what was prepared stays with a connection that the next statement may not get.
        """
        if kind not in self._statements:
            still, values = last_word(kind)
            named = re.sub(r"\$(\d)", r"%(v\1)s", _HAND)
            with connection.cursor() as cursor:
                last = cursor.mogrify(f" AND true{still}", values).decode()
                if settings.DATABASE_POOLED:
                    self._statements[kind] = named + last.replace("%", "%%")
                else:
                    name = connection.ops.quote_name(f"mail_{uuid.uuid4().hex}")
                    cursor.execute(f"PREPARE {name} {_TYPES} AS {_HAND}{last}")
                    self._statements[kind] = f"EXECUTE {name} ({', '.join(f'%(v{place})s' for place in range(1, 8))})"
        return self._statements[kind]

    def refuse(self, mail: OutgoingMail, text: str) -> None:
        """What cannot be sent at all, before it was tried."""
        self._claimed(mail).update(state=State.REFUSED, answer=text[:2000], worker="", lease_until=None)

    def give_back(self) -> None:
        """What was claimed and not begun is for others."""
        OutgoingMail.objects.filter(state=State.CLAIMED, worker=self.worker).update(state=State.PLANNED, worker="", lease_until=None)

    def close(self) -> None:
        """Forget the prepared statements; a connection that is gone has forgotten them."""
        with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
            for statement in self._statements.values():
                if statement.startswith("EXECUTE"):
                    cursor.execute(f"DEALLOCATE {statement.split()[1]}")
        self._statements = {}

    def _claimed(self, mail: OutgoingMail) -> QuerySet[OutgoingMail]:
        """The row, as long as this worker has claimed it."""
        return OutgoingMail.objects.filter(pk=mail.pk, state=State.CLAIMED, worker=self.worker)


def last_word(key: str) -> tuple[str, list[Any]]:
    """What a kind asks of its mails as they leave, as SQL behind AND. It may not join: see MailKind."""
    query = OutgoingMail.objects.filter(kind_of(key).still()).query
    sql, values = query.where.as_sql(query.get_compiler(connection=connection), connection) if query.where else ("", ())
    assert all(count == 0 for alias, count in query.alias_refcount.items() if alias != "core_outgoingmail"), f"{key} joins"
    return (f" AND {sql}", list(values)) if sql else ("", [])
