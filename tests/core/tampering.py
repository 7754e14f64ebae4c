"""What somebody with every right in Postgres may do to the audit and behind its back; nothing here knows how it is looked for."""

from __future__ import annotations

import random
from collections.abc import Callable

from django.db import connection

from crm.core.audit.guards import Watched, audited, watched
from crm.core.models import Seal
from tests.core.mixed import Changed, rows, run

Tamper = Callable[[random.Random], str]


def entry(dice: random.Random, where: str = "true") -> int:
    """An entry under a seal."""
    (top,) = rows("SELECT max(top) FROM core_seal")[0]
    found = rows(f"SELECT id FROM core_change WHERE id <= {top} AND {where} ORDER BY id OFFSET {dice.randrange(200)} LIMIT 1") or rows(f"SELECT id FROM core_change WHERE id <= {top} AND {where} LIMIT 1")
    return int(found[0][0])


def full_table(dice: random.Random) -> Watched:
    """An audited table with rows in it."""
    tables = audited()
    dice.shuffle(tables)
    return next(table for table in tables if rows(f"SELECT FROM {table.name} LIMIT 1"))


COPY = "at, xid, actor_id, origin, request, work, job_id, relation, row_id, op, before, after"
FIELDS = {
    "at": "at - interval '1 hour'", "xid": "xid + 1", "actor_id": "coalesce(actor_id, 0) + 1", "origin": "'sql2'", "request": "'r'", "work": "gen_random_uuid()", "job_id": "77", "relation": "'sales_tage'",
    "row_id": "row_id + 1", "op": "'X'", "before": "'{\"a\": 1}'", "after": "coalesce(after, '{}') || '{\"zz\": 1}'",
}  # fmt: skip


def changed_entry(dice: random.Random) -> str:
    field, number = dice.choice(sorted(FIELDS)), entry(dice)
    run(f"UPDATE core_change SET {field} = {FIELDS[field]} WHERE id = {number}")
    return f"entry, {field}"


def one_value(dice: random.Random) -> str:
    number = entry(dice, "op = 'U'")
    run(f"UPDATE core_change SET after = jsonb_set(after, ARRAY[(SELECT key FROM jsonb_object_keys(after) key LIMIT 1)], '\"forged\"') WHERE id = {number}")
    return "one value of an entry"


def deleted_entry(dice: random.Random) -> str:
    run(f"DELETE FROM core_change WHERE id = {entry(dice)}")
    return "an entry deleted"


def exchanged_entries(dice: random.Random) -> str:
    one, other = entry(dice, "op = 'I'"), entry(dice, "op = 'U'")
    run("UPDATE core_change SET id = -1 WHERE id = %s", one)
    run("UPDATE core_change SET id = %s WHERE id = %s", one, other)
    run("UPDATE core_change SET id = %s WHERE id = -1", other)
    return "two entries exchanged"


def put_in_behind(dice: random.Random) -> str:
    (low,) = rows("SELECT min(id) FROM core_change")[0]
    hole = dice.choice([0, -dice.randrange(1, 99), low - 1, *[int(number) for (number,) in rows("SELECT DISTINCT lower(h) FROM core_seal s, unnest(s.missing::int8multirange) h LIMIT 5")]])
    xid = dice.choice(["1", "pg_current_xact_id()::text::bigint + 1000", "xid"])
    run(f"INSERT INTO core_change (id, {COPY}) SELECT {hole}, {COPY.replace('xid', xid, 1)} FROM core_change WHERE id = {entry(dice)}")
    return "an entry put in behind"


def dated_back(dice: random.Random) -> str:
    run("INSERT INTO core_change (at, xid, origin, request, relation, row_id, op) SELECT at + interval '1 year', 3, 'user', '', 'gone', 1, 'D' FROM core_change ORDER BY id LIMIT 1")
    from crm.core.audit.sealing import seal

    seal()
    return "an entry with another date"


def cut_end(dice: random.Random) -> str:
    last = Seal.objects.order_by("number").last()
    assert last is not None
    keep = dice.randrange(1, last.number)
    run(f"DELETE FROM core_change WHERE id > (SELECT top FROM core_seal WHERE number = {keep})")
    run(f"DELETE FROM core_seal WHERE number > {keep}")
    return "the end cut off"


def deleted_seal(dice: random.Random) -> str:
    run(f"DELETE FROM core_seal WHERE number = {dice.randint(1, Seal.objects.count())}")
    return "a seal deleted"


def changed_seal(dice: random.Random) -> str:
    field = dice.choice(["at = at + interval '1 second'", "ids = '{[1,2)}'", "missing = '{[1,2)}'", "top = top + 1", "entries = entries + 1", "digest = md5('x')", "snapshot = '1:1:'", "xid = xid + 1", "previous = 'x'", "mac = 'x'"])
    run(f"UPDATE core_seal SET {field} WHERE number = {dice.randint(1, Seal.objects.count())}")
    return f"a seal, {field.split()[0]}"


