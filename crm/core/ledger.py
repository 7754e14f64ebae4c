"""Migration operations for what the database itself must keep: the audit of changes (D8) and append-only ledgers (D6)."""

from __future__ import annotations

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
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO core_change (at, xid, actor_id, origin, request, work, job_id, relation, row_id, op, before, after)
        SELECT clock_timestamp(), pg_current_xact_id()::text::bigint, who, origin, request, piece, jobid, TG_TABLE_NAME, n.id, 'I', NULL,
               jsonb_strip_nulls(to_jsonb(n) - ignored)
        FROM fresh n;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO core_change (at, xid, actor_id, origin, request, work, job_id, relation, row_id, op, before, after)
        SELECT clock_timestamp(), pg_current_xact_id()::text::bigint, who, origin, request, piece, jobid, TG_TABLE_NAME, o.id, 'D',
               jsonb_strip_nulls(to_jsonb(o) - ignored), NULL
        FROM stale o;
    ELSE
        INSERT INTO core_change (at, xid, actor_id, origin, request, work, job_id, relation, row_id, op, before, after)
        SELECT clock_timestamp(), pg_current_xact_id()::text::bigint, who, origin, request, piece, jobid, TG_TABLE_NAME, n.id, 'U', d.before, d.after
        FROM fresh n JOIN stale o ON o.id = n.id
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(was.key, was.value) AS before, jsonb_object_agg(was.key, now_.value) AS after
            FROM jsonb_each(to_jsonb(o) - ignored) was JOIN jsonb_each(to_jsonb(n) - ignored) now_ USING (key)
            WHERE was.value IS DISTINCT FROM now_.value
        ) d
        WHERE d.before IS NOT NULL;
    END IF;
    RETURN NULL;
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


class _OnTable(Operation):
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

    def _table(self, app_label: str, state: Any) -> str:
        model: type[models.Model] = state.apps.get_model(app_label, self.model)
        return model._meta.db_table

    def describe(self) -> str:
        return f"{type(self).__name__} {self.model}"


class Audited(_OnTable):
    """Write every change of this table to `core_change`: three statement-level triggers, changed columns only, no lock.

    COPY, bulk updates and bare SQL are caught too. `ignore` names columns without meaning for people (search vectors, passwords).
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = self._table(app_label, to_state)
        arguments = ", ".join(f"'{column}'" for column in self.options.get("ignore", ()))
        for event, tables in (("INSERT", "NEW TABLE AS fresh"), ("UPDATE", "OLD TABLE AS stale NEW TABLE AS fresh"), ("DELETE", "OLD TABLE AS stale")):
            schema_editor.execute(
                f'CREATE TRIGGER audit_{event.lower()} AFTER {event} ON "{table}" REFERENCING {tables} '
                f"FOR EACH STATEMENT EXECUTE FUNCTION core_audit({arguments})"
            )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = self._table(app_label, from_state)
        for event in ("insert", "update", "delete"):
            schema_editor.execute(f'DROP TRIGGER audit_{event} ON "{table}"')


class AppendOnly(_OnTable):
    """Refuse UPDATE, DELETE and TRUNCATE on a ledger unless `lotse.maintenance` is on (erasure, flushing a test database)."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = self._table(app_label, to_state)
        schema_editor.execute(f'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON "{table}" FOR EACH ROW EXECUTE FUNCTION core_append_only()')
        schema_editor.execute(f'CREATE TRIGGER append_only_all BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT EXECUTE FUNCTION core_append_only()')

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = self._table(app_label, from_state)
        schema_editor.execute(f'DROP TRIGGER append_only ON "{table}"')
        schema_editor.execute(f'DROP TRIGGER append_only_all ON "{table}"')
