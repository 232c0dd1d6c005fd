"""The public page of a call: from its announcement for everybody, in words, with all that an applicant prepares."""

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from facility.call_pages import in_words
from facility.workflow.steps import SYSTEM
from tests import factories as make

pytestmark = pytest.mark.django_db

MOMENT = dt.datetime(2027, 3, 1, 11, 0, tzinfo=dt.UTC)
SECTIONS = [
    {
        "key": "plan",
        "title": {"en": "Your plan", "nl": "Uw plan"},
        "questions": [
            {
                "key": "why",
                "kind": "text",
                "label": {"en": "Why now?", "nl": "Waarom nu?"},
                "limit": 900,
                "required": True,
            },
            {"key": "letter", "kind": "file", "label": {"en": "Letter of your members"}},
        ],
    }
]
CRITERIA = [
    {
        "name": "Relevance",
        "weight": 60,
        "guidance": "Fits the aims.",
        "threshold": 3,
        "points": "0 nothing said\n5 convincing",
    },
    {"name": "Capacity", "weight": 40, "guidance": "", "threshold": None, "points": ""},
]


def page_of(call):
    return f"/calls/{call.pk}/"


@pytest.fixture
def coordinator():
    with time_machine.travel(MOMENT, tick=False):
        yield make.staff("coordinator", make.programme(platform="ECCP", contact="calls@example.org"))


def drafted(coordinator, **fields):
    values = {"opens_at": "2027-03-02T09:00", "closes_at": "2027-03-31T18:00", "criteria": CRITERIA, "scale": 5}
    programme = make.Programme.objects.get(pk=coordinator.grants.get().scope_key)
    call = make.call(programme, coordinator, open_now=False, **values | fields)
    return call.perform("write_questions", by=coordinator, sections=SECTIONS)


def test_a_call_is_public_from_its_announcement_and_not_before(client, coordinator):
    call = drafted(coordinator)
    before = client.get(page_of(call))
    call.perform("publish", by=coordinator)
    after = client.get(page_of(call))

    assert before.status_code == 404
    assert call.title_text not in before.content.decode()
    assert after.status_code == 200
    assert call.title_text in after.content.decode()


def test_the_office_sees_no_public_page_of_a_draft_either(client, coordinator):
    client.force_login(coordinator)

    assert client.get(page_of(drafted(coordinator))).status_code == 404


def test_a_call_that_is_cancelled_is_public_no_more(client, coordinator):
    call = drafted(coordinator)
    call.perform("publish", by=coordinator)
    call.perform("cancel", by=make.staff("lead", call.programme), reason="No money")

    assert client.get(page_of(call)).status_code == 404


def test_the_page_says_what_an_applicant_needs(client, coordinator):
    call = drafted(coordinator, summary="Twenty days of advice.")
    call.perform("publish", by=coordinator)
    html = client.get(page_of(call)).content.decode()

    assert "31 March 2027, 18:00 (Europe/Brussels)" in html
    assert "Opens in 21 hours." in html
    assert "Twenty days of advice." in html
    assert "registered on ECCP" in html
    assert "At least 3 of 5 points are needed." in html
    assert "convincing" in html
    assert "Why now?" in html
    assert "at most 900 characters" in html
    assert "Letter of your members" in html
    assert "calls@example.org" in html
    assert "one second later is too late" in html
    assert f"/workspace/applications/new/create/?call={call.pk}" in html


def test_the_questions_are_read_in_the_language_of_the_reader(client, coordinator):
    call = drafted(coordinator)
    call.perform("publish", by=coordinator)
    html = client.get(page_of(call), headers={"accept-language": "nl"}).content.decode()

    assert "Waarom nu?" in html
    assert "Letter of your members" in html


def test_who_may_apply_is_what_the_call_says(client, coordinator):
    call = drafted(coordinator, who_may_apply="Clusters of glass makers only.")
    call.perform("publish", by=coordinator)

    assert "Clusters of glass makers only." in client.get(page_of(call)).content.decode()


@pytest.mark.row("F05")
def test_the_selected_stand_on_the_page_from_the_release_and_not_before(client):
    programme = make.programme()
    lead, coordinator, evaluator = (make.staff(role, programme) for role in ("lead", "coordinator", "evaluator"))
    call = make.call(programme, coordinator, places=1)
    winner, loser = (make.evaluated(call, coordinator, evaluator, value=value) for value in (9, 2))
    with time_machine.travel(timezone.now() + dt.timedelta(days=21), tick=False):
        call.perform("close", by=SYSTEM)
        before = client.get(page_of(call)).content.decode()
        make.released(call, coordinator, lead)
        after = client.get(page_of(call)).content.decode()

    assert winner.lead_cluster.name not in before
    assert winner.lead_cluster.name in after
    assert loser.lead_cluster.name not in after


def test_the_page_asks_as_many_queries_for_three_questions_and_clusters_as_for_one(client, coordinator):
    call = drafted(coordinator)
    call.perform("publish", by=coordinator)
    client.get(page_of(call))
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(page_of(call))
    more = [
        SECTIONS[0] | {"key": f"plan_{n}", "questions": [{"key": f"why_{n}", "kind": "text", "label": {"en": "Why?"}}]}
        for n in range(3)
    ]
    call.perform("write_questions", by=coordinator, sections=more)
    with CaptureQueriesContext(connection) as many:
        client.get(page_of(call))

    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (dt.timedelta(days=12, hours=3, minutes=59), "12 days and 3 hours"),
        (dt.timedelta(days=1, minutes=59), "1 day"),
        (dt.timedelta(hours=2, minutes=1), "2 hours and 1 minute"),
        (dt.timedelta(seconds=59), "less than a minute"),
        (dt.timedelta(seconds=-1), "less than a minute"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units_and_never_as_more_than_it_is(span, words):
    assert in_words(span) == words
