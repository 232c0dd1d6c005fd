"""The board: every project of one's programmes, flagged ones first, at a cost that does not grow."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from advisory.project import Project
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support
from tests.advisory.test_projects import selected

pytestmark = pytest.mark.django_db
BOARD = "/workspace/board/"


def lanes(client, **query):
    """State to titles of the cards."""
    shown = client.get(BOARD, query).context["lanes"]
    return {lane["id"]: [card["title"] for card in lane["cards"] + lane["rest"]] for lane in shown}


def test_lanes_table_and_filters_show_the_same_projects(client):
    programme = make.programme()
    first, second = support.cases(2, programme)
    support.kicked_off(second)
    client.force_login(first.lead)
    assert lanes(client) == {"matched": [first.project.name], "assessing": [second.project.name]}
    assert lanes(client, state="assessing") == {"assessing": [second.project.name]}
    assert lanes(client, advisor=str(first.advisor.pk)) == {"matched": [first.project.name]}
    assert lanes(client, name=second.project.name.upper()) == {"assessing": [second.project.name]}
    assert lanes(client, flag="any") == {}
    table = client.get(BOARD, {"view": "table"})
    assert {row["title"] for row in table.context["rows"]} == {first.project.name, second.project.name}
    assert client.get(BOARD, {"state": "no-such-state"}).status_code == 200


def test_flags_say_why(client):
    case = support.case("in_support")
    support.session(case).perform("dispute", by=case.manager, wrong="day", reason="Another day.")
    with time_machine.travel(timezone.now() + dt.timedelta(days=60), tick=False):
        client.force_login(case.coordinator)
        page = client.get(BOARD)
        (lane,) = page.context["lanes"]
        said = [flag["text"] for flag in lane["cards"][0]["flags"]]
    assert said[:2] == ["1 session is disputed", "A session waits too long for an answer"]
    assert any(text.startswith("Silent for 60 days") for text in said)
    assert any(text.startswith("Behind on days: 3 % used") for text in said)
    for text in said:
        assert text in page.content.decode()


def test_advisors_managers_and_other_programmes_see_no_board(client):
    case = support.cases(1)[0]
    elsewhere = make.staff("coordinator", make.programme())
    for person in (case.adviser, case.manager, make.person()):
        client.force_login(person)
        assert client.get(BOARD).status_code == 404
        assert client.get(f"{BOARD}open/").status_code == 404
    client.force_login(elsewhere)
    assert lanes(client) == {}
    client.logout()
    assert client.get(BOARD).status_code == 302
    client.force_login(make.staff("observer", case.project.programme))
    assert lanes(client) == {"matched": [case.project.name]}
    assert client.get(f"{BOARD}open/").status_code == 404


@pytest.mark.parametrize(("view", "literal"), [("", 6), ("table", 6)])
def test_the_board_takes_as_many_statements_for_three_as_for_one(client, view, literal):
    programme = make.programme()
    first = support.cases(1, programme)[0]
    client.force_login(first.lead)
    path = f"{BOARD}?view={view}"
    assert matching.statements(client, path) == literal
    for case in support.cases(2, programme):
        support.kicked_off(case)
        support.session(case)
    assert matching.statements(client, path) == literal


def test_projects_are_opened_for_a_whole_selection(client):
    programme = make.programme()
    people = matching.office(programme)
    one = selected(programme, people)
    client.force_login(people[1])
    assert client.get(BOARD).context["unopened"] == 1
    page = client.get(f"{BOARD}open/").content.decode()
    assert one.lead_cluster.name in page
    today = timezone.now().date()
    terms = {"starts_on": today, "ends_on": today - dt.timedelta(days=1), "days_budget": 20, "firms_targeted": 5}
    wrong = client.post(f"{BOARD}open/", terms)
    assert wrong.status_code == 400
    assert "The end lies before the start." in wrong.content.decode()
    assert client.post(f"{BOARD}open/", terms | {"ends_on": today + dt.timedelta(days=90)}).status_code == 302
    assert Project.objects.get(application=one).days_budget == 20
    assert client.get(BOARD).context["unopened"] == 0
