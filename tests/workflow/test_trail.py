"""The trail: a change past the door is refused to the application, and found at its row when somebody else makes it."""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError, connection, transaction

from facility.workflow import clock, seals, trail
from facility.workflow.engine import all_records
from facility.workflow.seals import Seal
from tests.workflow import making

ALTERED = "does not match its hash."
OF_RECORD = "(SELECT id FROM workflow_entry WHERE record_id = %s)"


def a_chain():
    giver, runner = making.people()
    errand = making.errand(giver, runner)
    errand.perform("begin", by=runner)
    errand.perform("finish", by=runner)
    return errand


def faults():
    return trail.verify(all_records())


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE workflow_entry SET step = 'forged'",
        "DELETE FROM workflow_entry",
        "TRUNCATE workflow_entry",
        "UPDATE workflow_detail SET reason = 'forged'",
        "DELETE FROM workflow_detail",
        "UPDATE workflow_seal SET sha256 = ''",
        "DELETE FROM tests_errand",
        "TRUNCATE tests_errand",
        "ALTER TABLE workflow_entry DISABLE TRIGGER ALL",
        "DROP TABLE workflow_entry",
    ],
)
def test_the_applications_role_is_refused(committed, sql):
    a_chain()
    refused = pytest.raises(DatabaseError, match=r"permission denied|must be owner")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert faults() == []


def test_control_the_owner_is_not_refused(committed, owner):
    """The refusals above come from the rights of the role: whoever has them all can do it, and is found out."""
    errand = a_chain()
    owner.execute("UPDATE workflow_entry SET step = 'forged' WHERE record_id = %s AND number = 2", [errand.pk])
    assert owner.rowcount == 1


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE workflow_entry SET role = role || 'x' WHERE record_id = %s AND number = 2", f"Entry 2 {ALTERED}"),
        ("UPDATE workflow_entry SET effective_at = now() WHERE record_id = %s AND number = 1", f"Entry 1 {ALTERED}"),
        ("UPDATE workflow_detail SET reason = 'x' WHERE entry_id = (SELECT id FROM workflow_entry "
         "WHERE record_id = %s AND number = 3)", "The values of entry 3 do not match their digest."),
        ("DELETE FROM workflow_entry WHERE record_id = %s AND number = 2", "Entry 2 is missing."),
        ("DELETE FROM workflow_entry WHERE record_id = %s AND number = 3", "Entry 3 is missing."),
    ],
)  # fmt: skip
def test_one_altered_byte_is_found_at_its_row(committed, owner, sql, said):
    errand = a_chain()
    a_chain()
    assert faults() == []
    if sql.startswith("DELETE"):
        number = int(said.split()[1])
        owner.execute(
            "DELETE FROM workflow_detail WHERE entry_id = "
            "(SELECT id FROM workflow_entry WHERE record_id = %s AND number = %s)",
            [errand.pk, number],
        )
    owner.execute(sql, [errand.pk])
    assert owner.rowcount == 1
    found = faults()
    assert len(found) == 1 and str(errand.pk) in found[0] and said in found[0]


def test_a_rewritten_chain_is_found_by_the_seal(committed, owner):
    errand = a_chain()
    seals.seal(clock.actual())
    owner.execute(
        "DELETE FROM workflow_detail WHERE entry_id IN (SELECT id FROM workflow_entry WHERE record_id = %s)",
        [errand.pk],
    )
    owner.execute("DELETE FROM workflow_entry WHERE record_id = %s", [errand.pk])
    owner.execute("DELETE FROM tests_errand WHERE id = %s", [errand.pk])
    assert [fault for fault in faults() if fault.startswith("Seal of")]


def test_emptying_a_detail_for_a_person_breaks_nothing(committed, owner):
    errand = a_chain()
    owner.execute(
        "UPDATE workflow_detail SET reason = '', changes = '{}', erased = true WHERE entry_id IN "
        "(SELECT id FROM workflow_entry WHERE record_id = %s)",
        [errand.pk],
    )
    assert faults() == []


def test_a_seal_is_made_once_for_the_same_entries(committed):
    a_chain()
    assert seals.seal(clock.actual()) is not None
    assert seals.seal(clock.actual()) is None
    a_chain()
    assert seals.seal(clock.actual()) is not None
    assert faults() == []


def test_seals_kept_outside_show_what_was_rewritten_with_its_seals(committed, owner):
    """Whoever owns the database can make chain, versions and seals fit again; the lines kept outside tell."""
    first = a_chain()
    seals.seal(clock.actual())
    a_chain()
    seals.seal(clock.actual())
    kept = [json.dumps(one.line()) for one in Seal.objects.order_by("until")]
    assert list(seals.faults_against(kept)) == []
    owner.execute("TRUNCATE workflow_seal")
    owner.execute(
        "DELETE FROM workflow_detail WHERE entry_id IN (SELECT id FROM workflow_entry WHERE record_id = %s)", [first.pk]
    )
    owner.execute("DELETE FROM workflow_entry WHERE record_id = %s", [first.pk])
    owner.execute("DELETE FROM tests_errand WHERE id = %s", [first.pk])
    seals.seal(clock.actual())
    assert faults() == []
    found = list(seals.faults_against([*kept, "no seal"]))
    assert [line.split(":")[0] for line in found] == [
        "Line 1 of the kept seals",
        "Line 2 of the kept seals",
        "Line 3 of the kept seals is not a seal.",
    ]


def test_a_seal_taken_out_or_changed_breaks_the_chain_of_seals(committed, owner):
    for _ in range(3):
        a_chain()
        seals.seal(clock.actual())
    middle = Seal.objects.order_by("until")[1]
    owner.execute("DELETE FROM workflow_seal WHERE id = %s", [middle.pk])
    assert len(faults()) == 1
