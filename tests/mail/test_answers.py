"""What answers mean, what the log shows, and how fast a domain is served: tables and laws, no network and no database."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.mail import maillog
from crm.core.mail.answers import Meaning, broken, queue_id, understand
from crm.core.throttle import Bucket, Limit, queue_up, take

A, L, R, U = Meaning.ACCEPTED, Meaning.LATER, Meaning.REFUSED, Meaning.UNKNOWN
MEANINGS = [
    # step, code, meaning, does the connection live
    ("rset", 250, None, True),
    ("rset", 502, None, True),  # what it is for shows with the next MAIL
    ("rset", 421, L, False),
    ("rset", -1, L, False),
    ("mail", 250, None, True),
    ("mail", 421, L, False),
    ("mail", 450, L, True),
    ("mail", 452, L, True),
    ("mail", 530, L, True),  # not signed in: our fault, not the recipient's
    ("mail", 550, L, True),
    ("mail", 552, R, True),  # too big
    ("rcpt", 250, None, True),
    ("rcpt", 251, None, True),
    ("rcpt", 252, None, True),
    ("rcpt", 421, L, False),
    ("rcpt", 450, L, True),
    ("rcpt", 452, L, True),
    ("rcpt", 550, R, True),
    ("rcpt", 552, R, True),
    ("data", 354, None, True),
    ("data", 250, L, False),
    ("data", 451, L, True),
    ("data", 554, R, True),
    ("dot", 250, A, True),
    ("dot", 251, A, True),
    ("dot", 421, L, False),
    ("dot", 451, L, True),
    ("dot", 452, L, True),
    ("dot", 550, R, True),
    ("dot", 554, R, True),
    ("dot", 354, U, False),
    ("dot", -1, U, False),
    ("dot", 999, U, False),
    ("rcpt", -1, L, False),
]


@pytest.mark.parametrize(("step", "code", "meaning", "alive"), MEANINGS)
def test_what_an_answer_means(step: str, code: int, meaning: Meaning | None, alive: bool) -> None:
    answer = understand(step, code, "words")
    assert (answer.meaning if answer else None) is meaning
    assert answer is None or answer.alive is alive


@given(st.sampled_from(["rset", "mail", "rcpt", "data", "dot"]), st.integers(-1, 999))
def test_only_an_answer_behind_the_dot_accepts_or_leaves_open(step: str, code: int) -> None:
    answer = understand(step, code, "")
    if step != "dot":
        assert answer is None or answer.meaning in (L, R)
    else:
        assert answer is not None


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "body", "dot"])
def test_a_cut_is_unclear_behind_the_dot_alone(step: str) -> None:
    answer = broken(step, "gone")
    assert answer.meaning is (U if step == "dot" else L) and not answer.alive


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2.0.0 Ok: queued as 4bQx5T3JzRz9vGg", "4bQx5T3JzRz9vGg"),
        ("OK id=1tE7Zk-0001Ab-2c", "1tE7Zk-0001Ab-2c"),
        ("2.6.0 <a@x.de> [InternalId=1234567, Hostname=ex.x.de] 2345 bytes in 0.1, 20 KB/sec Queued mail for delivery", "a@x.de"),
        ("2.0.0 OK  1699999999 a1-20020a05600c.123 - gsmtp", "1699999999"),
        ("Requested mail action okay, completed", ""),
        ("", ""),
    ],
)
def test_the_number_in_the_servers_queue(text: str, found: str) -> None:
    assert queue_id(text) == found


# --- the log: lines as Postfix writes them ----------------------------------------------------------------------------
TAKEN = """\
Nov 27 09:30:00 mx postfix/smtpd[101]: connect from crm[10.0.0.5]
Nov 27 09:30:00 mx postfix/smtpd[101]: 4F2A1C: client=crm[10.0.0.5]
Nov 27 09:30:00 mx postfix/cleanup[102]: 4F2A1C: message-id=<a@x.de>
Nov 27 09:30:00 mx postfix/qmgr[103]: 4F2A1C: from=<haus@x.de>, size=1234, nrcpt=1 (queue active)
Nov 27 09:30:01 mx postfix/smtp[104]: 4F2A1C: to=<k@y.de>, relay=y.de[1.2.3.4]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)
Nov 27 09:30:01 mx postfix/qmgr[103]: 4F2A1C: removed
"""
LOST = """\
Nov 27 09:30:00 mx postfix/smtpd[101]: 5A3B2C: client=crm[10.0.0.5]
Nov 27 09:30:00 mx postfix/cleanup[102]: 5A3B2C: message-id=<b@x.de>
Nov 27 09:30:00 mx postfix/smtpd[101]: lost connection after DATA (1024 bytes) from crm[10.0.0.5]
Nov 27 09:30:00 mx postfix/smtpd[101]: disconnect from crm[10.0.0.5] ehlo=1 mail=1 rcpt=1 data=0/1 commands=3/4
"""
MODERN = """\
2026-11-27T09:30:00.123456+01:00 mx postfix/submission/smtpd[101]: 4bQx5T3JzRz9vGg: client=crm[10.0.0.5], sasl_method=PLAIN, sasl_username=crm
2026-11-27T09:30:00.223456+01:00 mx postfix/cleanup[102]: 4bQx5T3JzRz9vGg: message-id=<c@x.de>
2026-11-27T09:30:00.323456+01:00 mx postfix/qmgr[103]: 4bQx5T3JzRz9vGg: from=<haus@x.de>, size=99, nrcpt=1 (queue active)
"""
REFUSED = """\
Nov 27 09:30:00 mx postfix/cleanup[102]: 6A3B2C: message-id=<d@x.de>
Nov 27 09:30:00 mx postfix/cleanup[102]: 6A3B2C: milter-reject: END-OF-MESSAGE from crm[10.0.0.5]: 5.7.1 Spam; from=<haus@x.de> to=<k@y.de> proto=ESMTP helo=<crm>
Nov 27 09:30:00 mx postfix/cleanup[105]: 6A3B2C: message-id=<e@x.de>
Nov 27 09:30:00 mx postfix/qmgr[103]: 6A3B2C: from=<other@x.de>, size=99, nrcpt=1 (queue active)
"""
ONLY_SENT = """\
Nov 27 09:30:00 mx postfix-out/cleanup[102]: 7A3B2C: message-id=<f@x.de>
Nov 27 09:30:01 mx postfix-out/smtp[104]: 7A3B2C: to=<k@y.de>, relay=y.de[1.2.3.4]:25, delay=1, dsn=4.0.0, status=deferred (450 later)
"""


@pytest.mark.parametrize(
    ("log", "found"),
    [
        (TAKEN, {"<a@x.de>": "4F2A1C"}),
        (LOST, {}),  # the Message-ID alone proves nothing: the body broke off
        (MODERN, {"<c@x.de>": "4bQx5T3JzRz9vGg"}),
        (REFUSED, {"<e@x.de>": "6A3B2C"}),  # a short queue number is used again: the first mail under it was refused
        (ONLY_SENT, {"<f@x.de>": "7A3B2C"}),
        ("", {}),
        ("Nov 27 09:30:00 mx postfix/qmgr[103]: 4F2A1C: from=<haus@x.de>, size=1, nrcpt=1 (queue active)\n", {}),
        ("\x00\xff nonsense\npostfix/cleanup[1]: : message-id=<>", {}),
    ],
)
def test_what_the_log_shows_as_accepted(log: str, found: dict[str, str]) -> None:
    assert maillog.accepted(log.splitlines()) == found


@given(st.text())
def test_a_log_of_any_kind_is_read_without_error(text: str) -> None:
    maillog.accepted(text.splitlines())


def test_only_what_is_behind_the_mark_counts(tmp_path: Path) -> None:
    log = tmp_path / "maillog"
    log.write_text(TAKEN)
    mark = maillog.mark(str(log))
    assert maillog.read_since(str(log), mark, 0) == maillog.NOTHING  # nothing written since: it may have died
    with log.open("a") as file:
        file.write(LOST)
    assert maillog.read_since(str(log), mark, 0) == maillog.Since(True, {})
    with log.open("a") as file:
        file.write(MODERN)
    assert maillog.read_since(str(log), mark, 0) == maillog.Since(True, {"<c@x.de>": "4bQx5T3JzRz9vGg"})


def test_a_rotation_is_followed(tmp_path: Path) -> None:
    log = tmp_path / "maillog"
    log.write_text(TAKEN)
    mark = maillog.mark(str(log))
    with log.open("a") as file:
        file.write(MODERN)
    log.rename(tmp_path / "maillog.1")
    log.write_text(ONLY_SENT)
    assert maillog.read_since(str(log), mark, 0) == maillog.Since(True, {"<c@x.de>": "4bQx5T3JzRz9vGg", "<f@x.de>": "7A3B2C"})
    (tmp_path / "maillog.1").rename(tmp_path / "maillog.2.gz")
    assert maillog.read_since(str(log), mark, 0) == maillog.NOTHING  # a gap: nobody knows


def test_a_log_that_fell_silent_proves_nothing(tmp_path: Path) -> None:
    log = tmp_path / "maillog"
    log.write_text(TAKEN)
    mark = maillog.mark(str(log))
    with log.open("a") as file:
        file.write(LOST)
    os.utime(log, (1000, 1000))
    assert not maillog.read_since(str(log), mark, handed_at=2000).whole
    log.write_text("")  # cut off by copytruncate
    assert maillog.read_since(str(log), mark, 0) == maillog.NOTHING


@pytest.mark.parametrize(("path", "mark"), [("", ""), ("/nowhere/maillog", "1:2"), ("/nowhere/maillog", "")])
def test_without_a_log_nothing_is_known(path: str, mark: str) -> None:
    assert maillog.read_since(path, mark, 0) == maillog.NOTHING


# --- limits -----------------------------------------------------------------------------------------------------------
START = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # the night the clock springs
HOUR = timedelta(hours=1)


def worked(limit: Limit, waits: list[float], urgent: list[bool]) -> list[datetime]:
    """The moments at which mails left that came after these waits."""
    bucket, now, left = Bucket(limit.burst, START, START), START, []
    for wait, is_urgent in zip(waits, urgent, strict=True):
        now += timedelta(seconds=wait)
        taken = take(bucket, limit, now, urgent=is_urgent)
        bucket = taken.bucket
        if taken.wait_until is None:
            left.append(now)
        else:
            assert taken.wait_until > now
    return left


def most_in_an_hour(moments: list[datetime]) -> int:
    return max((sum(1 for other in moments if begin <= other < begin + HOUR) for begin in moments), default=0)


@given(st.integers(1, 400), st.lists(st.floats(0, 120), max_size=300))
def test_in_no_hour_more_than_the_limit(per_hour: int, waits: list[float]) -> None:
    limit = Limit(per_hour)
    assert most_in_an_hour(worked(limit, waits, [False] * len(waits))) <= per_hour


@given(st.integers(1, 200), st.lists(st.tuples(st.floats(0, 60), st.booleans()), max_size=200))
def test_what_is_urgent_goes_and_is_owed(per_hour: int, mails: list[tuple[float, bool]]) -> None:
    """All who are urgent leave at once; the others make room, so that in the long run the limit holds."""
    limit = Limit(per_hour)
    urgent = [is_urgent for _wait, is_urgent in mails]
    left = worked(limit, [wait for wait, _is_urgent in mails], urgent)
    assert len(left) >= sum(urgent)
    hours = sum(wait for wait, _ in mails) / 3600
    assert len(left) <= max(sum(urgent), limit.burst + limit.rate * 3600 * hours + 1 + sum(urgent))


@pytest.mark.parametrize("per_hour", [1, 2, 59, 60, 61, 1000])
def test_a_full_queue_uses_the_limit_up(per_hour: int) -> None:
    limit, bucket, now, left = Limit(per_hour), Bucket(Limit(per_hour).burst, START, START), START, []
    while now < START + 5 * HOUR:
        taken = take(bucket, limit, now)
        bucket = taken.bucket
        if taken.wait_until is None:
            left.append(now)
        now += timedelta(seconds=1)
    assert most_in_an_hour(left) <= per_hour
    assert len(left) >= 0.95 * 5 * (per_hour - limit.burst)


@given(st.integers(1, 100), st.lists(st.booleans(), max_size=60))
def test_those_who_wait_get_slots_of_their_own(per_hour: int, urgent: list[bool]) -> None:
    limit = Limit(per_hour)
    bucket, slots = queue_up(Bucket(limit.burst, START, START), limit, START, urgent)
    waiting = [slot for slot in slots if slot is not None]
    assert waiting == sorted(set(waiting)) and all(slot > START for slot in waiting)
    assert all(slot is None for slot, is_urgent in zip(slots, urgent, strict=True) if is_urgent)
    assert bucket.level == limit.burst  # nothing is taken yet


def test_a_clock_that_steps_back_gives_nothing() -> None:
    limit = Limit(60)
    bucket = take(Bucket(1, START, START), limit, START).bucket
    taken = take(bucket, limit, START - HOUR)
    assert taken.wait_until is not None and taken.bucket.at == START
