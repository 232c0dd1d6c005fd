"""The register of de minimis aid: off, it is nowhere; on, the ceiling holds in every window of three years."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facility.registry.aid import Aid
from facility.registry.ceiling import heaviest, years_later
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound
from tests import factories as make
from tests.facility import making_registry as making

D = dt.date


class Register:
    """A programme that keeps the register, and a firm of a cluster."""

    def __init__(self, is_on=True):
        self.programme = make.programme()
        self.lead, self.coordinator = (make.staff(role, self.programme) for role in ("lead", "coordinator"))
        self.cluster = make.cluster()
        self.manager = make.person("", ("manager", "cluster", self.cluster), programme=self.programme)
        self.firm = making.member(self.cluster, self.manager, name="Lavandera")
        if is_on:
            self.programme.perform("edit", by=self.lead, **making.keeps_register(self.programme))

    def declared(self, amount, on=None, rows=(), **fields):
        made = making.aid(self.programme, self.firm, self.coordinator, amount, on)
        return made.perform("declare", by=self.manager, rows=list(rows), is_complete=True, **fields)

    def granted(self, amount, on=None, rows=()):
        return self.declared(amount, on, rows).perform("grant", by=self.coordinator)


def elsewhere(amount, on, state="ES"):
    return {"grantor": "Region", "member_state": state, "granted_on": on, "amount_eur": str(amount)}


# -- the window


@pytest.mark.parametrize(
    ("grants", "day", "total"),
    [
        ([(D(2024, 1, 2), 5)], D(2027, 1, 1), 5),
        ([(D(2024, 1, 1), 5)], D(2027, 1, 1), 0),  # three years later it has left the window
        ([(D(2026, 1, 1), 5), (D(2028, 6, 1), 7)], D(2027, 1, 1), 12),  # a later grant counts too
        ([(D(2025, 1, 1), 5), (D(2029, 12, 31), 7)], D(2027, 1, 1), 7),
    ],
)
def test_the_fullest_window_that_holds_the_day(grants, day, total):
    assert heaviest([(when, Decimal(amount)) for when, amount in grants], day, 3)[0] == total


def test_three_years_after_a_leap_day_is_the_first_of_march():
    assert years_later(D(2024, 2, 29), 3) == D(2027, 3, 1)


days = st.dates(D(2024, 1, 1), D(2030, 12, 31))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(days, st.integers(1, 100).map(Decimal)), max_size=8), days)
def test_no_window_that_holds_the_day_is_heavier(grants, day):
    total, _last = heaviest(grants, day, 3)
    for back in range(0, 3 * 366, 7):
        end = day + dt.timedelta(days=back)
        if years_later(end, -3) < day:
            assert sum(amount for when, amount in grants if years_later(end, -3) < when <= end) <= total


# -- the switch


@pytest.mark.django_db
def test_off_the_register_is_nowhere():
    place = Register(is_on=False)
    client = Client()
    client.force_login(place.coordinator)
    for address in ("/workspace/aids/", "/workspace/aids/new/plan/"):
        assert client.get(address).status_code == 404
    assert client.get("/api/aids/").json()["results"] == []
    assert b"minimis" not in client.get(place.firm.get_absolute_url()).content
    assert b"minimis" not in client.get("/workspace/").content
    with pytest.raises(Invalid):
        making.aid(place.programme, place.firm, place.coordinator)


@pytest.mark.django_db
def test_on_the_office_plans_and_the_undertaking_reads_its_own():
    place = Register()
    made = making.aid(place.programme, place.firm, place.coordinator)
    client = Client()
    client.force_login(place.coordinator)
    assert "Lavandera" in client.get("/workspace/aids/").content.decode()
    client.force_login(place.manager)
    assert client.get(made.get_absolute_url()).status_code == 200
    assert Aid.objects.waiting_on(place.manager).get() == made
    with pytest.raises(NotAllowed):
        made.perform("grant", by=place.manager)
    with pytest.raises(NotFound):
        made.perform("declare", by=make.manager_of(make.cluster()), rows=[], is_complete=True)


# -- the ceiling


@pytest.mark.django_db
def test_aid_is_granted_only_after_the_declaration():
    place = Register()
    made = making.aid(place.programme, place.firm, place.coordinator)
    with pytest.raises(Blocked):
        made.perform("grant", by=place.coordinator)
    with pytest.raises(Invalid):
        made.perform("declare", by=place.manager, rows=[], is_complete=False)
    assert place.granted(1000).state == "granted"


@pytest.mark.django_db
def test_what_exceeds_the_ceiling_is_refused_with_the_figures():
    place, today = Register(), D(2026, 11, 20)
    assert place.granted(100_000, D(2025, 1, 1)).state == "granted"
    made = place.declared(50_000, today, [elsewhere(150_000.01, D(2024, 6, 1))])
    with pytest.raises(Blocked) as said:
        made.perform("grant", by=place.coordinator)
    for figure in ("Lavandera", "300,000.01", "300,000.00", "49,999.99", "Spain"):
        assert figure in str(said.value)
    assert place.granted(50_000, today, [elsewhere(150_000, D(2024, 6, 1))]).state == "granted"  # the ceiling itself


@pytest.mark.django_db
def test_other_member_states_and_older_windows_and_revoked_aid_do_not_count():
    place = Register()
    assert place.granted(300_000, D(2024, 1, 1)).state == "granted"
    assert place.granted(300_000, D(2027, 1, 1), [elsewhere(300_000, D(2026, 1, 1), "FR")]).state == "granted"
    assert Aid.objects.get(granted_on=D(2027, 1, 1)).perform("revoke", by=place.lead, reason="Paid back.")
    assert place.granted(300_000, D(2027, 2, 1)).state == "granted"
    with pytest.raises(Blocked):
        place.granted(1, D(2026, 6, 1))  # the later grant fills the window that would hold both


@pytest.mark.django_db
@pytest.mark.parametrize("day", [D(2023, 12, 31), D(2031, 1, 1)])
def test_the_regulation_has_its_days(day):
    place = Register()
    with pytest.raises(Invalid) as said:
        making.aid(place.programme, place.firm, place.coordinator, 1, day)
    assert list(said.value.errors) == ["granted_on"]


def granted_together(place):
    """Two grants of 200 000 at one moment; what became of each."""
    made = [place.declared(200_000) for _ in range(2)]
    start, outcomes = threading.Barrier(2), []

    def go(one):
        start.wait()
        try:
            outcomes.append(Aid.objects.get(pk=one.pk).perform("grant", by=place.coordinator).state)
        except Blocked:
            outcomes.append("blocked")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_of_two_grants_at_one_moment_one_keeps_the_ceiling(committed):
    assert granted_together(Register()) == ["blocked", "granted"]


def test_control_without_the_lock_on_the_undertaking_both_are_granted(committed, monkeypatch):
    import dataclasses
    import time

    steps = dict(Aid.steps())
    guard = steps["grant"].guards[0]

    def slowly(record):
        answer = guard(record)
        time.sleep(1)
        return answer

    steps["grant"] = dataclasses.replace(steps["grant"], locks="", guards=(slowly,))
    monkeypatch.setattr(Aid, "_steps", steps)
    assert granted_together(Register()) == ["granted", "granted"]
