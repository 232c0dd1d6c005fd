"""The explained score: worked examples with vectors made by hand, and the two commands."""

import io
import json
import math
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st

from advisory.scoring import Need, Profile, score

ROOT = Path(__file__).parents[2]
WATER = np.array([1.0, 0.0, 0.0])
ENERGY = np.array([0.0, 1.0, 0.0])
OTHER = np.array([0.0, 0.0, 1.0])


def profile(id_, *texts, language="en", vectors=(), **more):
    return Profile(id_, texts, language, tuple(np.atleast_2d(vector) for vector in vectors), **more)


def parts(scores, i=0, j=0):
    return {part.name: part for part in scores.parts(i, j)}


def test_the_words_of_the_need_decide_and_are_shown_rarest_first():
    people = [
        profile("a", "Water reuse in textile dyeing"),
        profile("b", "Energy audits in textile plants"),
        profile("c", "Textile trade and marketing"),
    ]

    scores = score(people, [Need("n", "water reuse for textile firms", "en")])

    assert scores.matrix[:, 0].argmax() == 0
    assert parts(scores)["words"].evidence == ("reuse", "water", "textile")
    assert parts(scores)["words"].is_z
    assert parts(scores)["words"].sentence == "Water reuse in textile dyeing"
    assert parts(scores, 1)["meaning"].stand_in == "words"  # no vector


def test_words_of_another_language_do_not_count():
    people = [
        profile("a", "restaurant piscine camping", language="fr", vectors=[WATER]),
        profile("b", "restaurant camping", language="en", vectors=[ENERGY]),
    ]

    scores = score(people, [Need("n", "restaurant camping", "en", WATER)])

    assert parts(scores, 0)["words"].stand_in == "meaning"
    assert parts(scores, 0)["words"].value == parts(scores, 0)["meaning"].value
    assert parts(scores, 0)["words"].evidence == ()
    assert parts(scores, 1)["words"].stand_in == ""


def test_meaning_finds_the_text_and_quotes_it():
    people = [profile("a", "Trade", "Closed loops", vectors=[ENERGY, WATER]), profile("b", "Law", vectors=[OTHER])]

    scores = score(people, [Need("n", "eau", "fr", WATER)])

    assert scores.matrix[0, 0] > scores.matrix[1, 0]
    assert parts(scores)["meaning"].evidence == ("Closed loops",)


def test_a_chunked_text_counts_by_its_mean_and_separate_texts_by_their_best_three():
    half = profile("half", "long", vectors=[np.stack([WATER, OTHER])])
    best = profile("best", "1", "2", "3", "4", vectors=[WATER, WATER, WATER, OTHER])

    scores = score([half, best], [Need("n", "", "en", WATER), Need("m", "", "en", ENERGY)])

    assert scores.matrix[1, 0] > scores.matrix[0, 0]
    four = score([profile("same", "1", "2", "3", "4", vectors=[WATER] * 4), best], [Need("n", "", "en", WATER)])
    assert four.matrix[0, 0] == pytest.approx(four.matrix[1, 0], abs=1e-9)


def test_a_language_is_taken_out_of_the_vectors_once_enough_texts_show_it():
    # Every French vector leans to one side: without the correction any of them is nearer to a French need.
    generator = np.random.default_rng(5)
    lean, themes = np.array([4.0, 0, 0, 0, 0]), np.eye(5)[1:]
    people = [
        profile(
            f"{language}{n}", "x", language=language, vectors=[themes[n % 4] + shift + generator.normal(size=5) / 50]
        )
        for language, shift in (("fr", lean), ("en", -lean))
        for n in range(20)
    ]
    needs = [Need(f"n{n}", "y", "fr", themes[n % 4] + lean) for n in range(20)]

    scores = score(people, needs)

    fitting = [i for i in range(40) if i % 4 == 0]
    assert sorted(np.argsort(-scores.matrix[:, 0])[:10].tolist()) == fitting


