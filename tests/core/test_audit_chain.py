"""The audit is sealed, its seals are kept outside, and what was done to it is found and told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone, translation

from contacts.models import Party
from crm.core.audit import checking, sealing
from crm.core.audit.guards import audited
from crm.core.audit.head import NAME, keep_head
from crm.core.audit.words import standing
from crm.core.models import AuditCheck, Change, Installation, MailText, Notification, Seal
from crm.core.work import work
from tests.databases import SERVER
from tests.factories import PersonFactory


@pytest.fixture(autouse=True)
def place(settings: Any, tmp_path: Path) -> Path:
    """Where this house notes the end of its chain."""
    settings.BACKUP_FOLDER = tmp_path
    return tmp_path / NAME


def sql(statement: str, *values: Any) -> list[Any]:
    """As a superuser would, with every guard off."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = 'replica'")
        cursor.execute(statement, values)
        rows = cursor.fetchall() if cursor.description else []
        cursor.execute("SET LOCAL session_replication_role = 'origin'")
    return rows


def found() -> list[str]:
    """What a check finds, by kind."""
    return [finding["what"] for finding in checking.check_now().found]


@pytest.fixture
def lived(cast: Any) -> Any:
    """Something happened, twice sealed."""
    for _ in range(2):
        with work(by=cast.anna):
            PersonFactory.create_batch(3, owner=cast.anna)
        assert sealing.seal() == 1
    return cast


@pytest.mark.django_db
def test_nothing_is_found_where_nothing_was_done(lived: Any) -> None:
    assert found() == []
    row = AuditCheck.objects.all()[0]
    assert row.held and row.entries == Change.objects.count() and row.tables == len(audited()) and row.rows > 6
    assert sealing.seal() == 0  # there is nothing more to seal


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE core_change SET actor_id = 1 WHERE id = {first}", "entries-changed"),
        ("UPDATE core_change SET after = after || '{{\"last_name\": \"X\"}}' WHERE id = {first}", "entries-changed"),
        ("DELETE FROM core_change WHERE id = {first}", "entries-gone"),
        ("DELETE FROM core_seal WHERE number = 1", "seal-gone"),
        ("UPDATE core_seal SET entries = entries + 1 WHERE number = 1", "seal-other"),
        ("DELETE FROM core_seal WHERE number = 2", "head-other"),
        ("INSERT INTO core_change SELECT -1, at, xid, actor_id, origin, request, work, job_id, relation, row_id, op, before, after FROM core_change WHERE id = {first}", "entries-behind"),
        ("UPDATE core_change SET id = CASE id WHEN {first} THEN {second} ELSE {first} END + 1000000 WHERE id IN ({first}, {second})", "entries-gone"),
        ("UPDATE contacts_party SET last_name = 'Anders' WHERE id = {party}", "row-other"),
        ("DELETE FROM contacts_party WHERE id = {party}", "row-gone"),
        ("INSERT INTO core_mailtext (key, heading_de, body_de, heading_en, body_en) VALUES ('x', '', '', '', '')", "row-unknown"),
        ("TRUNCATE core_seal", "head-other"),
        ("TRUNCATE core_change", "entries-gone"),
        ("ALTER TABLE contacts_party DISABLE TRIGGER audit_update", "guard-off"),
        ("ALTER TABLE contacts_party ENABLE REPLICA TRIGGER audit_update", "guard-off"),
        ("DROP TRIGGER audit_insert ON contacts_party", "guard-gone"),
        ("DROP TRIGGER append_only ON core_change", "guard-gone"),
        ("CREATE OR REPLACE FUNCTION core_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", "function-other"),
        ("CREATE TRIGGER quiet BEFORE INSERT ON core_change FOR EACH ROW EXECUTE FUNCTION core_append_only()", "guard-foreign"),
        ("CREATE OR REPLACE TRIGGER audit_delete AFTER DELETE ON contacts_party REFERENCING OLD TABLE AS stale FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION core_audit()", "guard-other"),
        ("CREATE RULE quiet AS ON INSERT TO core_change DO INSTEAD NOTHING", "guard-foreign"),
    ],
)
def test_what_a_superuser_does_is_found(lived: Any, statement: str, kind: str) -> None:
    first, second = Change.objects.order_by("id").values_list("id", flat=True)[:2]
    connection.check_constraints()
    sql(statement.format(first=first, second=second, party=Party.objects.order_by("-pk")[0].pk))
    assert kind in found()


@pytest.mark.django_db
def test_an_entry_with_an_old_date_is_found(lived: Any) -> None:
    """Written now, telling of last year: as a new entry, and by a transaction that was over long ago."""
    sql("INSERT INTO core_change (at, xid, origin, request, relation, row_id, op) VALUES (now() + interval '1 year', 3, 'sql', '', 'gone', 1, 'D')")
    sealing.seal()
    assert found() == ["entries-odd"]


