"""The toolkit in public: 36 fields as pages and as JSON, with the same filters."""

import pytest

from facility.registry.matrix import matrix
from tests.reporting import making as tell

pytestmark = pytest.mark.django_db
CELL = "green.innovation.intelligence"


@pytest.mark.row("T13")
def test_all_36_fields_are_there_with_what_they_hold(client):
    html = client.get("/toolkit/").content.decode()

    assert [html.count(f'href="/toolkit/{cell.id}/"') for cell in matrix().cells()] == [1] * 36
    assert "examples" in html


@pytest.mark.row("T13")
@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("theme=green", 12),
        ("challenge=innovation", 9),
        ("function=intelligence", 12),
        ("theme=green&challenge=innovation", 3),
        ("theme=green&challenge=innovation&function=intelligence", 1),
        ("theme=", 36),
    ],
)
def test_page_and_api_filter_alike(client, query, number):
    assert client.get(f"/toolkit/?{query}").content.decode().count('class="cell ') == number
    assert len(client.get(f"/api/toolkit/cells/?{query}").json()["results"]) == number


def test_a_field_lists_its_actions_and_examples(client):
    html = client.get(f"/toolkit/{CELL}/").content.decode()

    for action in matrix().actions(CELL):
        assert action.id in html
    assert html.count("<tr>") == 1 + len(matrix().examples(CELL))
    assert client.get("/toolkit/green.innovation.nonsense/").status_code == 404


@pytest.mark.row("T18")
def test_an_example_without_a_link_is_shown_without_one(client):
    bare = next(one for one in matrix().examples() if not one.url)
    cell = next(one.id for one in matrix().cells() if bare.id in one.examples)
    html = client.get(f"/toolkit/{cell}/").content.decode()

    name = bare.name.replace("&", "&amp;").replace("'", "&#x27;")
    assert f'<span lang="en">{name}</span>' in html
    assert 'href=""' not in html
    assert 'href="None"' not in html


@pytest.mark.parametrize("cell", [cell.id for cell in matrix().cells()])
def test_every_field_has_a_page(client, cell):
    assert client.get(f"/toolkit/{cell}/").status_code == 200


@pytest.mark.row("T14")
def test_actions_by_api(client):
    every = client.get("/api/toolkit/actions/").json()["results"]
    some = client.get("/api/toolkit/actions/?theme=green&challenge=innovation&function=intelligence").json()["results"]

    assert len(every) == len({one["id"] for one in every}) == 43
    assert [one["id"] for one in some] == [one.id for one in matrix().actions(CELL)]


@pytest.mark.row("T18")
def test_examples_by_api_once_each_inside_and_outside_the_union(client):
    def asked(query):
        return client.get(f"/api/toolkit/examples/?{query}").json()["results"]

    every, inside, outside = asked(""), asked("eu=true"), asked("eu=false")
    assert len(every) == len({one["id"] for one in every}) == len(matrix().examples())
    assert len(inside) + len(outside) == len(every)
    assert {one["eu"] for one in inside} == {True}
    country = every[0]["country"]
    assert {one["country"] for one in asked(f"country={country.lower()}")} == {country}
    assert {one["id"] for one in asked("theme=green&challenge=innovation&function=intelligence")} == set(
        matrix().cell(CELL).examples
    )
    assert None in {one["url"] for one in every}


@pytest.mark.row("T25")
def test_fifteen_recommendations_and_the_uncertain_are_marked(client):
    every = client.get("/api/toolkit/recommendations/").json()["results"]
    uncertain = client.get("/api/toolkit/recommendations/?uncertain=true").json()["results"]

    assert len(every) == 15
    assert len({one["heading"] for one in every}) == 3
    assert [one for one in every if one["uncertain"]] == uncertain
    touched = client.get("/api/toolkit/recommendations/?theme=green").json()["results"]
    assert 0 < len(touched) <= 15
    assert all(any(cell.startswith("green.") for e in one["entries"] for cell in e["cells"]) for one in touched)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("theme=blue", "There is no theme blue."),
        ("colour=blue", "There is no filter “colour” here."),
        ("eu=perhaps", "Give true or false"),
    ],
)
def test_a_filter_that_does_not_fit_is_refused_in_words(client, query, said):
    answer = client.get(f"/api/toolkit/examples/?{query}")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert said in answer.json()["detail"]
    assert client.get(f"/toolkit/?{query}").status_code == 200, "the page shows what it can"


def test_sessions_show_from_the_publication_of_the_report_and_not_before(client):
    one = tell.told(1)[0]
    before = client.get(f"/toolkit/{CELL}/").content.decode()
    assert "What the projects tried out is added when" in client.get("/toolkit/").content.decode()
    assert "No published report tells of this field yet." in before
    tell.published(one.project.programme, one.coordinator, one.lead)
    field, every = client.get(f"/toolkit/{CELL}/").content.decode(), client.get("/toolkit/").content.decode()

    assert "<dt>Approved sessions</dt><dd>1</dd>" in field
    assert "Sessions held:" in every
    assert every.count("1 session<") == 1
    assert every.count("no sessions") == 35


def test_the_toolkit_asks_four_questions(client, django_assert_num_queries):
    for path in ("/toolkit/", f"/toolkit/{CELL}/"):
        with django_assert_num_queries(4):
            client.get(path)
