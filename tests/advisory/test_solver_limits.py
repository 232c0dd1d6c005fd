"""Days, languages, groups, pins, reasons, ranges: every answer against every possibility on small cases."""

from __future__ import annotations

import math
from itertools import product
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisory.solver import Problem, contradiction, resolution, rules, runner, search, solve, space

KINDS = ("business", "sustainability")
CODES = ("de", "fr")
GROUPS = ("north", "south")


def places(problem):
    """Every (advisor, project, kind) that the kinds allow, whatever else forbids it."""
    return [
        (advisor, project, kind)
        for project, demand in enumerate(problem.demand)
        for kind, n in demand.items()
        if n
        for advisor, serves in enumerate(problem.kinds)
        if kind in serves
    ]


def assignments(problem):
    """Every set of places in which nobody stands twice on a project."""
    pairs = {}
    for one in places(problem):
        pairs.setdefault(one[:2], [None]).append(one)
    for choice in product(*pairs.values()):
        yield [one for one in choice if one]


def broken(problem, taken):  # noqa: C901 (one line for each kind of limit, and no other order to read them in)
    """The keys of all demands and limits that an assignment breaks."""
    found = set()
    load = [[one for one in taken if one[0] == advisor] for advisor in range(len(problem.load_ub))]
    for advisor, own in enumerate(load):
        days = sum(problem.days_asked[project][kind] for _a, project, kind in own)
        found |= {("load", advisor)} if len(own) > problem.load_ub[advisor] else set()
        found |= {("least", advisor)} if len(own) < problem.load_lb[advisor] else set()
        found |= {("days", advisor)} if problem.days[advisor] is not None and days > problem.days[advisor] else set()
        for group, most in problem.most_each.items():
            if sum(group in problem.project_groups[project] for _a, project, _k in own) > most:
                found.add(("each", group))
    for project, demand in enumerate(problem.demand):
        team = [one for one in taken if one[1] == project]
        for kind, n in demand.items():
            filled = sum(one[2] == kind for one in team)
            found |= {("asks", project, kind)} if filled < n else set()
            found |= {("room", project, kind)} if filled > n else set()
        for codes in problem.asks[project]:
            if not any(set(codes) & problem.speaks[advisor] for advisor, _p, _k in team):
                found.add(("language", project, tuple(codes)))
    for group, most in problem.most_places.items():
        if sum(group in problem.groups[advisor] for advisor, _p, _k in taken) > most:
            found.add(("places", group))
    pairs = {one[:2] for one in taken}
    found |= {("pin", *pair) for pair in problem.pins if pair not in pairs}
    found |= {("forbid", *pair) for pair in problem.forbids if pair in pairs}
    for pair in pairs:
        if problem.conflict[pair[0]][pair[1]]:
            found.add(("barred", pair[1], problem.why.get(pair, "conflict")))
    return found


def lowest_first(problem, pairs):
    """What each project that asks for anybody has, from the lowest up."""
    asking = [project for project, demand in enumerate(problem.demand) if sum(demand.values())]
    return sorted(sum(problem.scores[advisor][p] for advisor, p in pairs if p == project) for project in asking)


def best(problem):
    """(worst, sum, projects from the lowest up) of the best assignment that breaks nothing; None without one."""
    keys = []
    for taken in assignments(problem):
        if not broken(problem, taken):
            own = lowest_first(problem, [one[:2] for one in taken])
            keys.append((own[0] if own else 0, sum(own), own))
    return max(keys, default=None)


