"""The terms of a score: they add up, a weight of 0 changes no other, and each says what it rests on."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisory.bm25 import sentences_of
from advisory.scoring import score
from advisory.weighing import ECOSYSTEM_OF, WEIGHTS, Ask, Need, Profile, Record, ecosystems_of
from advisory.work import work_of
from facility.registry.cluster import ECOSYSTEMS, NACE

WATER, ENERGY = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
TEXTS = ["Water reuse. Dye houses.", "Energy audits. Steam and heat.", "Réutilisation de l'eau.", ""]
VECTORS = st.sampled_from([None, WATER, ENERGY, WATER + ENERGY])


@st.composite
def profiles(draw):
    made = []
    for number in range(draw(st.integers(2, 5))):
        vector = draw(VECTORS)
        made.append(
            Profile(
                str(number),
                (draw(st.sampled_from(TEXTS)),),
                draw(st.sampled_from(["en", "fr", "mt"])),
                () if vector is None else (np.atleast_2d(vector),),
                {"en": draw(st.sampled_from(["A2", "C1", None]))} if draw(st.booleans()) else {},
                frozenset(draw(st.sets(st.sampled_from(["water-use", "energy-efficiency"])))),
                frozenset(draw(st.sets(st.sampled_from(["textiles", "tourism"])))),
                frozenset(draw(st.sets(st.sampled_from(["ES", "PL"])))),
                draw(st.sampled_from([("business",), ("business", "sustainability")])),
                Record(draw(st.integers(0, 2)), draw(st.integers(0, 40))),
            )
        )
    return made


@st.composite
def needs(draw):
    made = []
    for number in range(draw(st.integers(1, 3))):
        asks = tuple(
            Ask(draw(st.sampled_from(TEXTS)), draw(st.sampled_from(["en", "fr"])), draw(VECTORS), 1 / rank)
            for rank in range(1, draw(st.integers(2, 4)))
        )
        made.append(
            Need(
                str(number),
                asks=asks,
                languages=draw(st.sampled_from([(), ("en",)])),
                areas=draw(st.sampled_from([{}, {"water-use": 1.0, "energy-efficiency": 0.5}])),
                sectors=draw(st.sampled_from([{}, {"textiles": 1.0, "tourism": 0.5}])),
                countries={"ES": 1.0},
                kinds=("business",),
            )
        )
    return made


weights = st.fixed_dictionaries({name: st.sampled_from([0.0, 0.25, 1.0, 3.0]) for name in WEIGHTS})


@settings(deadline=None)
@given(profiles(), needs(), weights)
def test_the_contributions_of_a_pair_add_up_to_its_score(people, asked, given_weights):
    scores = score(people, asked, weights=given_weights)

    for i in range(len(people)):
        for j in range(len(asked)):
            total = sum(part.contribution for part in scores.parts(i, j))
            assert total == pytest.approx(scores.matrix[i, j], abs=1e-9)


@settings(deadline=None)
@given(profiles(), needs(), weights, st.sampled_from(sorted(WEIGHTS)))
def test_a_weight_of_0_takes_one_term_away_and_changes_no_other(people, asked, given_weights, off):
    with_it, without = (score(people, asked, weights=one) for one in (given_weights, given_weights | {off: 0}))

    for i in range(len(people)):
        for j in range(len(asked)):
            before = {part.name: part.contribution for part in with_it.parts(i, j)}
            after = {part.name: part.contribution for part in without.parts(i, j)}
            before.pop(off, None)
            assert after == pytest.approx(before, abs=1e-12)


def test_a_term_that_is_normalised_by_the_weights_would_fail_that():
    """The control: the mean over weights, as one would first write it, moves the other terms when one is off."""
    people = [Profile("a", speaks={"en": "C1"}, countries=frozenset({"ES"})), Profile("b")]
    asked = [Need("n", languages=("en",), countries={"ES": 1.0})]

    def share_of_languages(given_weights):
        scores = score(people, asked, weights=given_weights)
        part = next(one for one in scores.parts(0, 0) if one.name == "languages")
        return part.contribution, part.contribution / sum(scores.weights.values())

    (plain, normalised), (still, moved) = share_of_languages({}), share_of_languages({"country": 0})
    assert plain == still
    assert normalised != moved


def test_the_first_need_weighs_most():
    people = [Profile("w", ("x",), "en", (WATER[None],)), Profile("e", ("y",), "en", (ENERGY[None],))]
    first_water = Need("n", asks=(Ask("", "en", WATER, 1.0), Ask("", "en", ENERGY, 0.5)))
    first_energy = Need("m", asks=(Ask("", "en", WATER, 0.5), Ask("", "en", ENERGY, 1.0)))

    scores = score(people, [first_water, first_energy])

    assert scores.matrix[0, 0] > scores.matrix[1, 0]
    assert scores.matrix[0, 1] < scores.matrix[1, 1]
    assert scores.nearest(0, 0) == (0, 0, 0)
    assert scores.nearest(1, 0) == (0, 0, 1)


def test_sector_country_kind_and_record_say_what_they_rest_on():
    person = Profile(
        "a",
        sectors=frozenset({"textiles"}),
        countries=frozenset({"PL", "ES"}),
        serves=("business",),
        record=Record(2, 10),
    )
    both = Profile("b", serves=("business", "sustainability"))
    need = Need("n", sectors={"textiles": 0.5}, countries={"ES": 1.0, "PL": 0.5}, kinds=("business",))

    scores = score([person, both], [need])
    found = {part.name: (part.value, part.evidence) for part in scores.parts(0, 0)}
    assert found == {
        "sector": (0.5, ("textiles",)),
        "country": (1.0, ("ES", "PL")),
        "kind": (1.0, ("business",)),
        "record": (1.0, ("2", "10")),
    }
    assert {part.name: part.value for part in scores.parts(1, 0)} == {
        "sector": 0,
        "country": 0,
        "kind": 0.5,
        "record": 0,
    }


def test_while_nobody_has_a_record_it_says_nothing():
    scores = score([Profile("a"), Profile("b")], [Need("n", countries={"ES": 1.0})])

    assert [part.name for part in scores.parts(0, 0)] == ["country"]


def test_a_weight_below_0_or_for_nothing_is_refused():
    for wrong in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="weight of areas"):
            score([], [], weights={"areas": wrong})
    with pytest.raises(KeyError):
        score([], [], weights={"gender": 1.0})


def test_every_ecosystem_and_division_of_the_table_is_one():
    assert set(ECOSYSTEM_OF.values()) == {slug for slug, _label in ECOSYSTEMS}
    assert set(ECOSYSTEM_OF) <= {code for code, _label in NACE}
    assert ecosystems_of(["tourism", ""], ["13", "55", "99"]) == ["tourism", "textiles"]


def row(name, value, snippet="", *, order=0, confirmed=True):
    return SimpleNamespace(name=name, value=value, snippet=snippet, order=order, confirmed=confirmed)


ROWS = [
    row("full_name", "Ada Quill", "Ada Quill"),
    row("nationality", "MT", "Maltese"),
    row("employment", {"title": "Engineer", "employer": "Acme"}, "Engineer\nwater audits in dye houses", order=2),
    row("area", "water-use", "saved water in twelve mills", order=1),
    row("area", "carbon-footprint", "", order=5),
    row("skill", "Pinch analysis", "skills", order=3),
    row("skill", "Ballooning", "hobbies", order=4, confirmed=False),
]


def test_the_text_of_a_cv_is_what_was_confirmed_of_the_work_and_nothing_of_the_person():
    assert work_of(ROWS).splitlines() == [
        "saved water in twelve mills",
        "Lowering the carbon footprint",
        "Engineer water audits in dye houses",
        "Pinch analysis",
    ]


def test_without_the_look_at_confirmation_the_unconfirmed_would_count():
    """The control: the same rows, all taken for confirmed."""
    assert "Ballooning" in work_of([SimpleNamespace(**vars(one) | {"confirmed": True}) for one in ROWS])


def test_sentences_are_parted_at_stops_and_lines():
    assert sentences_of("One thing. Another!\n• Third – so\n\n…\n12") == ["One thing.", "Another!", "Third – so"]
