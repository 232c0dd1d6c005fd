"""What the database itself holds to: the chain of the trail, a version for every change, and rights of its role."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections

FUNCTIONS = """
CREATE OR REPLACE FUNCTION workflow_entry_text(e workflow_entry) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT concat_ws(chr(31), e.id, e.record_type, e.record_id, coalesce(e.scope_id::text, '-'), e.number,
    coalesce(e.actor_id::text, '-'), coalesce(e.acting_for_id::text, '-'), e.role, e.via, e.step, e.from_state,
    e.to_state, e.request_id, (extract(epoch FROM e.at) * 1000000)::bigint,
    (extract(epoch FROM e.effective_at) * 1000000)::bigint, coalesce(e.caused_by_id::text, '-'),
    e.fields::text, e.digest)
$$;
CREATE OR REPLACE FUNCTION workflow_entry_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE head record;
BEGIN
  SELECT number, sha256 INTO head FROM workflow_entry WHERE record_id = NEW.record_id ORDER BY number DESC LIMIT 1;
  NEW.number := coalesce(head.number, 0) + 1;
  NEW.previous := coalesce(head.sha256, '');
  NEW.at := clock_timestamp();
  NEW.sha256 := encode(sha256(convert_to(NEW.previous || workflow_entry_text(NEW), 'UTF8')), 'hex');
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION workflow_version_has_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.version <> OLD.version + 1 THEN
    RAISE EXCEPTION '% %: changed without a step', TG_TABLE_NAME, NEW.id 
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT to_state INTO found FROM workflow_entry WHERE record_id = NEW.id AND number = NEW.version;
  IF found IS NULL OR (TG_ARGV[0] = 'state' AND found <> (to_jsonb(NEW) ->> 'state')) THEN
    RAISE EXCEPTION '% %: changed without a step', TG_TABLE_NAME, NEW.id 
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
-- The one thing that the application may empty: reasons and values of a record whose own chain says that it was erased.
CREATE OR REPLACE FUNCTION workflow_empty_details(keys uuid[]) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE emptied integer;
BEGIN
  UPDATE workflow_detail d SET reason = '', changes = '{}'::jsonb, erased = true
    FROM workflow_entry e
    WHERE e.id = d.entry_id AND e.record_id = ANY(keys) AND NOT d.erased
      AND EXISTS (SELECT 1 FROM workflow_entry x WHERE x.record_id = e.record_id AND x.step LIKE 'erase%');
  GET DIAGNOSTICS emptied = ROW_COUNT;
  RETURN emptied;
END $$;
REVOKE ALL ON FUNCTION workflow_empty_details(uuid[]) FROM PUBLIC;
CREATE OR REPLACE TRIGGER workflow_chain BEFORE INSERT ON workflow_entry
  FOR EACH ROW EXECUTE FUNCTION workflow_entry_chain();
"""


def is_locked(key: str) -> str:
    """SQL that says whether somebody holds the advisory lock of a key (an SQL expression of type bigint).

    PostgreSQL shows the 64 bits of such a lock as two halves.
    """
    return HELD % key


HELD = """EXISTS (SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (l.classid::bigint << 32 | l.objid::bigint) = %s)"""


def install_triggers(sender: Any = None, using: str = "default", **kwargs: Any) -> None:
    """After each migrate: functions, triggers on every table of records, and the rights of the application's role."""
    last = [config for config in apps.get_app_configs() if config.models_module][-1]
    if sender is not None and sender.label != last.label:
        return  # once, when every table is there
    from .engine import all_records

    connection = connections[using]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if "workflow_entry" not in tables:
            return
        cursor.execute(FUNCTIONS)
        kept = [model for model in all_records() if model._meta.db_table in tables]
        for model in kept:
            table, argument = model._meta.db_table, "state" if model.has_states() else "plain"
            cursor.execute(f"DROP TRIGGER IF EXISTS workflow_version ON {table}")
            cursor.execute(
                f"CREATE CONSTRAINT TRIGGER workflow_version AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY "
                f"DEFERRED FOR EACH ROW EXECUTE FUNCTION workflow_version_has_entry('{argument}')"
            )
        _limit_rights(cursor, [model._meta.db_table for model in kept])


def _limit_rights(cursor: Any, records: list[str]) -> None:
    """The serving role appends to the trail and never deletes a record; only the owner of the tables can."""
    role = settings.APPLICATION_ROLE
    cursor.execute("SELECT current_user, EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %s)", [role])
    owner, exists = cursor.fetchone()
    if not exists or owner == role:
        return
    cursor.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{role}"')
    cursor.execute(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"')
    cursor.execute(f'GRANT EXECUTE ON FUNCTION workflow_empty_details(uuid[]) TO "{role}"')
    for table in ("workflow_entry", "workflow_detail", "workflow_seal"):
        cursor.execute(f'REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM "{role}"')
    for table in records:
        cursor.execute(f'REVOKE DELETE, TRUNCATE ON {table} FROM "{role}"')


def missing_triggers() -> list[str]:
    """Tables of records that lack their trigger, for the readiness page."""
    from .engine import all_records

    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'workflow_version'")
        there = {row[0] for row in cursor.fetchall()}
    return [model._meta.db_table for model in all_records() if model._meta.db_table not in there]
