"""Labels of cluster management excellence (G01)."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.test import Client

from facility.registry import label as label_module
from facility.registry.label import Label, level_on
from facility.workflow.clock import Timer
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.tasks import tick
from facility.workflow.trail import Notice
from tests import factories as make

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 6, 15)


def label(cluster, level="gold", awarded="2025-01-10", until="2027-01-09", by=SYSTEM):
    return Label().perform(
        "record", by=by, cluster=cluster, level=level, awarded_on=awarded, valid_until=until, issuer="ESCA"
    )


@pytest.fixture(autouse=True)
def _in_june():
    with time_machine.travel(dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC), tick=False):
        yield


@pytest.fixture
def scene():
    programme = make.programme()
    coordinator, cluster = make.staff("coordinator", programme), make.cluster()
    return coordinator, cluster, make.manager_of(cluster, programme=programme)


@pytest.mark.row("G01")
def test_an_expired_gold_label_does_not_count_as_gold():
    ended, valid, none = make.cluster("ES"), make.cluster("FR"), make.cluster("DE")
    label(ended, until="2026-06-14")
    label(valid, until="2026-06-15")
    assert level_on([ended.pk, valid.pk, none.pk], TODAY) == {valid.pk: "gold"}
    assert level_on([ended.pk], dt.date(2026, 6, 14)) == {ended.pk: "gold"}
    assert level_on([ended.pk], dt.date(2025, 1, 9)) == {}


@pytest.mark.row("G01")
def test_of_several_labels_the_highest_that_is_valid_counts_and_all_stay():
    cluster = make.cluster()
    label(cluster, "gold", "2022-01-01", "2023-12-31")
    label(cluster, "silver", "2025-01-01", "2026-12-31")
    label(cluster, "bronze", "2024-01-01", "2026-12-31")
    assert level_on([cluster.pk], TODAY) == {cluster.pk: "silver"}
    assert [one.level for one in cluster.labels.order_by("awarded_on")] == ["gold", "bronze", "silver"]
    assert cluster.labels.get(level="gold").state == "expired"


def test_level_on_asks_once_for_any_number_of_clusters(django_assert_num_queries):
    clusters = [make.cluster() for _ in range(3)]
    for one in clusters:
        label(one)
    with django_assert_num_queries(1):
        assert len(level_on([one.pk for one in clusters], TODAY)) == 3


def test_a_label_that_a_manager_enters_counts_once_the_office_has_confirmed_it(scene):
    coordinator, cluster, manager = scene
    made = label(cluster, by=manager)
    assert (made.state, level_on([cluster.pk], TODAY)) == ("claimed", {})
    with pytest.raises(NotAllowed):
        made.perform("confirm", by=manager)
    made = made.perform("confirm", by=coordinator)
    assert (made.state, level_on([cluster.pk], TODAY)) == ("valid", {cluster.pk: "gold"})


def test_control_a_label_counted_without_its_state_would_count_unconfirmed(scene, monkeypatch):
    _coordinator, cluster, manager = scene
    label(cluster, by=manager)
    monkeypatch.setattr(label_module.Label, "CONFIRMED", tuple(Label.State.values))
    assert level_on([cluster.pk], TODAY) == {cluster.pk: "gold"}


def test_what_is_not_confirmed_is_no_public_matter(scene):
    coordinator, cluster, manager = scene
    made = label(cluster, by=manager)
    assert Client().get(f"/api/labels/{made.pk}/").status_code == 404
    with pytest.raises(NotFound):
        made.perform("confirm", by=make.manager_of(make.cluster()))
    made.perform("refuse", by=coordinator, reason="The certificate is of another cluster.")
    assert Client().get(f"/api/labels/{made.pk}/").status_code == 404
    (notice,) = Notice.objects.filter(record_id=made.pk, to=manager)
    assert "another cluster" in notice.text()


def test_a_withdrawn_label_counts_to_the_day_before(scene):
    coordinator, cluster, _manager = scene
    made = label(cluster, by=coordinator).perform("withdraw", by=coordinator, reason="By its issuer.")
    assert made.state == "withdrawn"
    assert level_on([cluster.pk], TODAY) == {}
    assert level_on([cluster.pk], TODAY - dt.timedelta(days=1)) == {cluster.pk: "gold"}


@pytest.mark.row("G01")
def test_managers_are_reminded_half_a_year_before_the_label_ends_and_then_it_expires(scene):
    coordinator, cluster, manager = scene
    made = label(cluster, by=coordinator, until="2026-12-31")
    with time_machine.travel(dt.datetime(2026, 7, 3, tzinfo=dt.UTC), tick=False):
        tick()
        made.refresh_from_db()
        assert made.state == "valid"
    with time_machine.travel(dt.datetime(2026, 7, 6, tzinfo=dt.UTC), tick=False):
        tick()
        made.refresh_from_db()
        assert made.state == "renewal_due"
        assert [n.to for n in Notice.objects.filter(record_id=made.pk)] == [manager]
    with time_machine.travel(dt.datetime(2027, 1, 1, 0, 1, tzinfo=dt.UTC), tick=False):
        tick()
        made.refresh_from_db()
        assert (made.state, Timer.objects.filter(record_id=made.pk).exists()) == ("expired", False)


@pytest.mark.parametrize(
    ("awarded", "until", "field"),
    [("2026-06-16", "2027-01-01", "awarded_on"), ("2026-01-02", "2026-01-01", "valid_until")],
)
def test_days_that_make_no_sense_are_refused(scene, awarded, until, field):
    coordinator, cluster, _manager = scene
    with pytest.raises(Invalid) as refused:
        label(cluster, by=coordinator, awarded=awarded, until=until)
    assert list(refused.value.errors) == [field]


def test_a_label_is_confirmed_once(scene):
    coordinator, cluster, manager = scene
    made = label(cluster, by=manager).perform("confirm", by=coordinator)
    with pytest.raises(Blocked):
        made.perform("confirm", by=coordinator)
