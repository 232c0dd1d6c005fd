"""The ranked proposal: worked examples, and rules that hold for any input."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facility.ranking import Candidate, Outcome, Override, Rules, displaced, in_order, next_promotion, rank
from facility.reasons import worded

ES, IT, PL = ("country", "ES"), ("country", "IT"), ("country", "PL")
TEXTILE = ("sector", "textile")


def bid(id_, score, country="ES", sector="food", **more):
    return Candidate(id_, Decimal(score), country=country, sector=sector, **more)


def codes(proposal, id_):
    (placing,) = [one for one in proposal.placings if one.id == id_]
    return [reason.code for reason in placing.reasons]


def sentences(proposal, id_):
    (placing,) = [one for one in proposal.placings if one.id == id_]
    return [worded(reason) for reason in placing.reasons]


def test_the_best_scores_take_the_places_and_the_others_stand_in_reserve():
    proposal = rank([bid("a", 70), bid("b", 90), bid("c", 80), bid("d", 60)], Rules(places=2))

    assert proposal.ids(Outcome.SELECTED) == ["b", "c"]
    assert [(one.id, one.position) for one in proposal.placings if one.outcome is Outcome.RESERVE] == [
        ("a", 1),
        ("d", 2),
    ]
    assert sentences(proposal, "b") == ["Rank 1 with a score of 90.00."]
    assert sentences(proposal, "a") == ["No place left (2 of 2)."]


def test_below_the_minimum_score_is_rejected_and_the_minimum_itself_is_enough():
    proposal = rank([bid("a", "60.00"), bid("b", "59.99")], Rules(places=5, minimum_score=Decimal(60)))

    assert proposal.ids(Outcome.SELECTED) == ["a"]
    assert proposal.ids(Outcome.REJECTED) == ["b"]
    assert sentences(proposal, "b") == ["The score of 59.99 is below the minimum of 60.00."]


def test_a_cap_displaces_and_the_next_moves_up():
    proposal = rank([bid("a", 90), bid("b", 80), bid("c", 70, "IT")], Rules(places=2, caps={ES: 1}))

    assert proposal.ids(Outcome.SELECTED) == ["a", "c"]
    assert sentences(proposal, "b") == ["Displaced by the cap: Spain, 1 of 1."]


def test_a_cap_on_countries_counts_every_country_of_a_consortium():
    bids = [bid("a", 90, "ES", countries=("PT",)), bid("b", 80, "FR", countries=("PT",)), bid("c", 70, "PT")]

    proposal = rank(bids, Rules(places=3, caps={("countries", "PT"): 1}))

    assert proposal.ids(Outcome.SELECTED) == ["a"]
    assert codes(proposal, "b") == ["cap"]
    assert codes(proposal, "c") == ["cap"]


def test_places_are_kept_for_a_minimum():
    bids = [bid("a", 90), bid("b", 80), bid("c", 70), bid("d", 60, sector="textile")]

    proposal = rank(bids, Rules(places=2, minima={TEXTILE: 1}))

    assert proposal.ids(Outcome.SELECTED) == ["a", "d"]
    assert sentences(proposal, "b") == ["The places left are needed for the minimum of 1 for sector textile."]
    assert "Taken before better scores because the minimum of 1 for sector textile was not met yet." in sentences(
        proposal, "d"
    )


def test_a_minimum_may_need_a_candidate_who_meets_two_at_once():
    bids = [bid("a", 90, sector="textile"), bid("b", 80, "IT"), bid("c", 70, "IT", sector="textile")]

    proposal = rank(bids, Rules(places=1, minima={TEXTILE: 1, IT: 1}))

    assert proposal.ids(Outcome.SELECTED) == ["c"]


def test_who_would_use_up_two_caps_gives_way_to_two_who_meet_the_minimum():
    bids = [
        bid("a", 90, "ES", "textile", countries=("IT",)),
        bid("b", 80, "ES", "textile"),
        bid("c", 70, "IT", "textile"),
    ]

    proposal = rank(bids, Rules(places=2, caps={ES: 1, ("countries", "IT"): 1}, minima={TEXTILE: 2}))

    assert proposal.ids(Outcome.SELECTED) == ["b", "c"]
    assert codes(proposal, "a") == ["kept_for_minimum"]


def test_only_the_minima_that_are_still_open_are_given_as_the_reason():
    bids = [bid("a", 90, "IT"), bid("b", 80, "PL"), bid("c", 70, sector="textile")]

    proposal = rank(bids, Rules(places=2, minima={IT: 1, TEXTILE: 1}))

    assert sentences(proposal, "b") == ["The places left are needed for the minimum of 1 for sector textile."]


def test_who_is_out_by_override_is_no_hope_for_a_minimum():
    bids = [bid("a", 90, "ES"), bid("b", 80, "ES", "textile"), bid("c", 70, "IT", "textile")]
    rules = Rules(places=2, caps={ES: 1}, minima={TEXTILE: 1}, overrides={"c": Override(False, "Insolvent.")})

    assert rank(bids, rules).ids(Outcome.SELECTED) == ["b"]


def test_overrides_go_before_the_order_and_count_for_places_and_caps():
    rules = Rules(
        places=2,
        minimum_score=Decimal(50),
        caps={ES: 1},
        overrides={"d": Override(True, "Only island region."), "a": Override(False, "Withdrawn by letter.")},
    )

    proposal = rank([bid("a", 90, "PL"), bid("b", 80), bid("c", 70, "IT"), bid("d", 40)], rules)

    assert proposal.ids(Outcome.SELECTED) == ["c", "d"]
    assert sentences(proposal, "d") == ["In by override: Only island region."]
    assert sentences(proposal, "a") == ["Out by override: Withdrawn by letter."]
    assert sentences(proposal, "b")[0] == "Displaced by the cap: Spain, 1 of 1."
    assert proposal.contradiction == ()


def test_an_override_never_breaks_a_cap_and_the_contradiction_is_named():
    rules = Rules(places=3, caps={ES: 1}, overrides={one: Override(True, "Promised.") for one in "ab"})

    proposal = rank([bid("a", 90), bid("b", 80), bid("c", 70, "IT")], rules)

    assert proposal.ids(Outcome.SELECTED) == ["a", "c"]
    assert codes(proposal, "b") == ["cap", "override_blocked"]
    assert {worded(reason) for reason in proposal.contradiction} == {
        "At most 1: Spain.",
        "Override: a is in.",
        "Override: b is in.",
    }


def test_an_override_without_a_reason_or_a_candidate_is_refused():
    with pytest.raises(ValueError, match="needs a reason"):
        Override(True, " ")
    with pytest.raises(ValueError, match="override for z names no candidate"):
        rank([bid("a", 90)], Rules(places=1, overrides={"z": Override(True, "Why not.")}))
    with pytest.raises(ValueError, match="Candidate a stands twice"):
        rank([bid("a", 90), bid("a", 80)], Rules(places=1))


def test_equal_scores_follow_the_declared_tie_rule_and_an_open_tie_is_shown():
    early, late = datetime(2021, 3, 4, 9, tzinfo=UTC), datetime(2021, 3, 5, 17, tzinfo=UTC)
    bids = [bid("a", 80, tie=late), bid("b", 80, tie=early), bid("c", 80, tie=late)]

    proposal = rank(bids, Rules(places=2))

    assert proposal.ids(Outcome.SELECTED) == ["b", "a"]
    assert sentences(proposal, "b")[1] == "Same score as a, c; the rule is: the application received first."
    assert sentences(proposal, "c")[1] == ("Same score as a, and the rule leaves both equal: decide by an override.")


def test_the_reserve_list_may_be_limited():
    proposal = rank([bid("a", 90), bid("b", 80), bid("c", 70)], Rules(places=1, reserve_places=1))

    assert proposal.ids(Outcome.RESERVE) == ["b"]
    assert sentences(proposal, "c") == ["No place left (1 of 1).", "No place left on the reserve list (1)."]


def test_minima_beyond_the_places_are_named_and_the_proposal_goes_without_them():
    bids = [bid("a", 90), bid("b", 80, "IT"), bid("c", 70, "PL")]

    proposal = rank(bids, Rules(places=2, minima={ES: 1, IT: 1, PL: 1}))

    assert [worded(reason) for reason in proposal.contradiction] == [
        "There are 2 places.",
        "At least 1: Spain.",
        "At least 1: Italy.",
        "At least 1: Poland.",
    ]
    assert proposal.ids(Outcome.SELECTED) == ["a", "b"]


def test_a_minimum_out_of_reach_because_of_the_minimum_score_names_both():
    bids = [bid("a", 90), bid("b", 40, sector="textile")]

    proposal = rank(bids, Rules(places=2, minimum_score=Decimal(60), minima={TEXTILE: 1}, caps={ES: 9}))

    assert [reason.code for reason in proposal.contradiction] == ["rule_minimum_score", "rule_minimum"]


def test_a_promotion_takes_the_first_reserve_within_the_caps():
    rules = Rules(places=2, caps={ES: 1})

    promotion = next_promotion([bid("b", 80), bid("c", 70, "IT")], [bid("a", 90)], rules)

    assert promotion.id == "c"
    assert [(id_, [worded(reason) for reason in why]) for id_, why in promotion.skipped] == [
        ("b", ["Displaced by the cap: Spain, 1 of 1."])
    ]


def test_a_promotion_restores_a_minimum_that_a_decline_broke():
    rules = Rules(places=2, minima={TEXTILE: 1})

    promotion = next_promotion([bid("b", 80), bid("c", 70, sector="textile")], [bid("a", 90)], rules)

    assert promotion.id == "c"
    assert [id_ for id_, _ in promotion.skipped] == ["b"]


def test_a_minimum_nobody_can_meet_blocks_no_promotion_but_is_named():
    promotion = next_promotion([bid("b", 80)], [bid("a", 90)], Rules(places=2, minima={TEXTILE: 1}))

    assert promotion.id == "b"
    assert [worded(reason) for reason in promotion.unreachable] == ["At least 1: sector textile."]


def test_of_two_minima_that_exclude_each_other_the_first_is_kept():
    reserves = [bid("b", 80), bid("c", 70, sector="textile"), bid("d", 60, "IT")]

    promotion = next_promotion(reserves, [bid("a", 90)], Rules(places=2, minima={IT: 1, TEXTILE: 1}))

    assert promotion.id == "d"
    assert [worded(reason) for reason in promotion.unreachable] == ["At least 1: sector textile."]


def test_a_cap_that_is_already_passed_does_not_put_a_minimum_out_of_reach():
    rules = Rules(places=3, caps={ES: 1}, minima={TEXTILE: 1})

    promotion = next_promotion([bid("c", 80, "IT"), bid("d", 70, "IT", "textile")], [bid("a", 90), bid("b", 85)], rules)

    assert promotion.id == "d"
    assert promotion.unreachable == ()


def test_nobody_is_promoted_when_no_place_is_free():
    promotion = next_promotion([bid("b", 80)], [bid("a", 90)], Rules(places=1))

    assert promotion.id is None
    assert [reason.code for reason in promotion.skipped[0][1]] == ["no_place"]


GOLD = ("label", "gold")
GROUPS = [ES, IT, ("countries", "ES"), ("sector", "food"), TEXTILE, GOLD]


def test_points_for_a_label_count_for_the_order_and_not_for_the_minimum_score():
    bids = [bid("a", 70), bid("b", 66, label="gold", bonus=Decimal(6)), bid("c", 58, label="gold", bonus=Decimal(6))]

    proposal = rank(bids, Rules(places=3, minimum_score=Decimal(60)))

    assert proposal.ids(Outcome.SELECTED) == ["b", "a"]
    assert sentences(proposal, "b")[1] == "6.00 points for the label are added."
    assert codes(proposal, "c")[0] == "below_minimum_score"


def test_of_equal_scores_the_country_with_fewer_selected_comes_first():
    bids = [bid("a", 90, "ES"), bid("b", 80, "ES", tie=1), bid("c", 80, "IT", tie=2), bid("d", 70, "PL")]

    by_receipt = rank(bids, Rules(places=2))
    by_country = rank(bids, Rules(places=2, fewest_of_country_first=True))

    assert by_receipt.ids(Outcome.SELECTED) == ["a", "b"]
    assert by_country.ids(Outcome.SELECTED) == ["a", "c"]
    assert codes(by_country, "b") == ["no_place", "tie"]


def test_who_is_displaced_by_whom_pairs_the_best_of_each():
    bids = [bid("a", 90), bid("b", 80), bid("c", 70, "IT"), bid("d", 60, "PL")]
    bare = rank(bids, Rules(places=2))

    assert displaced(bare, rank(bids, Rules(places=2, caps={ES: 1}))) == (("b", "c"),)
    assert displaced(bare, rank(bids, Rules(places=1))) == (("b", None),)
    assert displaced(bare, bare) == ()


@st.composite
def selections(draw):
    count = draw(st.integers(0, 7))
    bids = [
        Candidate(
            id=f"c{number}",
            score=Decimal(draw(st.integers(0, 5))) * 20,
            tie=draw(st.integers(0, 2)),
            country=draw(st.sampled_from(["ES", "IT"])),
            countries=tuple(draw(st.lists(st.sampled_from(["ES", "IT"]), max_size=1))),
            sector=draw(st.sampled_from(["food", "textile"])),
            label=draw(st.sampled_from(["", "gold"])),
            bonus=Decimal(draw(st.sampled_from([0, 0, 20]))),
        )
        for number in range(count)
    ]
    limits = st.dictionaries(st.sampled_from(GROUPS), st.integers(0, 3), max_size=3)
    overrides = st.dictionaries(st.sampled_from([one.id for one in bids]), st.booleans(), max_size=2)
    rules = Rules(
        places=draw(st.integers(0, 4)),
        minimum_score=Decimal(draw(st.sampled_from([0, 40]))),
        caps=draw(limits),
        minima=draw(limits),
        fewest_of_country_first=draw(st.booleans()),
        overrides={id_: Override(is_in, "Because.") for id_, is_in in (draw(overrides) if bids else {}).items()},
    )
    return draw(st.permutations(bids)), rules


def members(bids, group):
    return sum(group in one.groups for one in bids)


def legal_selections(bids, rules):
    """Every choice that follows all the rules, by trying them all."""
    ins = {id_ for id_, one in rules.overrides.items() if one.is_in}
    may = [one for one in bids if one.id in ins or (one.id not in rules.overrides and one.score >= rules.minimum_score)]
    for size in range(min(rules.places, len(may)) + 1):
        for choice in combinations(may, size):
            within = all(members(choice, group) <= n for group, n in rules.caps.items())
            enough = all(members(choice, group) >= n for group, n in rules.minima.items())
            if within and enough and ins <= {one.id for one in choice}:
                yield frozenset(one.id for one in choice)


def declared_order(bids, rules, chosen):
    """The order that the rules declare, when `chosen` come in: for equal points by the country's selected before."""
    if not rules.fewest_of_country_first:
        return in_order(bids)
    ins = {id_ for id_, one in rules.overrides.items() if one.is_in}

    def before(one):
        there = [other for other in chosen if other.points > one.points or other.id in ins]
        return members(there, ("country", one.country))

    return sorted(bids, key=lambda one: (-one.points, before(one), one.tie, one.id))