@pytest.mark.django_db
def test_a_forged_chain_is_not_ours(lived: Any, settings: Any) -> None:
    """Whoever makes new seals needs the key; a key that was changed still opens, if it is named."""
    key, settings.SECRET_KEY = settings.SECRET_KEY, "another key, of somebody else"
    assert found().count("seal-other") == 2
    settings.SECRET_KEY_FALLBACKS = [key]
    assert found() == []


@pytest.mark.django_db
def test_the_cut_end_stays_told_after_new_seals(lived: Any, place: Path) -> None:
    noted = place.read_text()
    sql("DELETE FROM core_seal WHERE number = 2")
    PersonFactory(owner=lived.anna)
    sealing.seal()
    assert place.read_text() == noted and "head-other" in found()
    keep_head(anew=True)
    assert json.loads(place.read_text())["number"] == 2 and found() == []


@pytest.mark.django_db
def test_what_the_audit_does_not_tell_is_written_down_once_when_it_begins(cast: Any) -> None:
    sql("INSERT INTO core_mailtext (key, heading_de, body_de, heading_en, body_en) VALUES ('x', '', '', '', '')")
    row = MailText.objects.get(key="x")
    sealing.seal()
    assert Change.objects.get(relation="core_mailtext", row_id=row.pk).origin == "house"
    assert found() == []
    sql("UPDATE core_mailtext SET key = 'y' WHERE key = 'x'")
    sealing.seal()
    assert found() == ["row-other"]


@pytest.mark.django_db
def test_a_changed_key_an_empty_value_in_json_and_truncate_do_not_go_past_it(cast: Any) -> None:
    sealing.seal()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO core_mailtext (id, key, heading_de, body_de, heading_en, body_en) VALUES (9001, 'a', '', '', '', ''), (9002, 'b', '', '', '', '')")
        cursor.execute("UPDATE core_mailtext SET id = id + 10 WHERE id IN (9001, 9002)")
        cursor.execute("SELECT op, row_id FROM core_change WHERE relation = 'core_mailtext' AND row_id > 9000 ORDER BY row_id, id")
        assert cursor.fetchall() == [("I", 9001), ("D", 9001), ("I", 9002), ("D", 9002), ("I", 9011), ("I", 9012)]
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("core_mailtext", "contacts_partytag"):
            with pytest.raises(DatabaseError, match="the audit would not see"), transaction.atomic():
                cursor.execute(f"TRUNCATE {table} CASCADE")
    segment = _segment({"a": None, "b": [None, {"c": None}]}, cast)
    assert Change.objects.get(relation="campaigns_segment", row_id=segment, op="I").after["tree"] == {"a": None, "b": [None, {"c": None}]}
    assert found() == []


def _segment(tree: Any, cast: Any) -> int:
    from campaigns.models import Segment

    return int(Segment.objects.create(name="JSON", tree=tree, owner=cast.anna, team=cast.anna.team).pk)


@pytest.mark.django_db
def test_times_written_in_another_zone_are_the_same(cast: Any) -> None:
    sealing.seal()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'Asia/Tokyo'")
        PersonFactory(owner=cast.anna)
        cursor.execute("SET LOCAL timezone = 'UTC'")
    assert found() == []


@pytest.mark.django_db
def test_administrators_hear_of_it_once_and_the_set_up_shows_it(lived: Any, sign_in: Any) -> None:
    page, index = reverse("admin:core_auditcheck_changelist"), reverse("admin:index")
    browser = sign_in(lived.emil)
    assert "noch nicht geprüft" in browser.get(page).content.decode()
    assert found() == []
    assert "hat gehalten" in browser.get(page).content.decode() and "hat gehalten" in browser.get(index).content.decode()
    assert standing(timezone.now() + timedelta(days=3)) == (True, "Die letzte Prüfung des Änderungsprotokolls hat gehalten, liegt aber 3 Tage zurück.")
    assert not Notification.objects.exists()
    sql("UPDATE contacts_party SET last_name = 'Anders' WHERE id = %s", Party.objects.order_by("-pk")[0].pk)
    for _ in range(2):
        assert found() == ["row-other"]
    assert Notification.objects.filter(user=lived.emil).count() == 1 and not Notification.objects.filter(user=lived.anna).exists()
    assert "last_name" in browser.get(page).content.decode()
    assert "last_name" in browser.get(reverse("admin:core_auditcheck_change", args=[AuditCheck.objects.all()[0].pk])).content.decode()
    with translation.override("en"):
        assert standing()[1].startswith("The check of")


