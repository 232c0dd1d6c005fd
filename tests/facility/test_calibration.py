"""How evaluators compare: known effects are found again, equal evaluators change nothing, few totals move little."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facility.calibration import SHRINK, Total, calibrate


def totals(applications, evaluators, effect, *, noise=0.0, each=3, seed=7):
    """Every application is judged by `each` evaluators in turn; `effect` moves what they give."""
    choose = random.Random(seed)
    found = []
    for at in range(applications):
        worth = 40 + 40 * choose.random()
        for who in choose.sample(range(evaluators), each):
            found.append(Total(f"a{at}", f"e{who}", worth + effect[who] + choose.gauss(0, noise)))
    return found


def test_known_effects_are_found_again():
    effect = [8.0, -6.0, 3.0, -5.0, 0.0, 0.0]
    found = calibrate(totals(400, 6, effect, noise=2.0))
    seen = {one.id: one.effect for one in found.evaluators}
    assert all(abs(seen[f"e{at}"] - known) < 0.75 for at, known in enumerate(effect))


def test_adjusted_scores_come_nearer_to_what_was_deserved():
    effect = [8.0, -6.0, 3.0, -5.0, 0.0, 0.0]
    with_effects = calibrate(totals(60, 6, effect, each=2))
    without = {one.id: one.raw for one in calibrate(totals(60, 6, [0.0] * 6, each=2)).scores}

    def error(value):
        return sum(abs(value(one) - without[one.id]) for one in with_effects.scores)

    assert error(lambda one: one.adjusted) < 0.2 * error(lambda one: one.raw)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=8), st.integers(1, 5))
def test_where_all_evaluators_agree_the_adjusted_score_is_the_raw_one(worth, evaluators):
    found = calibrate(Total(f"a{at}", f"e{who}", one) for at, one in enumerate(worth) for who in range(evaluators))
    assert all(one.adjusted == pytest.approx(one.raw, abs=1e-6) for one in found.scores)
    assert all(one.effect == pytest.approx(0, abs=1e-6) for one in found.evaluators)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.tuples(st.integers(0, 6), st.integers(0, 4)), st.floats(0, 100), min_size=1, max_size=25))
def test_effects_cancel_out_and_raw_scores_stay_the_means(given_):
    found = calibrate(Total(str(a), str(e), value) for (a, e), value in given_.items())
    assert sum(one.effect for one in found.evaluators) == pytest.approx(0, abs=1e-6)
    for one in found.scores:
        values = [value for (a, _e), value in given_.items() if str(a) == one.id]
        assert one.raw == pytest.approx(sum(values) / len(values))
        assert one.count == len(values)


def test_somebody_who_judged_one_application_is_moved_little():
    found = calibrate([Total("a", "mild", 90.0), Total("a", "strict", 70.0)])
    # Half of the distance each, shrunk by 1 / (1 + SHRINK).
    assert {one.id: round(one.effect, 6) for one in found.evaluators} == {
        "mild": round(10 / (1 + SHRINK), 6),
        "strict": round(-10 / (1 + SHRINK), 6),
    }


def test_figures_of_an_evaluator_are_those_of_the_table():
    given_ = {("a", "one"): 80.0, ("a", "two"): 60.0, ("b", "one"): 70.0, ("b", "two"): 70.0, ("c", "one"): 90.0}
    found = calibrate(Total(*key, value) for key, value in given_.items())
    one, two = found.evaluators
    assert (one.count, one.mean, one.against) == (3, 80.0, 10.0)
    assert one.deviation == pytest.approx(10.0)
    assert (two.count, two.mean, two.against) == (2, 65.0, -10.0)
    alone = calibrate([Total("c", "one", 90.0)]).evaluators[0]
    assert (alone.deviation, alone.against, alone.effect) == (None, None, 0.0)


def test_nothing_gives_nothing_and_a_double_is_refused():
    assert calibrate([]).scores == ()
    with pytest.raises(ValueError, match="twice"):
        calibrate([Total("a", "e", 1.0), Total("a", "e", 2.0)])
