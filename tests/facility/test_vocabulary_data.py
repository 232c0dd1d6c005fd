"""The controlled lists: complete, in four languages, with a source, and refused when they are not."""

import copy
from datetime import date

import pytest
import yaml

from facility.registry import vocabulary_data as data
from facility.registry.vocabulary_data import LANGUAGES, vocabularies, vocabulary

AREAS = (
    "resilient-business-models",
    "sustainable-investments",
    "greening-business-processes",
    "eco-friendly-products-services",
    "water-use",
    "energy-efficiency",
    "waste-management",
    "carbon-footprint",
    "circular-materials",
    "harmful-emissions",
    "sustainable-innovation",
)
FORMS = ("one_to_one", "workshop", "online_webinar", "guidance_document", "direct_consultancy")


@pytest.fixture
def areas_row():
    content = yaml.safe_load((data.DATA / "vocabularies.yaml").read_text(encoding="utf-8"))
    return copy.deepcopy(content["vocabularies"]["areas"])


@pytest.mark.row("F27")
@pytest.mark.parametrize("used", [[], ["water-use"], [*AREAS, "water-use"]])
def test_the_areas_are_eleven_rows_whatever_was_used(used):
    rows = vocabulary("areas").tally(used)

    assert tuple(rows) == AREAS
    assert rows["water-use"] == used.count("water-use")
    assert rows["harmful-emissions"] == used.count("harmful-emissions")


@pytest.mark.row("F27")
def test_a_list_of_ten_areas_is_refused(areas_row):
    areas_row["terms"].pop()

    with pytest.raises(ValueError, match="areas holds 10 entries and must hold 11"):
        data.read_vocabulary("areas", areas_row)


@pytest.mark.row("F27")
def test_the_areas_have_english_and_dutch_labels():
    areas = vocabulary("areas")

    assert areas["waste-management"].label("en") == "Improving waste management and reducing waste"
    assert areas["greening-business-processes"].label("nl") == "Vergroening van bedrijfsprocessen"
    assert all(term.label("nl") != term.label("en") for term in areas)


@pytest.mark.row("F16")
def test_the_five_forms_are_counted_with_their_zeros_and_a_sixth_is_refused():
    forms = vocabulary("forms")

    assert forms.tally(["workshop", "workshop", "one_to_one"]) == {
        **dict.fromkeys(FORMS, 0),
        "workshop": 2,
        "one_to_one": 1,
    }
    with pytest.raises(KeyError, match="seminar is not in the list forms"):
        forms.tally(["seminar"])


@pytest.mark.parametrize("name", sorted(vocabularies()))
def test_every_list_has_a_source_and_every_term_its_labels_and_place(name):
    one = vocabulary(name)

    assert one.source.title
    assert [term.order for term in one] == list(range(1, len(one) + 1))
    assert len(set(one.ids)) == len(one)
    for lang in LANGUAGES:
        labels = [label for _, label in one.choices(lang)]
        assert all(labels)
        assert len(set(labels)) == len(labels)


def test_a_label_falls_back_to_english_and_reads_a_regional_code():
    term = vocabulary("areas")["water-use"]

    assert term.label("de-AT") == "Wassernutzung optimieren"
    assert term.label("bg") == "Optimising water use"


def test_a_missing_label_is_named(areas_row):
    areas_row["terms"][4]["fr"] = " "

    with pytest.raises(ValueError, match=r"areas\.water-use: no label in fr"):
        data.read_vocabulary("areas", areas_row)


def test_an_id_that_stands_twice_is_named(areas_row):
    areas_row["terms"][4]["id"] = "circular-materials"

    with pytest.raises(ValueError, match="circular-materials stands twice"):
        data.read_vocabulary("areas", areas_row)


def test_a_source_that_is_not_described_is_named(areas_row):
    areas_row["source"] = "hearsay"

    with pytest.raises(ValueError, match="source hearsay is named but not described"):
        data.read_vocabulary("areas", areas_row)


@pytest.mark.parametrize(
    ("headcount", "turnover", "balance", "expected"),
    [
        (9, 2_000_000, 9_000_000, "micro"),
        (10, 100_000, 100_000, "small"),
        (9, 2_000_001, 2_000_001, "small"),
        (249, 60_000_000, 43_000_000, "medium"),
        (249, 50_000_001, 43_000_001, None),
        (250, 1, 1, None),
    ],
)
def test_the_size_of_a_firm_needs_headcount_and_one_of_two_sums(headcount, turnover, balance, expected):
    found = data.sme_class(headcount, turnover, balance)

    assert (found and found.id) == expected


def test_figures_of_labels_aid_and_registration():
    bronze, silver, gold = data.ecei_labels()

    assert (bronze.id, bronze.indicators, bronze.valid_years, bronze.renewal_years) == ("bronze", 36, 2, 3)
    assert (silver.id, silver.order, silver.indicators) == ("silver", 2, None)
    assert (gold.id, gold.indicators, gold.label("fr")) == ("gold", 31, "Label or")
    assert (data.de_minimis().ceiling_eur, data.de_minimis().window_years) == (300_000, 3)
    assert data.de_minimis().applies_from == date(2024, 1, 1)
    assert (data.eccp_registration().min_committed_members, data.eccp_registration().min_management_fte) == (15, 0.5)