@pytest.mark.django_db
def test_every_finding_has_its_words() -> None:
    from crm.core.audit.words import SENTENCES, sentence

    facts = {"table": "contacts_party", "trigger": "t", "function": "f", "setting": "s", "first": 1, "last": 2, "number": 3, "at": timezone.now().isoformat(), "ids": "1", "count": 1, "row": 1, "columns": "c", "error": "e"}
    for language in ("de", "en"):
        with translation.override(language):
            assert all(sentence({"what": what, **facts}) for what in SENTENCES)


@pytest.mark.django_db
def test_the_command_says_it_in_words(lived: Any, capsys: Any) -> None:
    call_command("audit")
    assert "The audit holds" in capsys.readouterr().out
    sql("UPDATE contacts_party SET last_name = 'Anders' WHERE id = %s", Party.objects.order_by("-pk")[0].pk)
    with pytest.raises(CommandError, match="does not hold"):
        call_command("audit")
    assert "last_name" in capsys.readouterr().out
    call_command("audit", "--accept")
    assert "Written down as they are now: 1 rows" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_check_goes_on_where_it_was(lived: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The night's check works in pieces, and there is one at a time."""
    monkeypatch.setattr(checking, "MANY_SEALS", 1)
    checking.begin_check(timezone.now())
    checking.begin_check(timezone.now())
    checking.go_on(0.01)
    checking.go_on()
    row = AuditCheck.objects.get()
    assert row.held and row.seals == 2 and row.entries == Change.objects.count()


@pytest.mark.django_db
def test_the_first_check_of_a_house_seals_before_it_looks(cast: Any) -> None:
    """There are rows from before there were triggers: no entry tells of them, and nobody is to be alarmed by that."""
    PersonFactory(owner=cast.anna)
    sql("DELETE FROM core_change")
    assert not Seal.objects.exists()
    checking.begin_check(timezone.now())
    checking.go_on()
    row = AuditCheck.objects.get()
    assert row.held and row.seals > 0 and row.rows > 0, row.found


# --- beside other transactions -----------------------------------------------------------------------------------------------------------


@contextmanager
def open_elsewhere(url: str) -> Iterator[Any]:
    """A session of its own, in the midst of a transaction that wrote."""
    with closing(psycopg2.connect(url)) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")
        yield other


def ours() -> Any:
    """A second session in the tests' own database."""
    place = connection.settings_dict
    return psycopg2.connect(host=place["HOST"], port=place["PORT"] or 5432, user=place["USER"], password=place["PASSWORD"], dbname=place["NAME"])


def add(cursor: Any, key: str) -> None:
    cursor.execute("INSERT INTO core_mailtext (key, heading_de, body_de, heading_en, body_en) VALUES (%s, '', '', '', '')", [key])


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_late_under_a_low_number_is_sealed_and_no_other_database_delays_it(place: Path) -> None:
    Installation.objects.get_or_create(pk=1, defaults={"name": "Werk"})
    with open_elsewhere(SERVER), closing(ours()) as slow, slow.cursor() as late:
        sealing.seal()
        add(late, "early")
        with connection.cursor() as cursor:
            add(cursor, "quick")
        assert sealing.seal() == 1
        last = Seal.objects.order_by("number").last()
        low, top = top_and_hole(last)
        assert low < top == Change.objects.latest("id").pk and found() == []
        assert sealing.seal() == 0
        slow.commit()
        assert sealing.seal() == 1
        again = Seal.objects.order_by("number").last()
        assert again.entries == 1 and again.ids == f"{{[{low},{low + 1})}}" and again.top == top
        assert found() == [] and sealing.seal() == 0
        # Nobody else may use the numbers that are missing.
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('core_change', 'id'))")
            hole = cursor.fetchone()[0]
            add(cursor, "after")
        sealing.seal()
        sql("INSERT INTO core_change (id, at, xid, origin, request, relation, row_id, op) VALUES (%s, now(), pg_current_xact_id()::text::bigint, 'sql', '', 'gone', 1, 'D')", hole)
        assert sealing.seal() == 0 and found() == ["entries-behind"]


def top_and_hole(seal: Seal) -> tuple[int, int]:
    low = int(seal.missing[2:].split(",")[0])
    return low, seal.top


@pytest.mark.django_db(transaction=True)
def test_two_who_seal_at_once_make_one_chain() -> None:
    sealing.seal()  # where the audit begins
    threads: list[threading.Thread] = []

    def work_and_seal() -> None:
        try:
            for number in range(10):
                with connection.cursor() as cursor:
                    add(cursor, f"{threading.get_ident()}-{number}")
                sealing.seal_next()
        finally:
            connection.close()

    for _ in range(3):
        threads.append(threading.Thread(target=work_and_seal))
        threads[-1].start()
    for thread in threads:
        thread.join()
    sealing.seal()
    numbers = list(Seal.objects.values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1)) and found() == []
    assert sum(Seal.objects.values_list("entries", flat=True)) == Change.objects.count()

