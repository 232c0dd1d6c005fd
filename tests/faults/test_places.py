"""No place is sold twice, whatever happens at the same time (pytest -m faults; a part of every run of the suite)."""

from __future__ import annotations

import dataclasses
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.db import IntegrityError, connection

from facility.application import Application
from facility.call import Call
from facility.workflow.steps import Refused
from tests import factories as make

PLACES, RESERVES, ATTEMPTS, THREADS = 25, 80, 200, 12


@pytest.fixture
def full_reserve_list(committed, owner):
    """A closed call with 25 places, all free, and 80 applications on the reserve list."""
    programme = make.programme()
    lead, coordinator = make.staff("lead", programme), make.staff("coordinator", programme)
    call = make.call(programme, coordinator, places=PLACES)
    cluster = make.cluster()
    manager = make.manager_of(cluster)
    for position in range(RESERVES):
        one = cluster if position == 0 else make.cluster()
        if position:
            make.grant(manager, "manager", "cluster", one.pk, by=make.SYSTEM)
        make.draft(call, manager, one)
    owner.execute("ALTER TABLE facility_application DISABLE TRIGGER workflow_version")
    owner.execute(
        "UPDATE facility_application a SET state = 'reserve', reserve_position = n.row FROM "
        "(SELECT id, row_number() OVER (ORDER BY id) AS row FROM facility_application) n WHERE n.id = a.id"
    )
    owner.execute("ALTER TABLE facility_application ENABLE TRIGGER workflow_version")
    return call, lead, manager


def only_the_quota(monkeypatch, **changes):
    """Promotion guarded by the free place alone, so that nothing but the lock stands between the threads."""
    steps = dict(Application.steps())
    guards = tuple(check for check in steps["promote"].guards if check.__name__ == "has_free_place")
    steps["promote"] = dataclasses.replace(steps["promote"], guards=guards, **changes)
    monkeypatch.setattr(Application, "_steps", steps)


def storm(call, lead, manager, *, seed: int) -> int:
    """200 promotions from 12 threads, with declines and withdrawals among them; the number of selected at the end."""
    choose = random.Random(seed)
    keys = list(Application.objects.filter(call=call).values_list("pk", flat=True))
    acts = [
        (choose.choice(keys), choose.choices(["promote", "decline", "withdraw"], [90, 5, 5])[0])
        for _ in range(ATTEMPTS)
    ]

    def act(one):
        key, step = one
        try:
            record = Application.objects.get(pk=key)
            data = {} if step == "promote" else {"reason": "storm"}
            record.perform(step, by=lead if step == "promote" else manager, **data)
        except Refused:
            return
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(act, acts))
    return Application.objects.filter(call=call, state="selected").count()


def fill(call, lead) -> int:
    """Promotes one after the other until nothing is free."""
    for record in Application.objects.filter(call=call, state="reserve").order_by("reserve_position"):
        try:
            record.perform("promote", by=lead)
        except Refused:
            break
    return Application.objects.filter(call=call, state="selected").count()


@pytest.mark.faults
@pytest.mark.row("F03")
@pytest.mark.parametrize("seed", range(2))
def test_25_places_are_25_places(full_reserve_list, monkeypatch, seed):
    call, lead, manager = full_reserve_list
    only_the_quota(monkeypatch)
    assert storm(call, lead, manager, seed=seed) <= PLACES
    assert fill(call, lead) == PLACES
    places = Application.objects.filter(call=call, state="selected").values_list("place", flat=True)
    assert sorted(places) == list(range(1, PLACES + 1))


@pytest.mark.faults
def test_control_locking_the_record_alone_oversells(full_reserve_list, monkeypatch, owner):
    """Without the lock on the call, and without the constraint behind it, the last place is sold twice."""
    call, lead, _manager = full_reserve_list
    only_the_quota(monkeypatch, locks="")
    bids = list(Application.objects.filter(call=call).order_by("reserve_position"))
    for one in bids[: PLACES - 1]:
        one.perform("promote", by=lead)
    count, have_counted = Call.free_places, threading.Barrier(2)

    def both_count(self):
        free = count(self)
        have_counted.wait(20)
        return free

    monkeypatch.setattr(Call, "free_places", both_count)

    def sell(one):
        try:
            return one.perform("promote", by=lead).place
        finally:
            connection.close()

    owner.execute("DROP INDEX place_sold_once")
    try:
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(sell, bids[PLACES - 1 : PLACES + 1])) == [PLACES, PLACES]
    finally:
        owner.execute("ALTER TABLE facility_application DISABLE TRIGGER workflow_version")
        owner.execute("UPDATE facility_application SET state = 'reserve', place = NULL")
        owner.execute("ALTER TABLE facility_application ENABLE TRIGGER workflow_version")
        owner.execute(
            "CREATE UNIQUE INDEX place_sold_once ON facility_application (call_id, place) WHERE place IS NOT NULL"
        )


@pytest.mark.faults
def test_the_constraint_alone_holds_too(full_reserve_list, monkeypatch):
    """With the lock away the unique place still refuses the second sale, though people then meet an error."""
    call, lead, manager = full_reserve_list
    only_the_quota(monkeypatch, locks="")
    with suppress(IntegrityError, IndexError):  # a place that the guard has seen may be gone when the step takes it
        storm(call, lead, manager, seed=2)
    assert Application.objects.filter(call=call, state="selected").count() <= PLACES
