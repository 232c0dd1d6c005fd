"""From the database to the cut: the figures are those of the records, and every number leads to them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from facility.workflow import clock
from facility.workflow.engine import by_plural
from reporting.cut import AREAS, CELLS, FORMS, SECTIONS, canonical, check, figures_in, is_sealed
from reporting.sections import cut_of
from reporting.sections.material import KINDS
from reporting.sections.registry import DECLARED
from tests import factories as make
from tests.advisory.making_support import CELL
from tests.reporting import making

pytestmark = pytest.mark.django_db
PARTS = {"lessons": "advisory.Lesson", "votes": "webinars.Vote"}


def cut(programme, **fields):
    given = {"as_of": clock.now(), "number": 1, "title": "Final report", "chosen": SECTIONS, **fields}
    return cut_of(programme, **given)


def model_of(kind):
    from django.apps import apps

    return apps.get_model(PARTS[kind]) if kind in PARTS else by_plural(kind)


@pytest.fixture
def cases():
    return making.told(2)


@pytest.fixture
def made(cases):
    return cut(cases[0].project.programme)


def test_every_section_is_declared_once():
    assert tuple(DECLARED) != ()
    assert set(DECLARED) == set(SECTIONS)


def test_the_cut_of_an_empty_programme_holds_every_list_and_zeros():
    made = cut(make.programme())

    assert check(made) == []
    assert {figure["value"] for figure in made["figures"].values()} - {0} == {36}  # 36 cells without activity
    assert [row["area"] for row in made["needs"]["areas"]] == list(AREAS)
    assert [row["form"] for row in made["support"]["forms"]] == list(FORMS)
    assert set(made["matrix"]["cells"]) == set(CELLS)


def test_the_cut_holds_and_is_sealed(made):
    assert check(made) == []
    assert is_sealed(made)


def test_key_figures(made):
    shown = {name: figure["value"] for name, figure in made["key"].items()}
    assert shown == {
        "projects": 2,
        "member_states": 1,
        "cvs": 2,
        "advisors": 2,
        "sessions": 4,
        "hours": 18,
        "firms": 4,
        "needs_moved": 25,
        "webinar_avg": 2,
        "satisfaction": 0,
    }


def test_needs_support_and_ledger(made):
    shift = {name: figure["value"] for name, figure in made["needs"]["shift"].items()}
    assert shift == {"solved": 1, "eased": 0, "open": 3}
    row = next(row for row in made["needs"]["areas"] if row["area"] == "energy-efficiency")
    assert {name: row[name]["value"] for name in ("total", "first", "projects", "hours")} == {
        "total": 4,
        "first": 2,
        "projects": 2,
        "hours": 18,
    }
    assert {row["form"]: row["sessions"]["value"] for row in made["support"]["forms"]} == {
        "one_to_one": 2,
        "workshop": 2,
        "online_webinar": 0,
        "guidance_document": 0,
        "direct_consultancy": 0,
    }
    assert {row["key"]: row["value"] for row in made["ledger"]["steps"]} == {
        "budgeted": 40,
        "logged": 3.375,
        "confirmed": 2.25,
        "approved": 2.25,
        "left": 37.75,
    }


def test_a_project_has_its_page(made, cases):
    page = made["projects"][0]

    assert page["name"] == cases[0].project.name
    assert [need["rank"] for need in page["needs"]] == [1, 2]
    assert [need["after"] for need in page["needs"]] == ["solved", "open"]
    assert len(page["sessions"]) == page["totals"]["sessions"]["value"] == 2
    assert page["totals"]["firms"]["value"] == 2
    assert page["days"]["approved"]["value"] == 1.125
    assert page["cells"] == [CELL]
    assert page["quote"]["text"] == "We asked first."
    assert [action["state"] for action in page["actions"]] == ["done"]


def test_matrix_stories_webinars_lessons(made, cases):
    assert made["matrix"]["cells"][CELL]["state"] == "active"
    assert made["matrix"]["unmapped"]["value"] == 2
    assert made["matrix"]["empty"]["value"] == 35
    assert made["stories"][0]["clusters"] == [cases[0].project.lead_cluster.name]
    event = made["webinars"]["events"][0]
    assert (event["registered"]["value"], event["attended"]["value"]) == (1, 2)  # one came without having registered
    assert made["webinars"]["topics"][0]["outcome"] == event["id"]
    lessons = {row["area"]: len(row["items"]) for row in made["lessons"]}
    assert lessons["energy-efficiency"] == 1  # the same words of two clusters stand once
    assert len(lessons) == len(AREAS)


@pytest.mark.row("E02")
@pytest.mark.row("E06")
def test_the_report_splits_core_and_other_eco_sectors_once_clusters_are_marked(cases):
    programme = cases[0].project.programme
    before = cut(programme)
    assert "eco-sector" not in canonical(before).decode()
    for case, values in zip(
        cases, ({"eco_sector": "core", "demand_drivers": "A landfill tax."}, {"eco_sector": "non_core"}), strict=True
    ):
        case.project.lead_cluster.perform("classify", by=case.manager, **values)
    made = cut(programme)
    assert check(made) == []
    said = "One project came from core eco-sectors and one project from other sectors, 50 % of those that are marked."
    assert said in canonical(made).decode()
    labels = {figure["label"]: figure["value"] for figure in made["figures"].values()}
    assert (labels["Projects in core eco-sectors"], labels["Projects in other sectors"]) == (1, 1)


def test_selection_and_matching(made):
    assert {row["key"]: row["value"] for row in made["selection"]["funnel"]} == {
        "started": 2,
        "submitted": 2,
        "eligible": 2,
        "above": 2,
        "selected": 2,
    }
    assert [(row["country"], row["share"]) for row in made["selection"]["success_by_country"]] == [("ES", 100)]
    assert {row["key"]: row["value"] for row in made["matching"]["pool"]} == {
        "received": 2,
        "confirmed": 2,
        "pool": 2,
        "assigned": 2,
    }
    assert made["matching"]["quality"] == []  # assigned by hand, without a score


def test_every_record_behind_a_figure_exists(made):
    """Each id in any evidence stands for a row that the database has, of the kind that its letters say."""
    named = {record for figure in figures_in(made) for record in figure["evidence"]}
    assert named
    by_kind: dict[str, set[str]] = {}
    for short in named:
        by_kind.setdefault(KINDS[short.rstrip("0123456789")], set()).add(made["records"][short])
    for kind, keys in by_kind.items():
        assert model_of(kind)._base_manager.filter(pk__in=[uuid.UUID(key) for key in keys]).count() == len(keys), kind
    assert len(set(made["records"].values())) == len(made["records"])


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


def test_people_appear_by_number_alone(made, cases):
    everything = "\n".join(texts(made))
    for one in cases:
        for person in (one.adviser, one.manager, one.coordinator, one.lead):
            assert person.name not in everything
            assert (person.email or "no address") not in everything
            assert str(person.pk) not in everything


def test_the_same_data_give_the_same_bytes(cases):
    programme, instant = cases[0].project.programme, clock.now()

    assert canonical(cut(programme, as_of=instant)) == canonical(cut(programme, as_of=instant))


def test_sections_are_those_chosen_in_their_order(cases):
    made = cut(cases[0].project.programme, chosen=["lessons", "summary"])

    assert [row["id"] for row in made["sections"]] == ["lessons", "summary"]
    assert check(made) == []


def test_narratives_carry_the_figures(made):
    told = {row["id"]: " ".join(row["narrative"]) for row in made["sections"]}

    assert "four support sessions with 18 hours" in told["summary"].lower()
    assert "four needs; one of them was solved or eased" in told["summary"]
    assert "One webinar was held." in told["webinars"]
    assert not [text for text in told.values() if not text]


def test_another_programme_stays_out(made):
    programme = making.told(1)[0].project.programme
    other = cut(programme)

    assert other["key"]["projects"]["value"] == 1
    assert not set(other["records"].values()) & set(made["records"].values())


def test_the_number_of_statements_does_not_grow_with_the_projects():
    taken = []
    for count in (1, 3):
        programme = making.told(count)[0].project.programme
        with CaptureQueriesContext(connection) as queries:
            cut(programme)
        taken.append(len(queries))
    assert taken[0] == taken[1]
    assert taken[0] <= 40, taken