@settings(max_examples=120, deadline=None)
@given(selections())
def test_for_any_input_every_rule_holds_and_the_order_decides(given_):
    bids, rules = given_

    proposal = rank(bids, rules)

    chosen = [one for one in bids if one.id in proposal.ids(Outcome.SELECTED)]
    assert [one.id for one in proposal.placings] == [one.id for one in declared_order(bids, rules, chosen)]
    assert all(one.reasons for one in proposal.placings)
    assert len(chosen) <= rules.places
    assert all(members(chosen, group) <= n for group, n in rules.caps.items())
    assert rank(in_order(bids), rules) == proposal
    legal = set(legal_selections(bids, rules))
    assert bool(proposal.contradiction) == (not legal)
    if legal:
        # Overrides first, then the order: the choice is the first of all legal ones, read from the top of the ranking.
        order = [one.id for one in proposal.placings]
        best = max(legal, key=lambda choice: [id_ in choice for id_ in order])
        assert frozenset(one.id for one in chosen) == best


@settings(max_examples=60, deadline=None)
@given(selections())
def test_for_any_input_the_contradiction_is_a_smallest_one(given_):
    bids, rules = given_

    named = rank(bids, rules).contradiction

    groups = {"rule_cap": "caps", "rule_minimum": "minima"}
    for left_out in named:
        relaxed = {"places": rules.places, "minimum_score": rules.minimum_score}
        relaxed["overrides"] = dict(rules.overrides)
        relaxed["caps"], relaxed["minima"] = {}, {}
        for reason in named:
            if reason.code in groups and reason is not left_out:
                relaxed[groups[reason.code]][reason.values["group"]] = reason.values["n"]
        codes_left = {reason.code for reason in named if reason is not left_out}
        if "rule_places" not in codes_left:
            relaxed["places"] = len(bids)
        if "rule_minimum_score" not in codes_left:
            relaxed["minimum_score"] = Decimal(0)
        kept = {r.values["id"] for r in named if r.code in {"rule_in", "rule_out"} and r is not left_out}
        relaxed["overrides"] = {id_: one for id_, one in rules.overrides.items() if id_ in kept}
        assert any(True for _ in legal_selections(bids, Rules(**relaxed)))


