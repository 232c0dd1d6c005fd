"""The public site: what somebody who is not signed in sees, and when."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from facility.workflow.steps import SYSTEM
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def decided():
    """A call with one winner, one on the reserve list and one rejected; approved, not released."""
    programme = make.programme(name="Facility of spring", slug="spring")
    lead, coordinator, evaluator = (make.staff(role, programme) for role in ("lead", "coordinator", "evaluator"))
    call = make.call(programme, coordinator, places=1)
    bids = [make.evaluated(call, coordinator, evaluator, value=value) for value in (9, 7, 2)]
    with time_machine.travel(timezone.now() + dt.timedelta(days=21), tick=False):
        call.perform("close", by=SYSTEM)
        from facility.selection import Selection

        selection = Selection().perform("create", by=coordinator, call=call)
        selection.perform("propose", by=coordinator, overrides=[])
        selection.perform("approve", by=lead)
        yield lead, selection, [bid.lead_cluster.name for bid in bids]


EVERYWHERE = ["/", "/p/spring/", "/api/applications/", "/api/selections/"]


@pytest.mark.row("F05")
@pytest.mark.parametrize("path", EVERYWHERE)
def test_the_selected_are_public_from_the_release_and_not_before(client, decided, path):
    lead, selection, (winner, reserve, loser) = decided
    before = client.get(path).content.decode()
    selection.perform("release", by=lead)
    after = client.get(path).content.decode()

    assert not [name for name in (winner, reserve, loser) if name in before]
    assert winner in after
    assert reserve not in after
    assert loser not in after


@pytest.mark.row("F05")
def test_signed_in_strangers_see_the_list_no_earlier(client, decided):
    _lead, selection, (winner, *_others) = decided
    client.force_login(make.manager_of(make.cluster()))

    assert winner not in client.get("/").content.decode()
    assert client.get(f"/workspace/selections/{selection.pk}/").status_code == 404


def test_an_open_call_is_announced_with_its_closing_time(client):
    programme = make.programme()
    make.call(programme, make.staff("coordinator", programme), title_text="Call of spring", places=25)
    hidden = make.call(programme, make.staff("coordinator", programme), open_now=False, title_text="Call of autumn")
    html = client.get("/").content.decode()

    assert hidden.state == "draft"
    assert "Call of spring" in html
    assert "25 places." in html
    assert "Europe/Brussels" in html
    assert "Call of autumn" not in html


def test_a_site_without_a_programme_says_so(client):
    assert "No programme runs yet." in client.get("/").content.decode()


def test_the_page_of_a_programme_names_funder_and_dates(client):
    programme = make.programme(slug="spring", name="Facility of spring")
    html = client.get("/p/spring/").content.decode()

    assert "Facility of spring" in html
    assert f"Funded by {programme.funder}, run by {programme.operator}." in html
    assert client.get("/p/winter/").status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_public_pages_ask_six_questions(client, django_assert_num_queries, rows):
    for number in range(rows):
        programme = make.programme(slug=f"p{number}")
        make.call(programme, make.staff("coordinator", programme))

    with django_assert_num_queries(6):
        client.get("/")
    with django_assert_num_queries(6):
        client.get("/p/p0/")
