"""The toolkit matrix: 36 cells, 43 actions, examples with a country, 15 recommendations."""

import copy
from itertools import product

import pytest

from facility.registry.matrix import EU_MEMBERS, eu_code, load, matrix, read_matrix

THEMES = ("green", "digital", "resilience")
CHALLENGES = ("innovation", "skills", "internationalisation", "value_chains")
FUNCTIONS = ("intelligence", "networking", "business_services")
SEVERAL_ACTIONS = {
    "green.innovation.intelligence": 2,
    "green.innovation.networking": 2,
    "digital.innovation.networking": 2,
    "digital.innovation.business_services": 2,
    "resilience.innovation.networking": 2,
    "resilience.internationalisation.networking": 3,
}


@pytest.fixture
def content():
    return copy.deepcopy(load())


@pytest.mark.row("T13")
def test_the_matrix_has_36_cells_counted_along_each_axis():
    toolkit = matrix()

    assert len(toolkit.cells()) == 36
    assert [len(toolkit.cells(theme=one)) for one in THEMES] == [12, 12, 12]
    assert [len(toolkit.cells(challenge=one)) for one in CHALLENGES] == [9, 9, 9, 9]
    assert [len(toolkit.cells(function=one)) for one in FUNCTIONS] == [12, 12, 12]
    assert all(cell.actions and cell.examples for cell in toolkit.cells())


@pytest.mark.row("T13")
def test_cells_are_found_by_one_two_and_three_axes():
    toolkit = matrix()

    assert len(toolkit.cells(theme="green", challenge="skills")) == 3
    assert len(toolkit.cells(challenge="skills", function="networking")) == 3
    assert len(toolkit.cells(theme="digital", function="networking")) == 4
    for axes in product(THEMES, CHALLENGES, FUNCTIONS):
        assert [cell.id for cell in toolkit.cells(*axes)] == [".".join(axes)]
        assert toolkit.cell(".".join(axes)) is toolkit.cells(*axes)[0]


@pytest.mark.row("T13")
def test_an_axis_value_that_does_not_exist_is_refused_and_not_answered_with_nothing():
    with pytest.raises(KeyError, match="no challenge value-chains"):
        matrix().cells(challenge="value-chains")


@pytest.mark.row("T14")
def test_six_cells_return_all_of_their_actions():
    toolkit = matrix()

    assert {cell.id: len(cell.actions) for cell in toolkit.cells() if len(cell.actions) > 1} == SEVERAL_ACTIONS
    assert [a.id.rsplit(".", 1)[1] for a in toolkit.actions("resilience.internationalisation.networking")] == [
        "a1",
        "a2",
        "a3",
    ]


@pytest.mark.row("T14")
def test_actions_are_rows_with_ids_of_their_own():
    actions = matrix().actions()

    assert len(actions) == len({action.id for action in actions}) == 43
    assert all(action.id.startswith(f"{action.cell}.a") and action.text.endswith(".") for action in actions)


def test_actions_that_say_the_same_point_at_each_other_and_share_their_text():
    actions = {action.id: action for action in matrix().actions()}

    twins = [(action, actions[id]) for action in actions.values() for id in action.same_as]
    assert len(twins) == 10
    for action, twin in twins:
        assert action.id in twin.same_as
        assert action.text == twin.text


@pytest.mark.row("T18")
def test_examples_are_filtered_by_cell_country_and_membership():
    toolkit = matrix()
    outside = toolkit.examples(eu=False)

    assert {"h2tca", "cluster-observatory-in"} <= {one.id for one in outside}
    assert {one.country for one in outside} == {"AU", "BA", "CO", "IN", "SG", "TR", "UA", "US"}
    assert len(toolkit.examples(eu=True)) + len(outside) == len(toolkit.examples()) == 56
    assert [one.id for one in toolkit.examples(cell="green.skills.networking", eu=False)] == ["h2tca"]
    assert [one.id for one in toolkit.examples(cell="green.skills.networking", country="RO")] == ["covasna-incubator"]
    assert toolkit.examples(cell="green.skills.networking", country="IN") == ()


@pytest.mark.row("T18")
def test_an_example_whose_link_belongs_to_another_name_has_none():
    without = [one for one in matrix().examples() if one.url is None]

    assert [one.id for one in without] == ["circular-flanders", "pl-industry-of-the-future"]
    assert all(one.name and one.country and one.note and one.url_match is None for one in without)
    assert all(one.url_match in {"name", "position"} for one in matrix().examples() if one.url)


def test_greece_is_gr_in_the_data_and_el_only_where_it_is_printed():
    assert len(EU_MEMBERS) == 27
    assert "GR" in EU_MEMBERS
    assert {one.country for one in matrix().examples()} >= {"GR"}
    assert (eu_code("GR"), eu_code("DE")) == ("EL", "DE")


def test_fifteen_recommendations_five_per_heading_uncertain_ones_marked():
    toolkit = matrix()

    assert [one.number for one in toolkit.recommendations()] == list(range(1, 16))
    assert [len(toolkit.recommendations(heading=id)) for id in toolkit.headings] == [5, 5, 5]
    assert [one.number for one in toolkit.recommendations(uncertain=False)] == [1, 2, 3, 8]
    assert all(one.title for one in toolkit.recommendations())
    assert [one.id for one in toolkit.recommendations() if one.is_empty] == ["rec-05"]
    assert [one.id for one in toolkit.recommendations(cell="green.skills.business_services")] == ["rec-01", "rec-04"]


def test_the_rest_of_the_toolkit_is_complete_and_in_order():
    toolkit = matrix()

    assert [one.id for one in toolkit.modes] == ["strengthen_existing", "promote_new", "leverage_for_policy"]
    assert [one.order for one in toolkit.phases] == [1, 2, 3, 4]
    assert len(toolkit.plan_elements) == 5
    assert [one.id for one in toolkit.feedback_questions if one.by_audience] == ["fq4"]
    assert toolkit.themes[0].tags == ("financing", "research", "value_chains")
    assert toolkit.themes[2].label("nl") == "Veerkracht"


def drop_a_cell(data):
    data["cells"].pop()


def misname_a_cell(data):
    data["cells"][0]["id"] = "green.innovation.insight"


def empty_a_cell(data):
    data["cells"][0]["examples"] = []


def double_an_action(data):
    data["cells"][0]["actions"][1]["id"] = data["cells"][0]["actions"][0]["id"]


def drop_a_country(data):
    data["examples"][0]["country"] = None


def write_greece_as_el(data):
    data["examples"][0]["country"] = "EL"


def point_nowhere(data):
    data["recommendations"][0]["entries"][0]["examples"] = ["gone"]


def move_a_recommendation(data):
    data["recommendations"][0]["heading"] = "build_resilience"


@pytest.mark.row("T13", "T14", "T18")
@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (drop_a_cell, "must hold 12 cells"),
        (misname_a_cell, "named after another place"),
        (empty_a_cell, "is empty"),
        (double_an_action, "stands twice"),
        (drop_a_country, "needs an ISO country"),
        (write_greece_as_el, "needs an ISO country"),
        (point_nowhere, "example gone, which does not exist"),
        (move_a_recommendation, "must hold 5 recommendations"),
    ],
)
def test_a_damaged_file_is_refused_at_load(content, damage, sentence):
    read_matrix(content)
    damage(content)

    with pytest.raises(ValueError, match=sentence):
        read_matrix(content)
