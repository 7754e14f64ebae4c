"""Three ways to send that are wrong, as others ship them: the measure must see what each of them does under kill -9.

    python -m tests.mail.strategies after|before|cursor DSN PORT

after: send, then mark (at least once) · before: mark, then send (at most once) · cursor: a pointer moves when a batch is fetched.
All work on the table `measured(id, address, body, message_id, sent, lease)` and the one row of `pointer(last)`.
"""

from __future__ import annotations

import contextlib
import smtplib
import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import psycopg2

SCHEMA = """
DROP TABLE IF EXISTS measured, pointer;
CREATE TABLE measured (id int PRIMARY KEY, address text, body text, message_id text, sent bool DEFAULT false, lease timestamptz DEFAULT '-infinity');
CREATE TABLE pointer (last int);
INSERT INTO pointer VALUES (0);
"""
Row = tuple[int, str, str, str]
Hand = Callable[[Row], None]


def message(row: Row) -> EmailMessage:
    """The mail of a row."""
    _pk, address, body, message_id = row
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = "house@lotse.test", address, "Measured", message_id
    mail.set_content(body)
    return mail


def after(cursor: Any, hand: Hand) -> bool:
    """Lease a batch, send each, then mark it."""
    cursor.execute(
        "UPDATE measured SET lease = clock_timestamp() + interval '3 s' WHERE id IN (SELECT id FROM measured WHERE NOT sent"
        " AND lease < clock_timestamp() ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED) RETURNING id, address, body, message_id"
    )
    rows = cursor.fetchall()
    for row in rows:
        hand(row)
        cursor.execute("UPDATE measured SET sent = true WHERE id = %s", [row[0]])
    return bool(rows)


def before(cursor: Any, hand: Hand) -> bool:
    """Mark one, then send it."""
    cursor.execute(
        "UPDATE measured SET sent = true WHERE id = (SELECT id FROM measured WHERE NOT sent ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " RETURNING id, address, body, message_id"
    )
    rows = cursor.fetchall()
    for row in rows:
        hand(row)
    return bool(rows)


def cursor_first(cursor: Any, hand: Hand) -> bool:
    """Move the pointer over a batch, then send the batch."""
    cursor.execute("UPDATE pointer SET last = last + 10 RETURNING last")
    last = cursor.fetchone()[0]
    cursor.execute("SELECT id, address, body, message_id FROM measured WHERE id > %s AND id <= %s ORDER BY id", [last - 10, last])
    rows = cursor.fetchall()
    for row in rows:
        hand(row)
        cursor.execute("UPDATE measured SET sent = true WHERE id = %s", [row[0]])
    return bool(rows)


STRATEGIES = {"after": after, "before": before, "cursor": cursor_first}


@contextlib.contextmanager
def hands(port: int) -> Iterator[Hand]:
    """One connection to the mail server."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="house", timeout=20) as server:
        yield lambda row: server.send_message(message(row))  # type: ignore[func-returns-value]


def main(strategy: str, dsn: str, port: int) -> None:
    """Work until killed."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor, hands(port) as hand:
        while True:
            if not STRATEGIES[strategy](cursor, hand):
                time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
