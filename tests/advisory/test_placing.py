"""From points and limits to a result: losses, leads, wishes, what if, greedy, and the spread of what came out."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisory import placing
from advisory.placing import Field, Terms, placed, tried
from advisory.solver import Problem, greedy, solve
from advisory.spread import band, spread_of, tellable


def inputs(kinds, projects=2, **more):
    """Advisors of these kinds with one place each, and projects that ask for one business advisor each."""
    advisors = [
        {"id": f"a{n}", "label": f"Advisor {n}", "kind": kind, "serves": [kind], "places": 1, "languages": []}
        for n, kind in enumerate(kinds)
    ]
    asked = [
        {"id": f"p{n}", "label": f"Project {n}", "lang": "", "country": "ES", "demand": {"business": 1}}
        for n in range(projects)
    ]
    return {"advisors": advisors, "projects": asked, "barred": [], **more}


def result(known, points, terms=None):
    return placed(known, points, terms or Terms(), lambda i, j: [{"name": "words", "points": points[i][j]}])


def best(points, barred=()):
    """(worst, sum) of one advisor for each project, by trying all."""
    found = []
    for who in permutations(range(len(points)), len(points[0])):
        own = [points[advisor][project] for project, advisor in enumerate(who)]
        if not any((advisor, project) in barred for project, advisor in enumerate(who)):
            found.append((min(own), sum(own)))
    return max(found, default=None)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 99).map(float), min_size=2, max_size=2), min_size=2, max_size=4))
def test_the_loss_of_a_pair_is_what_the_best_assignment_without_it_has_less(points):
    found = result(inputs(["business"] * len(points)), points)
    worst, total = best(points)

    assert (found["min"], found["sum"]) == pytest.approx((worst, total))
    for pair in found["pairs"]:
        barred = {(int(pair["advisor"]["id"][1:]), int(pair["project"]["id"][1:]))}
        other = best(points, barred)
        if other is None:
            assert pair["without"] == {"status": "infeasible", "sum": None, "min": None}
        else:
            assert pair["without"]["min"] == pytest.approx(worst - other[0], abs=0.05)
            assert pair["without"]["sum"] == pytest.approx(total - other[1], abs=0.05)


def test_the_loss_counts_who_would_have_to_move_and_not_the_runner_up_alone():
    # Without a0 on p0 advisor a1 moves there, and a2 takes p1: 90 + 80 becomes 70 + 20.
    points = [[90.0, 0.0], [70.0, 80.0], [10.0, 20.0]]
    pair = next(one for one in result(inputs(["business"] * 3), points)["pairs"] if one["project"]["id"] == "p0")

    assert pair["loss"] == 80.0
    assert pair["without"] == {"status": "proven", "sum": 80.0, "min": 60.0}


def test_no_time_left_leaves_losses_out(monkeypatch):
    monkeypatch.setattr(placing, "LOSS_SECONDS", -1.0)
    assert {pair["without"] for pair in result(inputs(["business"] * 2), [[1.0, 2.0], [3.0, 4.0]])["pairs"]} == {None}


def test_the_business_advisor_leads_else_the_higher_points_and_nobody_where_somebody_is_already():
    known = inputs(["business", "sustainability"], projects=1)
    known["projects"][0]["demand"] = {"business": 1, "sustainability": 1}
    leads = {pair["kind"]: pair["is_lead"] for pair in result(known, [[10.0], [90.0]])["pairs"]}
    assert leads == {"business": True, "sustainability": False}

    known["projects"][0]["demand"] = {"sustainability": 1}
    assert [pair["is_lead"] for pair in result(known, [[10.0], [90.0]])["pairs"]] == [True]
    known["projects"][0]["has_lead"] = True
    assert [pair["is_lead"] for pair in result(known, [[10.0], [90.0]])["pairs"]] == [False]


def test_a_wish_adds_the_points_that_the_coordinator_set_and_shows_them():
    wishes = [{"advisor": "a1", "project": "p0"}, {"advisor": "a1", "project": "p0"}]
    known = inputs(["business"] * 2, projects=1, wishes=wishes)
    points = [[50.0], [45.0]]

    assert result(known, points)["pairs"][0]["advisor"]["id"] == "a0"
    (pair,) = result(known, points, Terms(limits={"wish_points": 6}))["pairs"]
    assert (pair["advisor"]["id"], pair["points"]) == ("a1", 51.0)
    assert pair["parts"][-1] == {"name": "wishes", "value": None, "points": 6.0, "evidence": []}


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"each_country": 1}, "Nobody takes more than 1 projects of the group ES."),
        ({"each_sector": 1}, "Nobody takes more than 1 projects of the group glass."),
        ({"country_places": 1}, "Advisors of the group PT take at most 1 places."),
    ],
)
def test_limits_of_the_form_reach_the_solver(limits, sentence):
    known = inputs(["business"])
    known["advisors"][0] |= {"places": 2, "countries": ["PT"]}
    for project in known["projects"]:
        project["sector"] = "glass"
    assert result(known, [[1.0, 2.0]])["status"] == "proven"

    found = result(known, [[1.0, 2.0]], Terms(limits=limits))
    assert found["status"] == "infeasible"
    assert sentence in found["reasons"]


def test_days_languages_and_changed_capacities_reach_the_solver():
    known = inputs(["business"])
    known["advisors"][0] |= {"places": 2, "days": 15, "languages": [{"code": "es", "cefr": "B2"}, {"code": "fr"}]}
    points = [[1.0, 2.0]]
    for project in known["projects"]:
        project |= {"days": 7.5, "must_speak": [["es", "ca"]]}
    assert result(known, points)["status"] == "proven"
    assert [pair["days"] for pair in result(known, points)["pairs"]] == [7.5, 7.5]

    for terms, sentence in (
        (Terms(capacity={"a0": 1}), "Advisor 0 has room for projects: 1."),
        (Terms(languages={"p0": ["fr"]}), "An advisor of Project 0 must speak fr; 0 do."),
    ):
        assert sentence in result(known, points, terms)["reasons"]
    known["advisors"][0]["days"] = 14
    assert "Advisor 0 has days left: 14." in result(known, points)["reasons"]


def test_reasons_of_barred_pairs_are_told_as_they_are():
    known = inputs(["business"], projects=1, barred=[{"advisor": "a0", "project": "p0", "why": "excluded"}])
    found = result(known, [[math.nan]])

    assert "Kept off Project 0 by an exclusion that either side asked for: Advisor 0." in found["reasons"]


def test_what_if_tells_the_cost_and_who_moves_and_agrees_with_a_new_run():
    points = [[90.0, 0.0], [70.0, 80.0], [10.0, 20.0]]
    known = inputs(["business"] * 3)
    before = result(known, points)
    terms = Terms().with_forbid("a0:p0")
    found = tried(known, before["scores"], before, terms, 5.0)

    assert found["cost"] == {"sum": 80.0, "min": 60.0}
    assert [(one["project"]["id"], one["out"], one["in"]) for one in found["moves"]] == [
        ("p0", [("Advisor 0", "a0", "business")], [("Advisor 1", "a1", "business")]),
        ("p1", [("Advisor 1", "a1", "business")], [("Advisor 2", "a2", "business")]),
    ]
    again = result(known, points, terms)
    assert (again["sum"], again["min"]) == (found["after"]["sum"], found["after"]["min"])


def test_what_if_keeps_what_was_pinned_before_and_a_pin_takes_a_forbid_back():
    terms = Terms(pins=["a1:p0"], forbids=["a0:p1"])

    assert terms.with_pin("a0:p1") == Terms(pins=["a1:p0", "a0:p1"], forbids=[])
    assert terms.with_forbid("a1:p0") == Terms(pins=[], forbids=["a0:p1", "a1:p0"])
    assert list(terms.with_pin("a1:p0").pins) == ["a1:p0"]


def test_what_cannot_be_tried_is_said_by_its_contradiction():
    known = inputs(["business"] * 2)
    before = result(known, [[1.0, 2.0], [3.0, 4.0]])
    found = tried(known, before["scores"], before, Terms(capacity={"a0": 0}), 5.0)

    assert found["status"] == "infeasible"
    assert ("load", 0) in found["contradiction"][1]


def test_greedy_takes_the_best_pair_first_and_leaves_the_rest_with_what_there_is():
    problem = Problem([[9, 8], [8, 1]], [1, 1], [1, 1])
    assert greedy(problem) == (((0, 0), (1, 1)), 10.0, 1.0, 0)
    assert solve(problem).min == 8

    stuck = replace(problem, conflict=[[0, 0], [0, 1]])
    assert greedy(stuck) == (((0, 0),), 9.0, 0.0, 1)


def test_greedy_keeps_pins_days_and_languages():
    problem = Problem(
        [[9, 9], [8, 8], [1, 1]],
        [2, 1],
        [2, 2, 2],
        pins={(1, 1)},
        days=[2, 2, 2],
        days_asked=[2, 2],
        speaks=[{"en"}, {"en"}, {"sl"}],
        asks=[[("sl",)], []],
    )
    assert greedy(problem)[0] == ((0, 0), (2, 0), (1, 1))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 99).map(float), min_size=3, max_size=3), min_size=3, max_size=5))
def test_greedy_is_never_better_than_the_proof(points):
    problem = Problem(points, [1, 1, 1], [1] * len(points))
    _pairs, total, worst, empty = greedy(problem)
    solution = solve(problem)

    assert empty == 0
    assert worst <= solution.min + 1e-6
    assert worst < solution.min - 1e-6 or total <= solution.sum + 1e-6


def people(number, **own):
    return [{"id": str(n), "languages": [], **own} for n in range(number)]


def test_the_spread_counts_people_places_and_the_mean_of_their_best_points():
    advisors = [
        {"id": "a", "languages": [{"code": "fr"}], "countries": ["FR", "BE"], "years": 12},
        {"id": "b", "languages": [], "countries": ["FR"], "years": 3},
        {"id": "c", "languages": [], "countries": [], "years": None},
    ]
    pairs = [{"advisor": {"id": "a"}}, {"advisor": {"id": "a"}}, {"advisor": {"id": "b"}}]
    scores = [[10.0, 40.0], [20.0, None], [None, None]]
    report = spread_of({"advisors": advisors}, scores, pairs, {"a": "fr", "b": "en"}, {})

    assert report["tables"]["country"] == [["FR", 2, 2, 3, 30.0], ["BE", 1, 1, 2, 40.0], ["", 1, 0, 0, None]]
    assert report["tables"]["language"] == [["fr", 1, 1, 2, 40.0], ["", 2, 1, 1, 20.0]]
    assert report["tables"]["written"] == [["en", 1, 1, 1, 20.0], ["fr", 1, 1, 2, 40.0], ["", 1, 0, 0, None]]
    assert [row[0] for row in report["tables"]["years"]] == ["0-4", "10-19", ""]
    assert report["gender"] is None
    assert [band(years) for years in (0, 4, 5, 10, 20, 60)] == ["0-4", "0-4", "5-9", "10-19", "20+", "20+"]


def gender_of(women, men, proposed_women, proposed_men):
    number = women + men
    genders = {str(n): "woman" if n < women else "man" for n in range(number)}
    taken = [*range(proposed_women), *range(women, women + proposed_men)]
    pairs = [{"advisor": {"id": str(n)}} for n in taken]
    return spread_of({"advisors": people(number)}, [[1.0]] * number, pairs, {}, genders)["gender"]


def test_a_group_under_five_is_not_told_nor_what_would_tell_it():
    assert gender_of(9, 12, 6, 8)["rows"] == [["man", 12, 8, None, 1.0], ["woman", 9, 6, None, 1.0]]
    assert gender_of(4, 12, 4, 8) == {"hidden": 2, "rows": []}  # the twelve would tell the four
    assert [row[2] for row in gender_of(9, 12, 4, 8)["rows"]] == [None, None]
    assert [row[2] for row in gender_of(9, 12, 0, 8)["rows"]] == [None, None]  # all eight are men
    assert gender_of(0, 12, 0, 8)["rows"] == []


@given(st.lists(st.integers(0, 20), max_size=5))
def test_nobody_can_be_told_by_subtraction(counts):
    shown = tellable(counts)
    hidden = [count for at, count in enumerate(counts) if at not in shown]

    assert all(counts[at] >= 5 for at in shown)
    assert sum(hidden) == 0 or sum(hidden) >= 5 or not shown


def test_a_capacity_and_days_are_left_out_where_nobody_gave_any():
    known = inputs(["business"] * 2)
    problem = Field(known, [[1.0, 2.0], [3.0, 4.0]]).problem(Terms())

    assert problem.days is None
    assert problem.asks == [[], []]
