"""Behind PgBouncer in transaction mode, where each transaction may get another session: a slice of the product works all the same."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from contacts.models import Person
from crm.core.mail import Recipient, plan_mail, queue, sending
from crm.core.mail.answers import Answer, Meaning
from crm.core.mail.inbox import fetching
from crm.core.mail.queue import Ended
from crm.core.models import OutgoingMail
from crm.devstack.engines import as_account
from crm.devstack.services import wait_for
from sales.models import Opportunity
from tests.conftest import Browser
from tests.factories import PersonFactory
from tests.imports.export_files import write_export
from tests.imports.steps import apply, begin, check

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.django_db(transaction=True)
SESSIONS = 4


@pytest.fixture
def pooled(transactional_db: None, settings: Any, tmp_path: Path) -> Iterator[None]:
    """The database through PgBouncer with several sessions, handed out in turn: nobody gets the same one twice in a row."""
    if not PGBOUNCER:
        pytest.skip("PgBouncer is missing on this machine (apt-get install pgbouncer)")
    connection.ensure_connection()
    place = connection.settings_dict
    direct = dict(place)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(f"/tmp/lotse-pool-{port}")  # short, because a socket's name may have 107 bytes only
    folder.mkdir(mode=0o755)
    (folder / "users").write_text(f'"{place["USER"]}" "{place["PASSWORD"]}"\n')
    (folder / "settings").write_text(
        f"[databases]\n* = host={place['HOST']} port={place['PORT'] or 5432}\n[pgbouncer]\nlisten_port = {port}\nlisten_addr = 127.0.0.1\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder}/users\npool_mode = transaction\nserver_round_robin = 1\ndefault_pool_size = {SESSIONS}\n"
    )
    with (tmp_path / "pgbouncer.log").open("w") as log:
        pooler = subprocess.Popen([str(PGBOUNCER), str(folder / "settings")], stdout=log, stderr=log, cwd="/", **as_account())

    def knock() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        wait_for(knock, "PgBouncer", 20)
        connection.close()
        place.update(HOST="127.0.0.1", PORT=str(port), DISABLE_SERVER_SIDE_CURSORS=True)
        settings.DATABASE_POOLED = True
        crowd = [psycopg2.connect(host="127.0.0.1", port=port, user=place["USER"], dbname=place["NAME"]) for _ in range(SESSIONS)]
        for one in crowd:
            one.cursor().execute("SELECT 1")  # each inside a transaction: so many sessions are opened
        for one in crowd:
            one.rollback()
            one.close()
        yield
    finally:
        connection.close()
        place.update(direct)
        pooler.terminate()
        pooler.wait(20)
        shutil.rmtree(folder)


def session() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_red_control_a_session_is_not_kept(pooled: None) -> None:
    """What leans on a session fails here: so the others say something."""
    assert len({session() for _ in range(12)}) > 1
    with pytest.raises(DatabaseError, match="does not exist"), connection.cursor() as cursor:
        cursor.execute("PREPARE leaning AS SELECT 1")
        for _ in range(SESSIONS):
            cursor.execute("EXECUTE leaning")


def test_a_slice_of_the_product(pooled: None, cast: Any) -> None:
    """Sign in, look, save, bring out."""
    cache.clear()
    cast.emil.set_password("ein langer Satz 7")
    cast.emil.save()
    EmailAddress.objects.create(user=cast.emil, email=cast.emil.email, verified=True, primary=True)
    browser = Browser()
    assert browser.post(reverse("account_login"), {"login": cast.emil.email, "password": "ein langer Satz 7"}).status_code == 302
    facts = {"first_name": "Mia", "last_name": "Thal", "email": "mia@thal.example", "state": "prospect", "form_of_address": "sie"}
    answer = browser.post(reverse("person-create"), facts)
    assert answer.status_code == 302, answer.content.decode()
    assert Person.objects.get(last_name="Thal").owner == cast.emil
    assert "Mia Thal" in browser.get(reverse("person-list")).content.decode()
    for _ in range(30):
        PersonFactory(owner=cast.emil)
    text = b"".join(browser.get(reverse("person-export")).streaming_content).decode("utf-8-sig")
    assert len(text.splitlines()) == 32


def test_an_import_as_a_job(pooled: None, cast: Any, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    write_export(files, opportunities=40)
    apply(check(begin(sorted(files.iterdir()), cast.emil), cast.emil), cast.emil)
    assert Opportunity.objects.count() == 40


def test_mails_leave(pooled: None, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT, settings.EMAIL_FILE_PATH, settings.SMTP_HOST = tmp_path / "media", tmp_path / "mail", ""
    sending.tend()
    for number in range(30):
        plan_mail(Recipient(f"n{number}@x.test", "de"), once=str(number), heading="Grüße", body="100 % gemeint", kind="notification")
    assert sending.send_due() == 30
    assert set(OutgoingMail.objects.values_list("state", flat=True)) == {"accepted"}


def test_one_alone_reads_the_mailbox(pooled: None) -> None:
    with fetching._alone() as first, fetching._alone() as second:
        assert (first, second) == (True, False)
    with fetching._alone() as again:
        assert again


def test_a_mark_is_durable_for_its_own_transaction_alone() -> None:
    """Whatever the database's own setting is (here: off), and nothing is left on the connection."""

    def setting() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            return str(cursor.fetchone()[0])

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = 'off'")
    mail = OutgoingMail(pk=4711, attempts=0)
    with transaction.atomic():
        queue.write_end(Ended(mail, Answer(Meaning.ACCEPTED, 250, "ok")), "somebody")
        assert setting() == "on"
    assert setting() == "off"