@st.composite
def problems(draw, limits=True):
    advisors, projects = draw(st.integers(1, 3)), draw(st.integers(1, 2))

    def table(values):
        row = st.lists(values, min_size=projects, max_size=projects)
        return draw(st.lists(row, min_size=advisors, max_size=advisors))

    def each(number, values):
        return draw(st.lists(values, min_size=number, max_size=number))

    pair = st.tuples(st.integers(0, advisors - 1), st.integers(0, projects - 1))
    half_days = st.integers(0, 6).map(lambda n: n / 2)
    conflict = table(st.sampled_from([0, 0, 0, 1]))
    some = st.dictionaries(st.sampled_from(GROUPS), st.integers(0, 2), max_size=2)
    return Problem(
        scores=table(
            st.sampled_from([st.integers(-20, 20).map(lambda n: n / 4), st.integers(0, 3).map(float)]).flatmap(
                lambda one: one
            )
        ),
        demand=each(projects, st.fixed_dictionaries(dict.fromkeys(KINDS, st.sampled_from([0, 1, 1, 2])))),
        load_ub=each(advisors, st.integers(0, 2)),
        load_lb=each(advisors, st.sampled_from([0, 0, 0, 1])),
        conflict=conflict,
        kinds=each(advisors, st.sets(st.sampled_from(KINDS), min_size=1)),
        pins=draw(st.sets(pair, max_size=1)),
        forbids=draw(st.sets(pair, max_size=1)),
        why={
            (a, p): draw(st.sampled_from(["conflict", "excluded"]))
            for a, p in product(range(advisors), range(projects))
        },
        days=each(advisors, st.none() | half_days),
        days_asked=each(projects, st.fixed_dictionaries(dict.fromkeys(KINDS, half_days))),
        speaks=each(advisors, st.sets(st.sampled_from(CODES))),
        asks=each(projects, st.lists(st.sampled_from([("de",), ("fr",), ("de", "fr")]), max_size=1)),
        groups=each(advisors, st.sets(st.sampled_from(GROUPS))),
        project_groups=each(projects, st.sets(st.sampled_from(GROUPS))),
        most_places=draw(some),
        most_each=draw(some),
    )


@settings(max_examples=200, deadline=None)
@given(problems(), st.sampled_from([0, 20]))
def test_with_every_kind_of_limit_the_answer_is_the_best_of_all_possibilities(problem, first_look):
    with patch.object(space, "FIRST_LOOK", first_look):
        solution = solve(problem)

    expected = best(problem)
    if expected is None:
        assert solution.status == "infeasible"
    else:
        taken = [(*pair, solution.kind_of[pair]) for pair in solution.pairs]
        assert solution.status == "proven"
        assert broken(problem, taken) == set()
        own = lowest_first(problem, solution.pairs)
        assert own == pytest.approx(expected[2])
        assert solution.sum == pytest.approx(sum(own))
        runners_keep_everything(problem, solution, taken)


def runners_keep_everything(problem, solution, taken):
    """Each runner-up breaks nothing, no other does and scores more, and nobody is passed over."""
    for pair, found in solution.runners_up.items():
        kind = solution.kind_of[pair]
        rest = [one for one in taken if one[:2] != pair]
        able = [
            other
            for other, serves in enumerate(problem.kinds)
            if kind in serves
            and (other, pair[1]) not in solution.pairs
            and not broken(problem, [*rest, (other, pair[1], kind)])
        ]
        if found is None:
            assert pair in problem.pins or able == []
            continue
        top = max(problem.scores[other][pair[1]] for other in able)
        assert found.advisor in able
        assert problem.scores[found.advisor][pair[1]] == top
        assert found.loss == pytest.approx(problem.scores[pair[0]][pair[1]] - top)


@settings(max_examples=200, deadline=None)
@given(problems())
def test_what_contradicts_itself_is_named_and_without_any_one_of_it_there_is_a_way(problem):
    solution = solve(problem)
    every = [broken(problem, taken) for taken in assignments(problem)]
    if solution.status != "infeasible":
        assert solution.contradiction == ()
        return
    core = set(solution.contradiction)
    assert core
    assert len(core) == len(solution.contradiction)
    assert all(one & core for one in every)
    for key in core:
        assert any(not one & (core - {key}) for one in every), key
    assert len(solution.reasons) == len(core) + 1 or len(core) > 4


def pair_of(days):
    """One advisor who is best for both projects, and another; each place takes two days."""
    return Problem([[9, 9], [5, 1]], [1, 1], [2, 2], days=days, days_asked=[2, 2])


def test_days_are_shared_out_like_places():
    assert solve(pair_of([4, 0])).pairs == ((0, 0), (0, 1))
    assert solve(pair_of([3.5, 2])).pairs == ((1, 0), (0, 1))
    assert solve(pair_of([None, None])).pairs == ((0, 0), (0, 1))
    assert solve(pair_of([3.5, 1])).contradiction == (
        ("days", 0),
        ("days", 1),
        ("asks", 0, ""),
        ("asks", 1, ""),
    )


