"""Migration operations for what the database itself must keep: the audit of changes (D8) and append-only ledgers (D6)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django.db import models
from django.db.migrations.operations.base import Operation

AUDIT_FUNCTION = """
CREATE OR REPLACE FUNCTION core_audit() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    actor text := nullif(current_setting('lotse.actor', true), '');
    who bigint := CASE WHEN actor ~ '^[0-9]+$' THEN actor::bigint END;
    origin text := CASE WHEN actor IS NULL THEN 'sql' WHEN actor = 'house' THEN 'house' ELSE 'user' END;
    request text := coalesce(current_setting('lotse.request', true), '');
    piece uuid := nullif(current_setting('lotse.work', true), '')::uuid;
    jobid bigint := nullif(current_setting('lotse.job', true), '')::bigint;
    ignored text[] := coalesce(TG_ARGV, '{}');  -- a trigger without arguments has no array at all
    -- What is empty is left out of a whole row, but an empty value inside of JSON is a value.
    nested boolean := EXISTS (SELECT FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND atttypid IN ('jsonb'::regtype, 'json'::regtype));
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.core_change (at, xid, actor_id, origin, request, work, job_id, relation, row_id, op, before, after)
        SELECT clock_timestamp(), pg_current_xact_id()::text::bigint, who, origin, request, piece, jobid, TG_TABLE_NAME, n.id, 'I', NULL,
               CASE WHEN nested THEN (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(n) - ignored) WHERE value <> 'null')
                    ELSE jsonb_strip_nulls(to_jsonb(n) - ignored) END
        FROM fresh n;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO public.core_change (at, xid, actor_id, origin, request, work, job_id, relation, row_id, op, before, after)
        SELECT clock_timestamp(), pg_current_xact_id()::text::bigint, who, origin, request, piece, jobid, TG_TABLE_NAME, o.id, 'D',
               CASE WHEN nested THEN (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(o) - ignored) WHERE value <> 'null')
                    ELSE jsonb_strip_nulls(to_jsonb(o) - ignored) END, NULL
        FROM stale o;
    ELSE
        -- A row whose key was changed has no partner: it is gone under the old key and there under the new one.
        INSERT INTO public.core_change (at, xid, actor_id, origin, request, work, job_id, relation, row_id, op, before, after)
        SELECT clock_timestamp(), pg_current_xact_id()::text::bigint, who, origin, request, piece, jobid, TG_TABLE_NAME, coalesce(n.id, o.id),
               CASE WHEN o.id IS NULL THEN 'I' WHEN n.id IS NULL THEN 'D' ELSE 'U' END, d.before, d.after
        FROM fresh n FULL JOIN stale o ON o.id = n.id
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(key, was.value) FILTER (WHERE o.id IS NOT NULL AND (n.id IS NOT NULL OR was.value <> 'null')) AS before,
                   jsonb_object_agg(key, now_.value) FILTER (WHERE n.id IS NOT NULL AND (o.id IS NOT NULL OR now_.value <> 'null')) AS after
            FROM jsonb_each(to_jsonb(o) - ignored) was FULL JOIN jsonb_each(to_jsonb(n) - ignored) now_ USING (key)
            WHERE was.value IS DISTINCT FROM now_.value
        ) d
        WHERE d.before IS NOT NULL OR d.after IS NOT NULL;
    END IF;
    RETURN NULL;
END $body$;
CREATE OR REPLACE FUNCTION core_audit_truncate() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF current_setting('lotse.maintenance', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'TRUNCATE of % refused: the audit would not see which rows go; DELETE them', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $body$;
"""

APPEND_ONLY_FUNCTION = """
CREATE OR REPLACE FUNCTION core_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF current_setting('lotse.maintenance', true) = 'on' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD WHEN 'UPDATE' THEN NEW ELSE NULL END;
    END IF;
    RAISE EXCEPTION 'The ledger % is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $body$;
"""


class _OnTable(Operation, ABC):
    """An operation on one model's table that writes triggers and can be taken back."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, model: str, **options: Any) -> None:
        self.model = model
        self.options = options

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [self.model], self.options)

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Triggers are no part of Django's model state."""

    @property
    @abstractmethod
    def triggers(self) -> dict[str, str]:
        """Name → statement, with `{table}` for the table."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement in self.triggers.values():
            schema_editor.execute(statement.format(table=self._table(app_label, to_state)))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for name in self.triggers:
            schema_editor.execute(f"DROP TRIGGER {name} ON {self._table(app_label, from_state)}")

    def _table(self, app_label: str, state: Any) -> str:
        model: type[models.Model] = state.apps.get_model(app_label, self.model)
        return model._meta.db_table

    def describe(self) -> str:
        return f"{type(self).__name__} {self.model}"


class Audited(_OnTable):
    """Write every change of this table to `core_change`: three statement-level triggers, changed columns only, no lock; TRUNCATE is refused.

    COPY, bulk updates and bare SQL are caught too. `ignore` names columns without meaning for people (search vectors, passwords). The
    nightly check (`crm.core.audit`) reads these operations: a table named in one must have its triggers, and what the entries say must
    be what is in the table. For a table that has rows already, `./lotse audit --accept` writes down what it begins with.
    """

    @property
    def triggers(self) -> dict[str, str]:
        """Name of a trigger → how it is made on a table, as `pg_get_triggerdef` tells it."""
        arguments = ", ".join(f"'{column}'" for column in self.options.get("ignore", ()))
        events = {"INSERT": "NEW TABLE AS fresh", "UPDATE": "OLD TABLE AS stale NEW TABLE AS fresh", "DELETE": "OLD TABLE AS stale"}
        made = {
            f"audit_{event.lower()}": f"CREATE TRIGGER audit_{event.lower()} AFTER {event} ON {{table}} REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION core_audit({arguments})"
            for event, tables in events.items()
        }
        return made | {"audit_truncate": "CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION core_audit_truncate()"}


class AuditedWhole(Operation):
    """Refuse TRUNCATE on the tables that were audited before it was refused everywhere."""

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Triggers are no part of Django's model state."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'audit_update' ORDER BY 1")
            tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            schema_editor.execute(Audited("").triggers["audit_truncate"].replace("CREATE", "CREATE OR REPLACE", 1).format(table=table))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """The function goes with the migration, and these triggers with it."""

    def describe(self) -> str:
        return "Refuse TRUNCATE on audited tables"


class AppendOnly(_OnTable):
    """Refuse UPDATE, DELETE and TRUNCATE on a ledger unless `lotse.maintenance` is on (erasure, flushing a test database)."""

    @property
    def triggers(self) -> dict[str, str]:
        """Name of a trigger → how it is made on a table, as `pg_get_triggerdef` tells it."""
        return {
            "append_only": "CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION core_append_only()",
            "append_only_all": "CREATE TRIGGER append_only_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION core_append_only()",
        }
