"""Labels of cluster management excellence."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from facility.registry.label import Label, level_on
from facility.workflow.steps import SYSTEM
from tests import factories as make

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 6, 15)


def label(cluster, level="gold", awarded="2025-01-10", until="2027-01-09", by=SYSTEM, step="record"):
    return Label().perform(
        step, by=by, cluster=cluster, level=level, awarded_on=awarded, valid_until=until, issuer="ESCA"
    )


@pytest.fixture(autouse=True)
def _in_june():
    with time_machine.travel(dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC), tick=False):
        yield


@pytest.mark.row("G01")
def test_an_expired_gold_label_does_not_count_as_gold():
    ended, valid, none = make.cluster("ES"), make.cluster("FR"), make.cluster("DE")
    label(ended, until="2026-06-14")
    label(valid, until="2026-06-15")
    assert level_on([ended.pk, valid.pk, none.pk], TODAY) == {valid.pk: "gold"}
    assert level_on([ended.pk], dt.date(2026, 6, 14)) == {ended.pk: "gold"}


@pytest.mark.row("G01")
def test_of_several_labels_the_highest_that_is_valid_counts_and_all_stay():
    cluster = make.cluster()
    label(cluster, "gold", "2022-01-01", "2023-12-31")
    label(cluster, "bronze", "2024-01-01", "2026-12-31")
    label(cluster, "silver", "2025-01-01", "2026-12-31")
    assert level_on([cluster.pk], TODAY) == {cluster.pk: "silver"}
    assert [one.level for one in cluster.labels.order_by("awarded_on")] == ["gold", "bronze", "silver"]
    assert cluster.labels.get(level="gold").state == "expired"


def test_level_on_asks_once_for_any_number_of_clusters(django_assert_num_queries):
    clusters = [make.cluster() for _ in range(3)]
    for one in clusters:
        label(one)
    with django_assert_num_queries(1):
        assert len(level_on([one.pk for one in clusters], TODAY)) == 3