def test_days_of_a_kind_count_for_that_kind_alone():
    asked = [{"business": 3, "sustainability": 1}]
    problem = Problem(
        [[9], [5]], [{"business": 1, "sustainability": 1}], [1, 1], kinds=[KINDS, KINDS], days=[2, 3], days_asked=asked
    )

    assert dict(solve(problem).kind_of) == {(0, 0): "sustainability", (1, 0): "business"}


def test_days_without_what_is_asked_are_refused():
    with pytest.raises(ValueError, match="days_asked is missing"):
        solve(Problem([[1]], [1], [1], days=[1]))


def test_one_of_two_advisors_is_enough_for_a_language():
    scores = [[9], [8], [1]]
    asked = Problem(scores, [2], [1, 1, 1], speaks=[{"en"}, {"en"}, {"en", "sl"}], asks=[[("sl",)]])
    either = Problem(scores, [2], [1, 1, 1], speaks=[{"en"}, {"nl"}, {"fr"}], asks=[[("fr", "nl")]])

    assert solve(asked).pairs == ((0, 0), (2, 0))
    assert solve(either).pairs == ((0, 0), (1, 0))


def test_a_group_takes_no_more_places_than_it_may_and_nobody_more_projects_of_a_group():
    scores = [[9, 9], [8, 8], [1, 2]]
    groups = [{"ES"}, {"ES"}, {"PT"}]
    limited = Problem(scores, [1, 1], [2, 2, 2], groups=groups, most_places={"ES": 1})
    apart = Problem(scores, [1, 1], [2, 2, 2], project_groups=[{"IT"}, {"IT"}], most_each={"IT": 1})

    assert solve(limited).pairs == ((0, 0), (2, 1))
    assert solve(apart).sum == 17


def test_a_whole_number_of_advisors_is_asked_for_where_fractions_would_do():
    # Half a project here and half there would keep both limits on days.
    assert set(solve(pair_of([3, 1])).contradiction) == {("days", 0), ("days", 1), ("asks", 0, ""), ("asks", 1, "")}


@pytest.mark.parametrize("module", ["_days", "_languages", "_places", "_each"])
def test_control_without_a_family_of_limits_the_answer_breaks_it(module):
    problem = {
        "_days": pair_of([3.5, 2]),
        "_languages": Problem([[9], [1]], [1], [1, 1], speaks=[{"en"}, {"sl"}], asks=[[("sl",)]]),
        "_places": Problem([[9], [1]], [1], [1, 1], groups=[{"ES"}, set()], most_places={"ES": 0}),
        "_each": Problem([[9, 9], [1, 1]], [1, 1], [2, 2], project_groups=[{"IT"}] * 2, most_each={"IT": 1}),
    }[module]
    kept = solve(problem).pairs

    with patch.object(rules, module, lambda problem, space: iter(())):
        assert solve(problem).pairs != kept


def test_control_without_its_limits_the_runner_up_breaks_them():
    problem = Problem([[9], [8], [7]], [1], [1, 1, 1], speaks=[{"sl"}, {"en"}, {"sl"}], asks=[[("sl",)]])
    assert solve(problem).runners_up[0, 0].advisor == 2

    with patch.object(runner._Limits, "allow", lambda self, column, others: others >= 0):
        assert solve(problem).runners_up[0, 0].advisor == 1


def test_control_without_the_filter_more_is_named_than_contradicts_itself():
    problem = Problem([[1, 1], [1, 1]], [1, 1], [0, 1], forbids={(1, 0)})
    assert set(solve(problem).contradiction) == {("asks", 0, ""), ("load", 0), ("forbid", 1, 0)}

    with patch.object(contradiction, "smallest", lambda limits, keys, deadline: (list(limits.rows), True)):
        assert len(solve(problem).contradiction) > 3


def test_a_large_pool_without_enough_places_is_told_together():
    problem = Problem([[1.0] * 25] * 30, [2] * 25, [1] * 30)
    solution = solve(problem)

    assert len(solution.reasons) == 3
    assert solution.reasons[1].endswith("others ask for 32 advisors in all.")
    assert solution.reasons[2].endswith("others have room for 30 projects in all.")


