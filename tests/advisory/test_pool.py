"""The pool: filters with their counts, search across languages, lists, notes, and who sees nothing of it."""

from __future__ import annotations

import pytest

from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_pool as pool

pytestmark = pytest.mark.django_db
PAGE = "/workspace/pool/"


@pytest.fixture
def programme():
    return make.programme()


@pytest.fixture
def coordinator(programme):
    return make.staff("coordinator", programme)


@pytest.fixture
def office(client, coordinator):
    client.force_login(coordinator)
    return client


def names_on(answer):
    return [row["title"] for row in answer.context["rows"]]


@pytest.mark.row("F06")
def test_filters_by_area_language_and_the_rest_narrow_each_other(programme, coordinator, office):
    water = {"areas": ["water-use"], "languages": [{"code": "fr", "cefr": "C1"}], "countries": ["FR"]}
    both = water | {"areas": ["water-use", "energy-efficiency"], "languages": [{"code": "fr", "cefr": "B1"}]}
    matching.candidate(programme, coordinator, name="Water Only", **water)
    matching.candidate(programme, coordinator, name="Water Both", years=12, **both)
    matching.candidate(programme, coordinator, name="Energy Only", kind="sustainability", years=3)

    assert names_on(office.get(PAGE)) == ["Water Both", "Energy Only", "Water Only"]
    answer = office.get(PAGE, {"area": "water-use"})
    assert names_on(answer) == ["Water Both", "Water Only"]
    areas = next(one for one in answer.context["facets"] if one["name"] == "area")
    assert {one["value"]: one["count"] for one in areas["options"]} == {"energy-efficiency": 2, "water-use": 2}
    assert names_on(office.get(PAGE, {"language": "fr", "level": "C1"})) == ["Water Only"]
    assert names_on(office.get(PAGE, {"area": ["water-use", "energy-efficiency"], "years": 4})) == ["Water Both"]
    assert names_on(office.get(PAGE, {"country": "FR", "kind": "sustainability"})) == []


@pytest.mark.row("F06")
def test_search_shows_the_sentences(programme, coordinator, office):
    found = pool.with_cv(programme, coordinator, "Closed water loops for dyeing works in Prato and Biella.\nSkiing.")
    pool.with_cv(programme, coordinator, "Bookkeeping for bakeries and small hotels in the mountains.")
    pool.indexed()

    answer = office.post(PAGE, {"question": "dyeing water"}, follow=True)
    assert "dyeing" not in answer.redirect_chain[0][0]
    assert names_on(answer)[0] == found.person.name
    assert "Closed water loops for dyeing works" in answer.content.decode()
    assert "by words only" in answer.content.decode()