@settings(max_examples=60, deadline=None)
@given(selections())
def test_for_any_input_a_promotion_fits_the_places_and_caps(given_):
    bids, rules = given_
    proposal = rank(bids, rules)
    by_id = {one.id: one for one in bids}
    selected = [by_id[id_] for id_ in proposal.ids(Outcome.SELECTED)][1:]
    reserves = [by_id[id_] for id_ in proposal.ids(Outcome.RESERVE)]

    promotion = next_promotion(reserves, selected, rules)

    if promotion.id is None:
        assert len(promotion.skipped) == len(reserves)
    else:
        after = [*selected, by_id[promotion.id]]
        assert len(after) <= rules.places
        assert all(members(after, group) <= n for group, n in rules.caps.items())
        assert [id_ for id_, _ in promotion.skipped] == [one.id for one in reserves][: len(promotion.skipped)]


def test_points_needed_on_a_criterion_keep_a_better_score_out_unless_an_override_says_otherwise():
    short = (("Relevance", Decimal(5), Decimal(6)),)
    bids = [Candidate("a", Decimal(90), below=short), Candidate("b", Decimal(60))]

    found = rank(bids, Rules(places=1))
    lifted = rank(bids, Rules(places=1, overrides={"a": Override(is_in=True, reason="Named in the appeal.")}))

    assert (found.ids(Outcome.SELECTED), found.ids(Outcome.REJECTED)) == (["b"], ["a"])
    assert found.placings[0].reasons[0].code == "below_threshold"
    assert lifted.ids(Outcome.SELECTED) == ["a"]