def test_areas_and_languages_add_up_to_one_point_each():
    people = [
        profile("a", speaks={"fr": "C2", "en": "B1"}, areas=frozenset({"water-use"})),
        profile("b", speaks={"en": None}, areas=frozenset()),
    ]
    need = Need("n", languages=("fr", "en"), areas={"water-use": 3.0, "energy-efficiency": 1.0})

    scores = score(people, [need])

    assert scores.matrix[:, 0].tolist() == [0.75 + 1.0, 0.0 + 0.5]
    assert parts(scores)["areas"].evidence == ("water-use",)
    assert parts(scores)["languages"].evidence == ("fr", "en")
    assert [part.name for part in scores.parts(0, 0)] == ["languages", "areas"]


def test_a_conflict_forbids_the_pair_and_only_that():
    people = [profile("a", "water"), profile("b", "water")]

    scores = score(people, [Need("n", "water", "en"), Need("m", "water", "en")], conflicts={("b", "n")})

    assert np.isnan(scores.matrix).tolist() == [[False, False], [True, False]]
    assert scores.forbidden.tolist() == [[False, False], [True, False]]
    with pytest.raises(KeyError):
        score(people, [], conflicts={("b", "z")})


def test_vectors_for_some_texts_only_are_refused():
    with pytest.raises(ValueError, match="Profile a: 2 texts, vectors for 1"):
        score([profile("a", "one", "two", vectors=[WATER])], [])


def test_nothing_known_scores_as_the_average():
    scores = score([profile("a"), profile("b", "water")], [Need("n", "water", "en"), Need("m", "", "en")])

    assert scores.matrix[0].tolist() == [0.0, 0.0]
    assert score([], []).matrix.shape == (0, 0)


def test_a_long_evidence_is_cut_at_a_word():
    text = "reuse of water " * 40

    (snippet,) = parts(score([profile("a", text, vectors=[WATER])], [Need("n", "", "en", WATER)]))["meaning"].evidence

    assert snippet.endswith("…")
    assert len(snippet) <= 242
    assert text.startswith(snippet[:-2])


@given(st.permutations(range(4)), st.permutations(range(3)))
def test_the_order_of_the_input_changes_no_score(people_order, needs_order):
    people = [
        profile("a", "water reuse", vectors=[WATER]),
        profile("b", "energy audits", vectors=[ENERGY]),
        profile("c", "réutilisation", language="fr", vectors=[WATER + OTHER]),
        profile("d"),
    ]
    needs = [Need("n", "water", "en", WATER), Need("m", "energy", "en", ENERGY), Need("o", "eau", "fr", OTHER)]

    plain = score(people, needs).matrix
    mixed = score([people[i] for i in people_order], [needs[j] for j in needs_order]).matrix

    assert mixed == pytest.approx(plain[np.ix_(people_order, needs_order)])


def command(name, text, *options):
    return subprocess.run(
        [sys.executable, "manage.py", name, *options], cwd=ROOT, input=text, capture_output=True, text=True, check=False
    )


def test_score_texts_answers_a_line_for_each_query():
    lines = [
        {"kind": "task", "name": "sample"},
        {"kind": "cand", "id": "w", "lang": "fr", "texts": ["Spécialiste du traitement des eaux usées industrielles"]},
        {"kind": "cand", "id": "e", "lang": "de", "texts": ["Energieberater für die Industrie, Audits nach ISO 50001"]},
        {"kind": "query", "id": 1, "lang": "en", "text": "industrial waste water treatment", "cands": None},
        {"kind": "query", "id": 2, "lang": "en", "text": "energy audits in factories", "cands": ["e"]},
    ]

    done = command("score_texts", "\n".join(map(json.dumps, lines)))

    first, second = map(json.loads, done.stdout.splitlines())
    assert first["query"] == 1
    assert first["scores"]["w"] > first["scores"]["e"]
    assert list(second["scores"]) == ["e"]
    assert done.stderr.splitlines() == [
        "2 candidates, 2 texts to score them for.",
        "2 of 2 passages of the candidates are read.",
        "Candidates are read; now the texts.",
        "Done.",
    ]


