"""The relevance set is what its page says: halves apart, labels from the making, figures right on known cases."""

import ast
from pathlib import Path

import numpy as np
import pytest

from bench.relevance import figures
from bench.relevance.people import LANGUAGES, asks, curriculum, grade, people, projects, texts

BENCH = Path(__file__).parents[2] / "bench" / "relevance"


def told(half):
    """Every line that tells of an area, a client or a cluster."""
    for language in LANGUAGES:
        own = texts(half, language)
        yield from (line for block in own.areas for line in block)
        yield from (*own.clients, *own.clusters)


def test_the_halves_share_no_line_that_counts():
    # The two words for a trade that every language has once are no sentence.
    both = {line for line in set(told("tuned")) & set(told("held_out")) if len(line.split()) > 3}
    assert both == set()


def test_a_cv_has_its_length_and_the_same_order_in_every_language():
    lengths = [len(curriculum(one, half).split()) for half in ("tuned", "held_out") for one in people()]
    assert min(lengths) > 200 and max(lengths) < 650
    one = people()[5]
    assert len({curriculum(one, "tuned", language).count("\n") for language in LANGUAGES}) == 1


def test_every_project_has_somebody_of_each_grade_and_every_language_its_share():
    for project in projects():
        assert {grade(one, project) for one in people()} == {0, 1, 2, 3}
        assert [weight for _text, weight in asks(project, "tuned")] == [1.0, 1.0, 0.5, pytest.approx(1 / 3)]
    count = [sum(one.language == language for one in people()) for language in LANGUAGES]
    assert min(count) >= 6


def test_the_figures_of_a_perfect_a_reversed_and_an_even_ranking():
    grades = [3, 2, 1, 0]
    right, wrong, even = [4.0, 3, 2, 1], [1.0, 2, 3, 4], [0.0] * 4

    assert [one(right, grades) for one in figures.FIGURES.values()] == [1.0, 1.0, 1.0, 0.0]
    assert figures.pairwise_loss(wrong, grades) == 1.0
    assert figures.pairwise_loss(even, grades) == 0.5
    assert figures.reciprocal_rank(wrong, grades) == 0.25
    assert figures.average_precision(wrong, grades) == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert 0 < figures.ndcg(wrong, grades) < 1


def test_plain_bm25_prefers_the_rare_word():
    found = figures.bm25(["water dye", "dye mill", "dye loan"], ["water dye"], figures.by_words)
    assert np.argmax(found[:, 0]) == 0
    assert figures.by_characters("dyes") == [" dye", "dyes", "yes "]


def test_labels_and_plain_rankings_know_nothing_of_the_scorer():
    for name in ("people.py", "figures.py"):
        nodes = ast.walk(ast.parse((BENCH / name).read_text()))
        named = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        assert not {one for one in named if one.startswith("advisory")}
