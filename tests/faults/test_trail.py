"""A trail of a million entries is read in minutes, says how far it is, and names the one row that was touched."""

from __future__ import annotations

import io
import json
import re
import time

import pytest
from django.core.management import CommandError, call_command

from facility.workflow import clock, seals, trail
from facility.workflow.engine import all_records
from tests.errands.models import Errand
from tests.faults.plant import amount
from tests.workflow import making

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("committed")]

# As the door writes them, but by the owner in one statement: number, predecessor and hash come from the trigger.
ENTRIES = """
WITH made AS (
  INSERT INTO workflow_entry (id, record_type, record_id, scope_id, number, actor_id, role, via, step, from_state,
                              to_state, request_id, effective_at, fields, digest, previous, sha256)
  SELECT uuidv7(), 'tests.errand', %(record)s, NULL, 0, NULL, 'giver', 'code', 'edit', 'given', 'given', '', now(),
         '["what"]', encode(sha256(convert_to('["' || n || '","",{"what":["a","b"]}]', 'UTF8')), 'hex'), '', ''
  FROM generate_series(%(first)s::int, %(last)s::int) n RETURNING id, number)
INSERT INTO workflow_detail (entry_id, salt, reason, changes, erased)
  SELECT id, number - 1, '', '{"what": ["a", "b"]}', false FROM made"""
CHUNK = 100_000


def long_chain(owner, length: int) -> Errand:
    """An errand with so many entries, one seal for each tenth."""
    errand = making.errand(*making.people())
    for first in range(1, length, CHUNK):
        owner.execute(ENTRIES, {"record": errand.pk, "first": first, "last": min(first + CHUNK, length) - 1})
        seals.seal(clock.actual())
    owner.execute("ALTER TABLE tests_errand DISABLE TRIGGER workflow_version")
    owner.execute("UPDATE tests_errand SET version = %s WHERE id = %s", [length, errand.pk])
    owner.execute("ALTER TABLE tests_errand ENABLE TRIGGER workflow_version")
    return errand


def test_a_chain_of_a_million_entries_is_verified_with_progress(owner, figure, tmp_path):
    length = amount(1_000_000)
    errand = long_chain(owner, length)
    kept = tmp_path / "seals.jsonl"
    said, shown = io.StringIO(), io.StringIO()
    call_command("verify_trail", export=True, stdout=said)
    kept.write_text(said.getvalue())
    began = time.monotonic()
    with kept.open() as outside:
        call_command("verify_trail", against=outside, stdout=said, stderr=shown)
    seconds = time.monotonic() - began
    assert f"The trail holds: {length} entries." in said.getvalue()
    assert re.findall(r"[\d,]+ of [\d,]+ entries read", shown.getvalue())[-1].startswith(f"{length:,} of")
    figure(f"seconds to verify a chain of {length:,} entries", round(seconds, 1), "minutes", "s", seconds < 300)

    touched = length * 7 // 9
    owner.execute("UPDATE workflow_entry SET role = 'lead' WHERE record_id = %s AND number = %s", [errand.pk, touched])
    assert trail.verify(all_records()) == [f"tests.errand {errand.pk}: Entry {touched} does not match its hash."]


def test_a_dropped_tail_is_found_even_when_the_version_is_set_back(owner):
    """Whoever may write everything takes the last entries away and sets the version back: the seal remembers."""
    errand = long_chain(owner, 1000)
    last = "(SELECT id FROM workflow_entry WHERE record_id = %s AND number > 990)"
    owner.execute(f"CREATE TEMP TABLE gone AS SELECT id FROM workflow_entry WHERE id IN {last}", [errand.pk])
    owner.execute("DELETE FROM workflow_detail WHERE entry_id IN (SELECT id FROM gone)")
    owner.execute("DELETE FROM workflow_entry WHERE id IN (SELECT id FROM gone)")
    assert trail.verify(all_records())[0] == f"tests.errand {errand.pk}: Entry 991 is missing."
    owner.execute("ALTER TABLE tests_errand DISABLE TRIGGER workflow_version")
    owner.execute("UPDATE tests_errand SET version = 990 WHERE id = %s", [errand.pk])
    owner.execute("ALTER TABLE tests_errand ENABLE TRIGGER workflow_version")
    assert [fault.split(" of ")[0] for fault in trail.verify(all_records())] == ["Seal"]


def test_control_without_seals_the_dropped_tail_goes_unnoticed(owner):
    errand = long_chain(owner, 1000)
    owner.execute("TRUNCATE workflow_seal")
    owner.execute("DELETE FROM workflow_detail d USING workflow_entry e WHERE d.entry_id = e.id AND e.number > 990")
    owner.execute("DELETE FROM workflow_entry WHERE number > 990")
    owner.execute("ALTER TABLE tests_errand DISABLE TRIGGER workflow_version")
    owner.execute("UPDATE tests_errand SET version = 990 WHERE id = %s", [errand.pk])
    owner.execute("ALTER TABLE tests_errand ENABLE TRIGGER workflow_version")
    assert trail.verify(all_records()) == []


def test_the_command_ends_with_an_error_and_names_a_seal_that_was_kept_outside(owner, tmp_path):
    long_chain(owner, 100)
    kept = tmp_path / "seals.jsonl"
    line = seals.Seal.objects.get().line() | {"sha256": "0" * 64}
    kept.write_text(json.dumps(line) + "\n")
    said = io.StringIO()
    with pytest.raises(CommandError, match="1 faults in 100 entries"), kept.open() as outside:
        call_command("verify_trail", against=outside, stdout=said)
    assert "Line 1 of the kept seals" in said.getvalue()