def test_score_texts_reads_no_more_of_a_candidate_than_its_budget():
    late = "Payroll of a school. " * 60 + "Industrial waste water treatment."
    lines = [
        {"kind": "cand", "id": "late", "lang": "en", "texts": [late]},
        {"kind": "query", "id": 1, "lang": "en", "text": "waste water", "cands": None},
    ]

    def passages(budget):
        done = command("score_texts", "\n".join(map(json.dumps, lines)), "--budget", budget)
        return done.stderr.splitlines()[1:2]

    assert passages("100") == ["1 of 1 passages of the candidates are read."]
    assert passages("800") == ["2 of 2 passages of the candidates are read."]
    assert "at least one token" in command("score_texts", "", "--budget", "0").stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "Line 1 is not a JSON object of kind cand, query or task."),
        ('{"kind": "cand", "id": 1}', "Line 1 has no “texts”."),
        (
            '\n{"kind": "query", "id": 1, "text": "x", "cands": [7]}',
            "Line 2, “cands”: query 1 asks for candidate 7, who is not in the input.",
        ),
        (
            '{"kind": "cand", "id": "a", "texts": ["x"]}\n{"kind": "query", "id": 1, "text": "x", "cands": null}\n'
            '{"kind": "query", "id": 2, "text": "x", "cands": ["a", "b"]}',
            "Line 3, “cands”: query 2 asks for candidate b, who is not in the input.",
        ),
        ('{"kind": "cand", "id": 1, "texts": "wind farms"}', "Line 1: “texts” is not a list of texts."),
        ('{"kind": "cand", "id": 1, "texts": null}', "Line 1: “texts” is not a list of texts."),
        ('{"kind": "cand", "id": 1, "texts": ["x", 2]}', "Line 1: “texts” is not a list of texts."),
        ('{"kind": "cand", "id": null, "texts": []}', "Line 1: “id” is not a text or a whole number."),
        ('{"kind": "cand", "id": "\\ud800", "texts": []}', "Line 1: “id” is not a text or a whole number."),
        ('{"kind": "cand", "id": 1, "texts": [], "lang": 5}', "Line 1: “lang” is not a language code or null."),
        ('{"kind": "query", "id": 1, "text": null}', "Line 1: “text” is not a text."),
        ('{"kind": "query", "id": 1, "text": ["x"]}', "Line 1: “text” is not a text."),
        ('{"kind": "query", "id": 1, "text": "x", "cands": "a"}', "Line 1: “cands” is not a list of ids"),
        ('{"kind": "query", "id": 1, "text": "x", "cands": [["a"]]}', "Line 1: “cands” is not a list of ids"),
        ("[" * 100_000, "Line 1 is not a JSON object of kind cand, query or task."),
        (
            '{"kind": "cand", "id": 1, "texts": ["x"]}\n\n{"kind": "cand", "id": "1", "texts": ["y"]}',
            "Line 3: the “id” 1 is that of the candidate on line 1 already.",
        ),
    ],
)
def test_score_texts_says_what_is_wrong_with_the_input(text, sentence):
    done = command("score_texts", text)

    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)  # before any work


def test_solve_assignment_answers_with_the_proof():
    done = command("solve_assignment", '{"scores": [[9, 4], [5, 1]], "demand": [1, 1], "load_ub": [1, 1]}')

    answer = json.loads(done.stdout)
    assert answer["pairs"] == [[1, 0], [0, 1]]
    assert (answer["status"], answer["min"], answer["sum"], answer["reasons"]) == ("proven", 4, 9, [])
    assert (answer["min_bound"], answer["sum_bound"]) == pytest.approx((4, 9))