def sealed_anew(dice: random.Random) -> str:
    """An entry changed and its seal made to fit, as far as that goes without the key."""
    from crm.core.audit.sealing import DIGEST

    number = dice.randint(1, Seal.objects.count())
    run(f"UPDATE core_change SET row_id = row_id + 1 WHERE id = (SELECT max(c.id) FROM core_change c, core_seal s WHERE s.number = {number} AND s.ids::int8multirange @> c.id)")
    run(f"UPDATE core_seal s SET digest = (SELECT {DIGEST} FROM core_change c WHERE s.ids::int8multirange @> c.id) WHERE number = {number}")
    return "a seal made anew"


def exchanged_seals(dice: random.Random) -> str:
    one, other = dice.sample(range(1, Seal.objects.count() + 1), 2)
    for a, b in ((one, -1), (other, one), (-1, other)):
        run(f"UPDATE core_seal SET number = {b} WHERE number = {a}")
    return "two seals exchanged"


def emptied(dice: random.Random) -> str:
    table = dice.choice(["core_change", "core_seal", "core_change, core_seal"])
    run(f"TRUNCATE {table}")
    return f"TRUNCATE {table}"


def trigger_off(dice: random.Random) -> str:
    table = dice.choice([one for one in watched() if one.triggers])
    name = dice.choice([name for name, _made in table.triggers])
    how = dice.choice(["DISABLE TRIGGER {}", "ENABLE REPLICA TRIGGER {}", "DROP TRIGGER {} ON"])
    run(f"DROP TRIGGER {name} ON {table.name}" if how.startswith("DROP") else f"ALTER TABLE {table.name} {how.format(name)}")
    return how.split("{")[0].strip()


def audit_off(dice: random.Random) -> str:
    run(f"ALTER TABLE {dice.choice(audited()).name} DISABLE TRIGGER USER")
    return "the audit of a table switched off"


def trigger_other(dice: random.Random) -> str:
    run(f"CREATE OR REPLACE TRIGGER audit_update AFTER UPDATE ON {dice.choice(audited()).name} REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION core_audit()")
    return "a trigger that never fires"


def function_other(dice: random.Random) -> str:
    run(f"CREATE OR REPLACE FUNCTION {dice.choice(['core_audit', 'core_append_only', 'core_audit_truncate'])}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    return "a function that does nothing"


def swallowed(dice: random.Random) -> str:
    if dice.random() < 0.5:
        run("CREATE RULE quiet AS ON INSERT TO core_change DO INSTEAD NOTHING")
        return "a rule that swallows entries"
    run("CREATE TRIGGER quiet BEFORE INSERT ON core_change FOR EACH ROW WHEN (NEW.relation = 'x') EXECUTE FUNCTION core_append_only()")
    return "a trigger that swallows entries"


def setting(dice: random.Random) -> str:
    (name,) = rows("SELECT current_database()")[0]
    run(f"ALTER DATABASE {connection.ops.quote_name(name)} SET {dice.choice(['session_replication_role = replica', 'lotse.maintenance = on'])}")
    return "a setting of the database"


def changed_row(dice: random.Random) -> str:
    table = full_table(dice)
    changed = Changed(table)
    (number,) = rows(f"SELECT id FROM {table.name} ORDER BY random() LIMIT 1")[0]
    names = sorted(set(changed.columns) - set(table.ignored))
    before = rows(f"SELECT (to_jsonb(t) - %s::text[])::text FROM {table.name} t WHERE id = {number}", list(table.ignored))
    while rows(f"SELECT (to_jsonb(t) - %s::text[])::text FROM {table.name} t WHERE id = {number}", list(table.ignored)) == before:
        name = dice.choice(names)
        run(f"UPDATE {table.name} SET {name} = {changed.columns[name]} WHERE id = {number}")
    return "a row changed"


def deleted_row(dice: random.Random) -> str:
    run(f"DELETE FROM {(name := full_table(dice).name)} WHERE id = (SELECT id FROM {name} ORDER BY random() LIMIT 1)")
    return "a row deleted"


def added_row(dice: random.Random) -> str:
    table = Changed(dice.choice(audited()))
    run(f"INSERT INTO {table.name} (id, {', '.join(table.columns)}) SELECT {table.top} + 1, {', '.join(table.columns.values())}")
    return "a row added"


def moved_row(dice: random.Random) -> str:
    run(f"UPDATE {(name := full_table(dice).name)} SET id = id + 5000000 WHERE id = (SELECT id FROM {name} ORDER BY random() LIMIT 1)")
    return "a row's key changed"


def emptied_table(dice: random.Random) -> str:
    run(f"TRUNCATE {full_table(dice).name} CASCADE")
    return "TRUNCATE of a table"


SEALS: list[Tamper] = [
    changed_entry, one_value, deleted_entry, exchanged_entries, put_in_behind, dated_back, cut_end, deleted_seal, changed_seal, sealed_anew, exchanged_seals,
]  # fmt: skip
GUARDS: list[Tamper] = [trigger_off, audit_off, trigger_other]  # of tables that somebody must have listed
OTHERS: list[Tamper] = [emptied, function_other, swallowed, setting]
ROWS: list[Tamper] = [changed_row, deleted_row, added_row, moved_row, emptied_table]
