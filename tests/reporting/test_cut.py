"""The frozen cut: numbering of figures, canonical bytes, seal, and a sentence for every breach of the shape."""

import copy
import hashlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.cut import AREAS, CELLS, FORMS, Figures, canonical, check, is_sealed, seal
from tests.reporting.samples.cuts import hostile_cut, sample_cut


@pytest.fixture
def cut():
    return json.loads(canonical(sample_cut(3)))


def test_figures_are_numbered_in_the_order_they_are_asked_for():
    figures = Figures()
    figures.figure("Sessions", "sessions", "sessions in state approved", ["S2", "S1"])
    row = figures.series("Hours", "hours", "sum of hours", [("DE", ["S1"], Decimal("2.50"))])[0]
    assert list(figures.by_id) == ["F001", "F002"]
    assert row["key"] == "DE"
    assert "key" not in figures.by_id["F002"]
    assert figures.members()["figure_order"] == ["F001", "F002"]


def test_a_count_is_the_number_of_its_records_and_a_sum_is_given_apart():
    figures = Figures()
    count = figures.figure("Sessions", "sessions", "approved", ["S2", "S1"])
    total = figures.figure("Hours", "hours", "sum", ["S2", "S1"], Decimal("7.0"))
    assert (count["value"], count["n"], count["evidence"]) == (2, 2, ["S1", "S2"])
    assert (total["value"], total["n"]) == (7, 2)
    assert isinstance(total["value"], int)
    assert count["sha256_12"] == hashlib.sha256(b"S1\nS2").hexdigest()[:12]


def test_a_zero_has_no_evidence():
    zero = Figures().figure("Conflicts", "pairs", "declared", [])
    assert (zero["value"], zero["n"], zero["evidence"]) == (0, 0, [])


@pytest.mark.parametrize(("evidence", "value"), [(["S1", "S1"], None), (["S1"], float("nan")), (["S1"], float("inf"))])
def test_a_figure_refuses_a_record_named_twice_and_a_value_that_is_no_number(evidence, value):
    with pytest.raises(ValueError, match=r"twice|finite"):
        Figures().figure("Hours", "hours", "sum", evidence, value)


@given(st.recursive(st.text() | st.integers() | st.booleans(), lambda c: st.dictionaries(st.text(), c), max_leaves=20))
def test_canonical_bytes_do_not_depend_on_the_order_of_keys(value):
    turned = json.loads(json.dumps({"a": value, "b": 1}), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert canonical({"a": value, "b": 1}) == canonical(turned)


def test_the_seal_is_the_checksum_of_the_form_with_an_empty_checksum(cut):
    bare = {**cut, "meta": {**cut["meta"], "cut_sha256": ""}}
    text = json.dumps(bare, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert cut["meta"]["cut_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert seal(cut) == cut


def test_a_changed_cut_is_no_longer_sealed(cut):
    assert is_sealed(cut)
    cut["projects"][0]["outcome"] += "."
    assert not is_sealed(cut)


@pytest.mark.parametrize("make", [lambda: sample_cut(0), lambda: sample_cut(1), lambda: sample_cut(25), hostile_cut])
def test_good_cuts_have_no_breach(make):
    assert check(make()) == []


def test_the_matrix_is_keyed_by_all_36_cells(cut):
    assert sorted(json.loads(canonical(cut))["matrix"]["cells"]) == sorted(CELLS)
    assert len(CELLS) == 36
    assert all(cell.count(".") == 2 for cell in CELLS)


def test_the_areas_and_forms_of_the_check_are_those_of_the_published_schema(cut):
    cut["needs"]["areas"].reverse()
    cut["support"]["forms"].reverse()
    assert [sentence.split(" ")[0] for sentence in check(cut)] == ["needs.areas", "support.forms"]
    assert (len(AREAS), len(FORMS)) == (11, 5)


def put(cut, path, value):
    *way, last = path
    for step in way:
        cut = cut[step]
    cut[last] = value


def take(cut, path):
    *way, last = path
    for step in way:
        cut = cut[step]
    del cut[last]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["projects", 0, "id"], "P 1", "projects[0].id"),
        (["projects", 0, "id"], "P1\n", "projects[0].id"),
        (["projects", 0, "lang"], "sl-SI", "projects[0].lang"),
        (["projects", 1, "id"], "P001", "“P001” is given 2 times"),
        (["projects", 0, "needs", 0, "id"], "N0009", "“N0009” is given 2 times"),
        (["projects", 0, "actions", 0, "need"], "N0009", "no need of that project"),
        (["projects", 0, "months"], [1], "has 1 months"),
        (["projects", 0, "kick_off"], "2021-02-30", "“2021-02-30” is not a day"),
        (["projects", 0, "cells"], ["green.skills.magic"], "projects[0].cells[0]"),
        (["projects", 0, "totals", "hours"], "many", "projects[0].totals.hours"),
        (["sections", 0, "id"], "weather", "“weather” has no template"),
        (["sections", 0, "id"], "course", "“course” is listed 2 times"),
        (["highlights"], ["P404"], "no project “P404”"),
        (["stories", 0, "project"], "P404", "stories: there is no project “P404”"),
        (["matrix", "cells", CELLS[0], "id"], CELLS[1], "names another place"),
        (["matrix", "cells", CELLS[0], "state"], "warm", "state"),
        (["key", "projects", "value"], 99, "F001: the figure in its place differs"),
        (["figures", "F001", "n"], 99, "F001: n is 99"),
        (["figures", "F001", "sha256_12"], "0" * 12, "F001: the checksum does not fit"),
        (["figure_order"], ["F001"], "figure_order"),
        (["course", "to"], "2020-01-01", "“from” must lie before “to”"),
        (["meta", "frozen_at"], "2022-04-22", "meta.frozen_at"),
        (["lessons"], [], "lessons must name"),
    ],
)
def test_each_breach_is_said_in_a_sentence(cut, path, value, said):
    put(cut, path, value)
    sentences = check(cut)
    assert any(said in sentence for sentence in sentences), sentences
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize(
    "path",
    [["webinars"], ["webinars", "topics"], ["matrix", "cells", CELLS[35]], ["key", "cvs"], ["projects", 0, "quote"]],
)
def test_a_list_or_member_left_out_is_named(cut, path):
    take(cut, path)
    assert any(repr(path[-1]) in sentence for sentence in check(cut))


@pytest.mark.row("F35")
@pytest.mark.parametrize("state", ["solved", "eased", "open"])
def test_the_states_of_the_needs_add_up_to_the_needs(cut, state):
    for path in (["needs", "shift", state], ["needs", "areas", 5, state]):
        changed = copy.deepcopy(cut)
        number = (
            changed["needs"]["shift"][state]["id"] if path[1] == "shift" else changed["needs"]["areas"][5][state]["id"]
        )
        put(changed, [*path, "value"], 77)
        put(changed, ["figures", number, "value"], 77)
        assert any("do not add up" in sentence for sentence in check(changed)), path


def test_the_check_leaves_the_cut_alone(cut):
    before = copy.deepcopy(cut)
    check(cut)
    assert cut == before