def test_solve_assignment_says_what_is_missing():
    done = command("solve_assignment", '{"scores": [[9]], "demand": [1]}')

    assert done.returncode == 1
    assert "The input has no “load_ub”." in done.stderr


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"demand": [1.9, 1]}, "“demand[0]” is 1.9, not a whole number"),
        ({"demand": [1, -1]}, "“demand[1]” is -1, not a whole number"),
        ({"demand": [1, None]}, "“demand[1]” is null, not a whole number"),
        ({"demand": [1, True]}, "“demand[1]” is true, not a whole number"),
        ({"demand": [{"business": 0.5}, 1]}, '“demand[0]["business"]” is 0.5, not a whole number'),
        ({"demand": None}, "“demand” is not a list."),
        ({"load_ub": [1.9, 1]}, "“load_ub[0]” is 1.9, not a whole number"),
        ({"load_ub": [1, 10**30]}, "“load_ub[1]” is 1000000000000000000000000000000, not a whole number"),
        ({"load_ub": "11"}, "“load_ub” is not a list."),
        ({"load_lb": [0, -1]}, "“load_lb[1]” is -1, not a whole number"),
        ({"load_lb": [0]}, "“load_lb” has length 1, but “load_ub” has 2."),
        ({"scores": [[9, 4], [5]]}, "“scores[1]” has length 1, but “demand” has 2 projects."),
        ({"scores": [[9, 4]]}, "“scores” has 1 rows, but “load_ub” has 2 advisors."),
        ({"scores": [[9, "4"], [5, 1]]}, '“scores[0][1]” is "4", not a finite number.'),
        ({"scores": [[9, math.nan], [5, 1]]}, "“scores[0][1]” is NaN, not a finite number."),
        ({"scores": [[9, 4], [-math.inf, 1]]}, "“scores[1][0]” is -Infinity, not a finite number."),
        ({"scores": [[9, 4], [10**400, 1]]}, "“scores[1][0]” is 1000000000000000000000000000000000000000…, not a"),
        ({"scores": "9"}, "“scores” is not a list."),
        ({"scores": [9, 4]}, "“scores[0]” is not a list."),
        ({"scores": [[9, 1e8], [5, 1]]}, "scores[0][1] is 1e+08, too large to be reckoned with"),
        ({"conflict": [[0, 1], [0, 2]]}, "“conflict[1][1]” is 2, not 0 or 1."),
        ({"conflict": [[0, 1], [0, None]]}, "“conflict[1][1]” is null, not 0 or 1."),
    ],
)
def test_solve_assignment_refuses_what_it_cannot_take_as_it_stands(wrong, sentence):
    refused(json.dumps({**SMALL, **wrong}), sentence)


def refused(text, sentence, *options):
    """In process: a command that ends with a CommandError has status 1 and its sentence on standard error."""
    answers = io.StringIO()
    with patch.object(sys, "stdin", io.StringIO(text)), pytest.raises(CommandError) as error:
        call_command("solve_assignment", *options, stdout=answers)
    assert sentence in str(error.value)
    assert answers.getvalue() == ""


SMALL = {"scores": [[9, 4], [5, 1]], "demand": [1, 1], "load_ub": [1, 1]}


def test_solve_assignment_refuses_what_is_no_object_and_numbers_no_float_can_hold():
    refused("[1]", "The input is not a JSON object.")
    refused("[" * 100_000, "The input is not JSON")
    refused('{"scores": [[1e999]], "demand": [1], "load_ub": [1]}', "“scores[0][0]” is Infinity, not a finite number.")
    refused(json.dumps(SMALL), "The seconds must be a number", "--seconds", "nan")
    done = command("solve_assignment", json.dumps({**SMALL, "demand": [1.9, 1]}))
    assert (done.returncode, done.stdout) == (1, "")
    assert "“demand[0]” is 1.9" in done.stderr


def test_solve_assignment_takes_whole_numbers_written_as_floats_and_null_for_no_score():
    given = {"scores": [[9, None], [5, 1]], "demand": [1.0, 1], "load_ub": [1, 2.0], "conflict": [[False, 0], [0, 0]]}
    answers = io.StringIO()
    with patch.object(sys, "stdin", io.StringIO(json.dumps(given))):
        call_command("solve_assignment", stdout=answers)

    assert json.loads(answers.getvalue())["pairs"] == [[0, 0], [1, 1]]
