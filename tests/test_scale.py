"""A synthetic Facility: it holds to the rules of the database, and the same seed gives the same."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from config.scale import AlreadyThere, Scale, TooFew
from facility.application import Application
from facility.evaluation import Evaluation
from facility.registry.cluster import Cluster
from facility.registry.programme import Programme
from facility.workflow import trail
from facility.workflow.engine import all_records


def silent(_said: str) -> None:
    """Says nothing."""


def content() -> list[object]:
    return [
        list(Cluster.objects.order_by("pk").values_list("pk", "name", "country", "members_count")),
        list(Application.objects.order_by("pk").values_list("pk", "state", "score", "lead_cluster_id")),
        list(Evaluation.objects.order_by("pk").values_list("pk", "state", "total", "evaluator__name")),
    ]


def test_chains_verify_and_the_same_seed_gives_the_same(committed, owner, capsys):
    call_command("load_scale", projects=3, applications=40)
    first = content()
    assert trail.verify(all_records()) == []
    assert Programme.objects.get().is_demo
    decided = Application.objects.filter(call__state="decided")
    assert (decided.count(), decided.filter(state="selected").count()) == (40, 3)
    assert Evaluation.objects.filter(application__in=decided).count() == 3 * decided.exclude(state="ineligible").count()

    with pytest.raises(AlreadyThere):
        Scale(3, 40, say=silent).load()
    Scale(3, 40, seed=2, say=silent).load()
    assert Programme.objects.count() == 2 and trail.verify(all_records()) == []
    tables = "facility_programme, facility_person, facility_cluster, workflow_entry, workflow_timer"
    owner.execute(f"TRUNCATE {tables} CASCADE")
    Scale(3, 40, say=silent).load()
    assert content() == first


def test_control_a_row_without_its_entry_is_refused(committed, monkeypatch):
    from django.db import IntegrityError

    monkeypatch.setattr(Scale, "entries", lambda self, model, rows: [setattr(one, "version", 1) for one in rows])
    with pytest.raises(IntegrityError, match="changed without a step"):
        Scale(1, 3, say=silent).load()


def test_more_projects_than_applications_are_refused():
    with pytest.raises(TooFew, match="need at least as many applications"):
        Scale(5, 4)
    with pytest.raises(CommandError, match="at least one project"):
        call_command("load_scale", projects=0)
