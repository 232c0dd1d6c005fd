"""A call in figures: right numbers, a constant number of questions, who sees what, and the empty state."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.scale import Scale
from facility.application import Application
from facility.call import Call
from facility.figures import figures_of
from facility.roles import signed_in
from facility.workflow.engine import Faces
from facility.workflow.steps import SYSTEM
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    programme = make.programme()
    lead, coordinator, evaluator = (make.staff(role, programme) for role in ("lead", "coordinator", "evaluator"))
    call = make.call(programme, coordinator, places=1)
    make.evaluated(call, coordinator, evaluator, value=9, country="PT")
    make.evaluated(call, coordinator, evaluator, value=6, country="ES")
    other = make.cluster("PT", sector="food")
    manager = make.manager_of(other)
    make.draft(call, manager, other).perform("submit", by=manager)
    drafting = make.cluster("IE")
    make.draft(call, make.manager_of(drafting), drafting)
    return programme, lead, coordinator, call


def table(call, name):
    return next(one for one in figures_of(call) if one.name == name)


def test_the_numbers_are_those_of_what_was_handed_in(scene):
    call = scene[3]
    assert table(call, "funnel").rows == [
        ["Handed in", 3, "100 %"],
        ["Eligible", 2, "67 %"],
        ["Evaluated", 2, "67 %"],
        ["Selected", 0, "0 %"],
    ]
    assert table(call, "country").rows == [["Portugal", 2, 0, 2], ["Spain", 1, 0, 1]]
    assert table(call, "sector").rows == [["textiles", 2, 0], ["food", 1, 0]]
    assert [row[1] for row in table(call, "scores").rows] == [0, 0, 0, 0, 0, 0, 1, 0, 0, 1]
    assert [[row[0], float(row[1])] for row in table(call, "criteria").rows] == [["Relevance", 7.5], ["Capacity", 7.5]]
    assert table(call, "time").rows[0] == ["more than 14 days", 3]


def test_times_are_counted_from_the_closing_that_counts(scene):
    _programme, _lead, _coordinator, call = scene
    spans = [dt.timedelta(days=15), dt.timedelta(days=7), dt.timedelta(hours=24), dt.timedelta(hours=23)]
    spans += [dt.timedelta(hours=6), dt.timedelta(minutes=61), dt.timedelta(minutes=59)]
    made = []
    for span in spans:
        one = make.cluster()
        manager = make.manager_of(one)
        with time_machine.travel(call.closes_at - span, tick=False):
            made.append(make.draft(call, manager, one).perform("submit", by=manager))
    rows = dict(table(call, "time").rows)
    assert rows == {
        "more than 14 days": 4,
        "7 to 14 days": 1,
        "3 to 7 days": 0,
        "1 to 3 days": 1,
        "6 to 24 hours": 2,
        "1 to 6 hours": 1,
        "the last hour": 1,
    }


def test_office_and_observers_see_all_figures_with_chart_text_and_table(client, scene):
    programme, _lead, _coordinator, call = scene
    client.force_login(make.staff("observer", programme))
    page = client.get(f"/workspace/calls/{call.pk}/figures/").content.decode()
    for name in ("funnel", "state", "country", "sector", "ecosystem", "scores", "criteria", "time"):
        assert f'<title id="{name}-t">' in page and f'<desc id="{name}-d">' in page
    assert page.count("<table") == 8


def test_each_table_is_had_as_csv(client, scene):
    _programme, _lead, coordinator, call = scene
    client.force_login(coordinator)
    for one in figures_of(call):
        answer = client.get(f"/workspace/calls/{call.pk}/figures/?as=csv&table={one.name}")
        rows = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
        assert rows[0] == [str(label) for label in one.head] and len(rows) == len(one.rows) + 1
    assert client.get(f"/workspace/calls/{call.pk}/figures/?as=csv&table=none").status_code == 404


def test_everybody_sees_funnel_and_countries_once_it_is_released_and_nothing_before(client, scene):
    _programme, lead, coordinator, call = scene
    address = f"/figures/{call.pk}/"
    assert client.get(address).status_code == 404
    last = Application.objects.get(call=call, state="submitted")
    last.perform("declare_ineligible", by=coordinator, answers=make.UNMET, reason_code="other", reason="Late annex.")
    with time_machine.travel(call.closes_at + dt.timedelta(hours=1), tick=False):
        call.perform("close", by=SYSTEM)
        make.released(call, coordinator, lead)
        page = client.get(address).content.decode()
    assert 'id="funnel"' in page and 'id="country"' in page
    assert [name for name in ("state", "sector", "scores", "criteria", "time") if f'id="{name}"' in page] == []
    assert client.get(f"{address}?as=csv&table=scores").status_code == 404


@pytest.mark.parametrize("role", ["evaluator", "policymaker"])
def test_others_do_not_know_of_the_staff_s_figures(client, scene, role):
    client.force_login(make.staff(role, scene[0]))
    assert client.get(f"/workspace/calls/{scene[3].pk}/figures/").status_code == 404


def test_control_with_the_face_broken_they_would(client, scene, monkeypatch):
    """Shows that the test above looks."""
    monkeypatch.setattr(Call, "faces", Faces(signed_in))
    client.force_login(make.staff("policymaker", scene[0]))
    assert client.get(f"/workspace/calls/{scene[3].pk}/figures/").status_code == 200


def test_a_call_without_applications_has_its_empty_state(client):
    programme = make.programme()
    coordinator = make.staff("coordinator", programme)
    call = make.call(programme, coordinator)
    client.force_login(coordinator)
    page = client.get(f"/workspace/calls/{call.pk}/figures/").content.decode()
    assert page.count("Nothing to count yet") == 8 and '<svg class="chart' not in page


def test_300_applications_ask_as_many_questions_as_3(client):
    def asked(number: int) -> int:
        made = Scale(1, number, seed=number, say=lambda said: None)
        programme = made.load()
        client.force_login(made.staff["coordinator"])
        call = Call.objects.get(programme=programme, state="decided")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/workspace/calls/{call.pk}/figures/").status_code == 200
        return len(queries)

    assert asked(3) == asked(300)
