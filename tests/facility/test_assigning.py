"""The assignment of evaluators: never a conflict, as much as can be covered, even loads, then the best fit."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facility import assigning
from facility.assigning import WORST, Paper, Reader, fit, plan

LANGUAGES, ECOSYSTEMS, AREAS = ("en", "es", "fr"), ("textile", "agri-food"), ("water-use", "energy-efficiency")
subsets = st.frozensets


@st.composite
def cases(draw, papers=5, readers=5, wanted=3):
    """(papers, readers, ties), small enough to be read when one fails."""
    people = [
        Reader(
            f"r{at}",
            draw(subsets(st.sampled_from(LANGUAGES))),
            draw(subsets(st.sampled_from(ECOSYSTEMS))),
            draw(subsets(st.sampled_from(AREAS))),
            draw(st.integers(0, 3)),
            draw(st.none() | st.integers(0, 5)),
        )
        for at in range(draw(st.integers(0, readers)))
    ]
    keys = [one.id for one in people]
    bids = [
        Paper(
            f"p{at}",
            draw(st.integers(0, wanted)),
            draw(st.sampled_from(("", *LANGUAGES))),
            draw(st.sampled_from(("", *ECOSYSTEMS))),
            draw(subsets(st.sampled_from(AREAS))),
            draw(subsets(st.sampled_from(keys), max_size=2)) if keys else frozenset(),
        )
        for at in range(draw(st.integers(0, papers)))
    ]
    every = [(reader, paper.id) for reader in keys for paper in bids]
    return bids, people, set(draw(st.lists(st.sampled_from(every), max_size=8))) if every else set()


def squares(loads):
    return sum(load * load for load in loads.values())


def cost(found):
    return sum(pair.fit.cost for pair in found.pairs)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_nobody_judges_against_a_tie_twice_or_beyond_their_limit(case):
    papers, readers, ties = case
    found = plan(papers, readers, ties)
    by_paper, by_reader = {one.id: one for one in papers}, {one.id: one for one in readers}
    pairs = [(pair.reader, pair.paper) for pair in found.pairs]
    assert len(set(pairs)) == len(pairs)
    for reader, paper in pairs:
        assert (reader, paper) not in ties
        assert reader not in by_paper[paper].asked
    for key, load in found.loads.items():
        given_ = sum(pair.reader == key for pair in found.pairs)
        assert load == by_reader[key].load + given_
        limit = by_reader[key].limit
        assert not given_ or limit is None or load <= limit
    missing = {short.paper: short.missing for short in found.short}
    for paper in papers:
        got = sum(pair.paper == paper.id for pair in found.pairs)
        assert got + missing.get(paper.id, 0) == paper.wanted
    assert found.is_complete == (not missing)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_what_stands_in_the_way_counts_every_reader_once(case):
    papers, readers, ties = case
    found = plan(papers, readers, ties)
    for short in found.short:
        got = sum(pair.paper == short.paper for pair in found.pairs)
        assert short.tied + short.asked + short.full + got == len(readers)


def brute(papers, readers, ties):
    """(evaluations given, squares of loads, cost of fit) of the best assignment, by trying all."""
    choices = []
    for paper in papers:
        able = [one for one in readers if (one.id, paper.id) not in ties and one.id not in paper.asked]
        choices.append([group for n in range(paper.wanted + 1) for group in itertools.combinations(able, n)])
    best = None
    for groups in itertools.product(*choices):
        loads = {one.id: one.load for one in readers}
        for reader in itertools.chain(*groups):
            loads[reader.id] += 1
        if any(one.limit is not None and loads[one.id] > max(one.limit, one.load) for one in readers):
            continue
        misfit = sum(fit(reader, paper).cost for paper, group in zip(papers, groups, strict=True) for reader in group)
        shortage = sum(
            (paper.wanted - len(group)) * (paper.wanted - len(group) + 1) // 2
            for paper, group in zip(papers, groups, strict=True)
        )
        key = (-sum(map(len, groups)), shortage, squares(loads), misfit)
        best = key if best is None or key < best else best
    return best


@settings(max_examples=60, deadline=None)
@given(cases(papers=3, readers=4, wanted=2))
def test_small_cases_are_solved_as_well_as_by_trying_all(case):
    papers, readers, ties = case
    found = plan(papers, readers, ties)
    shortage = sum(short.missing * (short.missing + 1) // 2 for short in found.short)
    assert (-len(found.pairs), shortage, squares(found.loads), cost(found)) == brute(papers, readers, ties)


@pytest.mark.parametrize(("papers", "readers", "wanted"), [(100, 10, 2), (100, 10, 3), (7, 3, 2), (25, 8, 2)])
def test_without_conflicts_nobody_has_two_more_than_anybody_else(papers, readers, wanted):
    found = plan(
        [Paper(f"p{at}", wanted, "es") for at in range(papers)],
        [Reader(f"r{at}", frozenset({"es"} if at % 2 else {"fr"})) for at in range(readers)],
    )
    assert found.is_complete
    assert max(found.loads.values()) - min(found.loads.values()) <= 1


def test_a_second_run_moves_nobody_and_gives_only_what_is_missing():
    papers, readers = [Paper(f"p{at}", 2) for at in range(6)], [Reader(f"r{at}") for at in range(4)]
    first = plan(papers, readers)
    asked = {one.id: {pair.reader for pair in first.pairs if pair.paper == one.id} for one in papers}
    again = [Paper(one.id, 1 if one.id == "p3" else 0, asked=frozenset(asked[one.id])) for one in papers]
    more = plan(again, [Reader(one.id, load=first.loads[one.id]) for one in readers])
    assert [(pair.paper, pair.reader in asked["p3"]) for pair in more.pairs] == [("p3", False)]


def test_the_fitting_evaluator_is_taken_where_loads_allow():
    textile = Paper("p", 1, "es", "textile", frozenset({"water-use"}))
    able = Reader("able", frozenset({"es"}), frozenset({"textile"}), frozenset({"water-use"}))
    other = Reader("other", frozenset({"fr"}), frozenset({"agri-food"}), frozenset({"energy-efficiency"}))
    assert [pair.reader for pair in plan([textile], [other, able]).pairs] == ["able"]
    assert (fit(able, textile).cost, fit(other, textile).cost) == (0, WORST)
    assert fit(Reader("silent"), textile).language is None


def test_what_cannot_be_covered_is_named_with_what_stands_in_the_way():
    paper = Paper("p", 3, asked=frozenset({"before"}))
    readers = [Reader("tied"), Reader("before"), Reader("full", load=2, limit=2), Reader("free")]
    (short,) = plan([paper], readers, {("tied", "p")}).short
    assert (short.missing, short.tied, short.asked, short.full) == (2, 1, 1, 1)


def test_control_with_the_ties_left_out_the_property_fails(monkeypatch):
    """Shows that the property above looks: a plan that forgets the ties breaks it."""
    whole = assigning.plan
    case = ([Paper("p", 2)], [Reader("a"), Reader("b")], {("a", "p")})
    monkeypatch.setitem(globals(), "plan", lambda papers, readers, ties: whole(papers, readers))
    with pytest.raises(AssertionError):
        test_nobody_judges_against_a_tie_twice_or_beyond_their_limit.hypothesis.inner_test(case)


def test_an_id_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        plan([Paper("p", 1), Paper("p", 1)], [])
