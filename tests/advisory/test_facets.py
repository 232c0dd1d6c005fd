"""Counts of filters against counting by hand, and the pieces that a CV is cut into."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisory.facets import FACETS, LEVELS, LIMITS, Row, Wanted, sift, values_of
from advisory.searching import quoted
from advisory.sentences import LONG, pieces

some = st.lists(st.sampled_from("abc"), max_size=2, unique=True).map(tuple)
level = st.sampled_from([*LEVELS, None])
rows = st.lists(
    st.builds(
        Row,
        key=st.integers(),
        state=st.sampled_from("xy"),
        kind=st.sampled_from("kl"),
        programme=st.just("p"),
        areas=some,
        countries=some,
        sectors=some,
        shortlists=some,
        speaks=st.dictionaries(st.sampled_from(["en", "fr"]), level, max_size=2),
        years=st.none() | st.integers(0, 5),
        free_from=st.none() | st.dates(dt.date(2030, 1, 1), dt.date(2030, 1, 5)),
        places=st.integers(0, 3),
        days=st.none() | st.floats(0, 5),
    ),
    max_size=12,
)
wishes = st.builds(
    Wanted,
    area=some,
    language=st.lists(st.sampled_from(["en", "fr"]), max_size=2),
    level=st.sampled_from(["", *LEVELS]),
    country=some,
    kind=st.sampled_from([(), ("k",)]),
    state=st.sampled_from([(), ("x",), ("x", "y")]),
    years=st.none() | st.integers(0, 5),
    free_from=st.none() | st.dates(dt.date(2030, 1, 1), dt.date(2030, 1, 5)),
    places=st.none() | st.integers(0, 3),
)


def fits(row: Row, wanted: Wanted) -> bool:
    """One filter after the other, as one would by hand."""
    for facet in FACETS:
        asked = getattr(wanted, facet)
        if asked and not set(asked) & set(values_of(row, facet, wanted.level)):
            return False
    if wanted.level and not values_of(row, "language", wanted.level):
        return False
    return all(getattr(wanted, name) is None or test(row, getattr(wanted, name)) for name, test in LIMITS.items())


@pytest.mark.row("F06")
@given(rows, wishes)
def test_a_count_is_what_one_sees_after_choosing_it(people, wanted):
    fitting, counts = sift(people, wanted)
    assert fitting == [row for row in people if fits(row, wanted)]
    for facet in FACETS:
        for value in {value for row in people for value in values_of(row, facet, wanted.level)}:
            alone = dataclasses.replace(wanted, **{facet: (value,)})
            assert counts[facet][value] == sum(fits(row, alone) for row in people), (facet, value)


def test_control_counts_that_forget_the_other_filters_are_noticed():
    people = [Row(1, kind="k", areas=("a",)), Row(2, kind="l", areas=("a",))]
    wanted = Wanted(kind=("k",))
    careless = sum("a" in row.areas for row in people)
    assert sift(people, wanted)[1]["area"]["a"] == 1 != careless


def test_a_language_without_a_level_counts_as_b1():
    people = [Row(1, speaks={"fr": None}), Row(2, speaks={"fr": "B2"}), Row(3, speaks={"fr": "native"})]
    for least, left in [("B1", [1, 2, 3]), ("B2", [2, 3]), ("C2", [3]), ("", [1, 2, 3])]:
        assert [row.key for row in sift(people, Wanted(language=("fr",), level=least))[0]] == left


@given(st.text(max_size=2000))
def test_pieces_lie_in_the_text_one_after_the_other(text):
    at = 0
    for start, end in pieces(text):
        assert at <= start < end <= len(text) and end - start <= 2 * LONG
        assert text[start:end].strip() == text[start:end]
        at = end


def test_a_broken_line_is_joined_and_contact_data_is_in_no_piece():
    text = (
        "Ada Example\nada@example.org | +44 (0)20 7946 0018\nBorn: 1.2.1980\n\nExperience\n2010 - 2014 Adviser, Acme\n"
        "Closed water loops in dyeing and\nfinishing of textiles. Audits of 24 firms since 05/2012.\nwww.example.org\n"
        "Skills\nSimaPro\nUmberto"
    )
    found = [text[start:end] for start, end in pieces(text, ["Ada Example"])]
    assert "Closed water loops in dyeing and\nfinishing of textiles." in " ".join(found)
    assert any("SimaPro\nUmberto" in one for one in found)
    for secret in ("Ada", "example.org", "7946", "1980"):
        assert secret not in " ".join(found)


def test_a_lexeme_keeps_its_signs():
    assert quoted("a'b\\c") == "'a''b\\\\c'"
