"""What the database must have so that nothing goes past the audit: by the migrations, which are no part of the database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from crm.core.ledger import APPEND_ONLY_FUNCTION, AUDIT_FUNCTION, AppendOnly, Audited

Finding = dict[str, Any]


@dataclass(frozen=True)
class Watched:
    """A table with the triggers it must have; `audited` ones are rebuilt from their entries, without the columns nobody wants to know of."""

    name: str
    triggers: tuple[tuple[str, str], ...]
    audited: bool
    ignored: tuple[str, ...] = ()


@cache
def watched() -> tuple[Watched, ...]:
    """Every audited table and every ledger, in the order of the alphabet."""
    found = {}
    for (app, _name), migration in MigrationLoader(None, ignore_no_migrations=True).disk_migrations.items():
        for operation in migration.operations:
            if isinstance(operation, Audited | AppendOnly):
                table = apps.get_model(app, operation.model)._meta.db_table
                found[table] = Watched(table, tuple(operation.triggers.items()), isinstance(operation, Audited), tuple(operation.options.get("ignore", ())))
    return tuple(found[name] for name in sorted(found))


def audited() -> list[Watched]:
    """The tables whose every change is an entry."""
    return [table for table in watched() if table.audited]


def look_at_guards(cursor: Any) -> list[Finding]:
    """Triggers that are gone, off, other than ours or too many where entries are written; functions that were rewritten; settings that switch them off."""
    return [*_triggers(cursor), *_functions(cursor), *_settings(cursor)]


def _triggers(cursor: Any) -> list[Finding]:
    cursor.execute(
        "SELECT c.relname, t.tgname, t.tgenabled, pg_get_triggerdef(t.oid, true) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace"
    )
    here = {(table, name): (enabled, made) for table, name, enabled, made in cursor.fetchall()}
    found: list[Finding] = []
    for table in watched():
        for name, made in table.triggers:
            enabled, there = here.pop((table.name, name), (None, ""))
            if enabled not in ("O", "A") or there != made.format(table=table.name):
                found.append({"what": "guard-gone" if enabled is None else "guard-off" if enabled not in ("O", "A") else "guard-other", "table": table.name, "trigger": name})
    ours = {"core_change", "core_seal"}
    found += [{"what": "guard-foreign", "table": table, "trigger": name} for table, name in sorted(here) if table in ours]
    cursor.execute(
        "SELECT c.relname, r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%s)",
        [[table.name for table in watched()]],
    )
    return found + [{"what": "guard-foreign", "table": table, "trigger": rule} for table, rule in cursor.fetchall()]


def _functions(cursor: Any) -> list[Finding]:
    wanted = {name: body for sql in (AUDIT_FUNCTION, APPEND_ONLY_FUNCTION) for name, body in re.findall(r"FUNCTION (\w+)\(\).*?\$body\$(.*?)\$body\$", sql, re.DOTALL)}
    cursor.execute("SELECT proname, prosrc, proconfig IS NULL FROM pg_proc WHERE proname = ANY(%s) AND pronamespace = 'public'::regnamespace AND pronargs = 0", [list(wanted)])
    here = {name: body for name, body, plain in cursor.fetchall() if plain}
    return [{"what": "function-other", "function": name} for name, body in sorted(wanted.items()) if here.get(name) != body]


def _settings(cursor: Any) -> list[Finding]:
    """What is set for a role or for the whole database holds in every session of it."""
    cursor.execute(
        "SELECT DISTINCT s FROM pg_db_role_setting, unnest(setconfig) s WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
        " AND (starts_with(s, 'session_replication_role=') AND s <> 'session_replication_role=origin' OR starts_with(s, 'lotse.')) ORDER BY s"
    )
    return [{"what": "setting", "setting": setting} for (setting,) in cursor.fetchall()]