def test_of_equally_good_and_fair_assignments_the_one_is_taken_that_moves_least():
    scores = [[5.0] * 4 for _advisor in range(6)]
    for before in ([(5, 0), (4, 1), (3, 2), (2, 3)], [(0, 3), (1, 2), (2, 1), (3, 0)]):
        assert set(solve(Problem(scores, [1] * 4, [1] * 6, before=before)).pairs) == set(before)
        one = solve(Problem(scores, [1] * 4, [1] * 6, before=before, forbids={before[0]}))
        assert len(set(one.pairs) & set(before)) == 3


def test_what_was_before_never_weighs_more_than_a_point():
    problem = Problem([[5.0, 5.0], [5.0, 5.1]], [1, 1], [1, 1], before=[(0, 1), (1, 0)])
    assert solve(problem).pairs == ((0, 0), (1, 1))


def with_one(mark):
    """Scores from 0 to 1 with one of another kind."""
    scores = np.random.default_rng(3).random((30, 6)).round(3)
    scores[4, 2] = mark
    return Problem(scores, [2] * 6, [1] * 30)


@pytest.mark.parametrize("mark", [1e7, -1e7, 1e6, -1e9, 1e15, -math.inf])
def test_a_score_beside_which_others_are_lost_is_refused_by_its_place(mark):
    with pytest.raises(ValueError, match=r"scores\[4\]\[2\] is .*, too large to be reckoned with.* “conflict”"):
        solve(with_one(mark))


def test_a_large_score_of_a_pair_that_must_not_be_anyway_does_no_harm():
    given = with_one(-1e9)
    conflict = np.zeros((30, 6))
    conflict[4, 2] = 1
    plain = Problem(with_one(0.0).scores, given.demand, given.load_ub, conflict=conflict)

    solution = solve(Problem(given.scores, given.demand, given.load_ub, conflict=conflict))

    assert solution.status == "proven"
    assert solution.pairs == solve(plain).pairs


def test_scores_that_all_are_large_and_differ_by_little_are_refused():
    with pytest.raises(ValueError, match="take the same amount off each"):
        solve(Problem([[1e7, 1e7 + 0.25], [1e7 + 0.5, 1e7]], [1, 1], [1, 1]))


def test_scores_of_a_wide_but_usual_range_are_solved():
    spread = np.random.default_rng(1).lognormal(sigma=2, size=(40, 8))

    assert solve(Problem(spread, [1] * 8, [1] * 40)).status == "proven"
    assert solve(Problem([[0, 1e9], [1e9, 0]], [1, 1], [1, 1])).min == 1e9
    assert solve(Problem([[0.1 + 0.2 - 0.3, 1], [0.0, 0.5]], [1, 1], [1, 1])).status == "proven"  # 6e-17 is no score


def test_the_narrowest_band_counts_and_not_the_nearest_two_of_many():
    values = np.random.default_rng(0).normal(size=7500)

    assert resolution.finest(values) == pytest.approx(0.25, abs=0.05)
    assert resolution.finest(np.array([1.0, 1.25, 9.0])) == pytest.approx(0.25)
    assert resolution.finest(np.array([3.0, 3.0])) == math.inf


def test_fairness_gives_back_nothing_of_worst_case_and_sum():
    # As if a program had used up its tolerance: the fairer choice has less in all.
    scores = [[9, 4], [5, 1]]
    best = solve(Problem(scores, [1, 1], [1, 1]))

    with patch.object(search, "fairest", lambda space, chosen, columns, deadline: [0, 3]):
        kept = solve(Problem(scores, [1, 1], [1, 1]))

    assert (kept.pairs, kept.sum, kept.min) == (best.pairs, 9, 4)


def test_the_figures_are_those_of_the_pairs_that_are_answered():
    scores = [[5, 5], [5, 5 + 1e-4]]
    given_back = patch.object(search, "fairest", lambda space, chosen, columns, deadline: [1, 2])
    with given_back, patch.object(search, "_no_worse", lambda space, fairer, chosen: fairer):
        solution = solve(Problem(scores, [1, 1], [1, 1]))

    assert solution.sum == math.fsum(scores[advisor][project] for advisor, project in solution.pairs)
    assert solution.status == "best known"
