"""What stands in which cell of the toolkit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from facility.registry.matrix import matrix
from reporting.evidence import cells_with_evidence, unmapped
from tests import factories as make
from tests.advisory.making_support import CELL
from tests.reporting import making

pytestmark = pytest.mark.django_db


def test_all_cells_stand_there_and_only_approved_sessions_count():
    cases = making.told(2)
    programme = cases[0].project.programme

    found = cells_with_evidence(programme)

    assert list(found) == [cell.id for cell in matrix().cells()]
    here = found.pop(CELL)
    assert {one.state for one in found.values()} == {"empty"}
    assert here.state == "active"
    assert set(here.sessions) == {one.project.sessions.get(state="approved", form="workshop").pk for one in cases}
    assert here.hours == Decimal(9)
    assert set(here.projects) == {one.project.pk for one in cases}
    assert set(here.clusters) == {one.project.lead_cluster.pk for one in cases}
    assert set(here.firms) == {one.firms[0].pk for one in cases}
    assert set(here.actions) == {one.project.actions.get().pk for one in cases}
    assert here.outcomes == (cases[0].project.needs.get(rank=1).pk,)


def test_what_stands_in_no_cell_is_listed():
    cases = making.told(1)

    found = unmapped(cases[0].project.programme)

    stray = cases[0].project.sessions.get(state="approved", form="one_to_one")
    assert found == {"sessions": (stray.pk,), "actions": ()}


def test_without_outcome_a_cell_says_so():
    cases = making.told(2)
    other = cases[1].project.programme
    need = cases[0].project.needs.get(rank=1)
    need.perform("set_outcome", by=cases[0].adviser, end_status="open", end_reason="It took longer.")

    assert cells_with_evidence(other)[CELL].state == "no_outcome"


def test_the_public_toolkit_counts_programmes_with_a_published_report_alone():
    cases = making.told(1)
    programme = cases[0].project.programme
    making.told(1)
    assert cells_with_evidence(only_published=True)[CELL].state == "empty"
    assert len(cells_with_evidence()[CELL].sessions) == 2

    report = making.built(programme, cases[0].coordinator, sections=["method"])
    report.perform("submit", by=cases[0].coordinator)
    report.perform("approve", by=cases[0].lead)
    assert cells_with_evidence(only_published=True)[CELL].state == "empty"
    report.perform("publish", by=cases[0].lead)

    assert cells_with_evidence(only_published=True)[CELL].projects == (cases[0].project.pk,)


def test_one_statement_for_each_kind():
    programme = make.programme()
    with CaptureQueriesContext(connection) as queries:
        cells_with_evidence(programme)
        unmapped(programme)
    assert len(queries) == 5
