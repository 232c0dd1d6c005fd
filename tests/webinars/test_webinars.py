"""Webinars from a month without a day to publication, and who sees what of them on the way."""

from __future__ import annotations

import datetime as dt

import icalendar
import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from facility.workflow import tasks, trail
from facility.workflow.clock import Timer
from facility.workflow.engine import all_records
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Notice
from tests import factories as make
from tests.webinars import making
from webinars.webinar import Webinar, average_attendance

pytestmark = pytest.mark.django_db
QUERIES_OF_THE_LIST = 7
QUERIES_OF_THE_PAGE = 11
QUERIES_OF_THE_OFFICE = 13
LATER = dt.timedelta(days=8)


@pytest.fixture
def house():
    return making.house()


def documented(of, order=1):
    """A webinar of yesterday's invitations, held and documented a week later, with the advisor there."""
    webinar = making.announced(of, order)
    making.registered(webinar, of.advisor)
    with time_machine.travel(timezone.now() + LATER):
        making.hold(webinar, of.coordinator)
        report = making.table((of.advisor.name, of.advisor.email, 90))
        webinar.perform("import_attendance", by=of.coordinator, files={"file": report}, has_guests=True)
        webinar.perform("add_material", by=of.coordinator, title="Slides", link="https://example.org/slides")
        webinar.perform("document", by=of.coordinator, summary="Pricing comes first.")
    return webinar


@pytest.mark.row("F22")
def test_three_webinars_sort_by_date_and_a_month_without_a_day_will_do(house):
    later = {"starts_at": "2021-10-18T12:00:00Z", "ends_at": "2021-10-18T14:00:00Z"}
    first = {"starts_at": "2021-09-24T08:00:00Z", "ends_at": "2021-09-24T10:00:00Z"}
    making.webinar(house, 2, **later)
    making.webinar(house, 3, starts_at=None, ends_at=None, month="2021-11")
    making.webinar(house, 1, **first)
    rows = Webinar.objects.filter(programme=house.programme).order_by(*Webinar.order_by)
    assert [(row.order, row.planned(), row.state) for row in rows] == [
        (1, "24 September 2021, 10:00–12:00 CEST", "draft"),
        (2, "18 October 2021, 14:00–16:00 CEST", "draft"),
        (3, "November 2021", "draft"),
    ]
    assert [row.month.isoformat() for row in rows] == ["2021-09-01", "2021-10-01", "2021-11-01"]
    with pytest.raises(Blocked) as refused:
        rows[2].perform("announce", by=house.coordinator)
    assert refused.value.sentences == ["Set the date and the time before you announce the webinar."]


@pytest.mark.row("F22")
def test_a_webinar_is_followed_from_plan_to_publication_with_planned_and_actual_times(house):
    webinar = documented(house)
    assert webinar.state == "documented"
    assert webinar.started_at > webinar.starts_at + dt.timedelta(hours=20)
    assert webinar.starts_at < webinar.ends_at <= webinar.started_at <= webinar.ended_at
    webinar.perform("publish", by=house.coordinator)
    steps = trail.Entry.objects.filter(record_id=webinar.pk).order_by("number").values_list("step", flat=True)
    assert list(steps) == [
        "create",
        "announce",
        "invite_latecomers",
        "close_registration",
        "start",
        "end",
        "import_attendance",
        "add_material",
        "document",
        "publish",
    ]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert trail.verify(all_records()) == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"starts_at": None, "ends_at": None}, "month"),
        ({"ends_at": None}, "ends_at"),
        ({"starts_at": None}, "starts_at"),
        ({"starts_at": "2021-09-24T10:00:00Z", "ends_at": "2021-09-24T10:00:00Z"}, "ends_at"),
        ({"order": 1}, "order"),
        ({"agenda": [{"element": "quiz", "title": "Quiz"}]}, "agenda[0].element"),
    ],
)
def test_a_plan_that_does_not_hold_is_refused_by_its_field(house, values, field):
    making.webinar(house, 1)
    with pytest.raises(Invalid) as refused:
        making.webinar(house, **({"order": 2} | values))
    assert field in refused.value.errors


def test_announcing_asks_for_the_three_elements_or_a_reason(house):
    webinar = making.webinar(house, agenda=making.AGENDA[:1])
    with pytest.raises(Invalid) as refused:
        webinar.perform("announce", by=house.coordinator)
    assert refused.value.errors == {
        "reason": ["The agenda lacks: Sharing of experience, Session among participants. Add it, or say why."]
    }
    webinar.perform("announce", by=house.coordinator, reason="A lecture only, as participants asked.")
    assert (webinar.state, webinar.agenda_note) == ("announced", "A lecture only, as participants asked.")
    complete = making.webinar(house, 2)
    complete.perform("announce", by=house.coordinator)
    assert complete.agenda_note == ""


def test_what_is_over_is_not_announced(house):
    webinar = making.webinar(house, starts_at="2021-09-24T08:00:00Z", ends_at="2021-09-24T10:00:00Z")
    with pytest.raises(Blocked) as refused:
        webinar.perform("announce", by=house.coordinator)
    assert refused.value.sentences == ["Give a start in the future."]


def test_the_database_keeps_an_announced_webinar_without_a_date_out(house):
    webinar = making.webinar(house, starts_at=None, ends_at=None, month="2021-11")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE webinars_webinar SET state = 'announced' WHERE id = %s", [webinar.pk])


def test_registration_closes_by_itself_at_the_start_also_after_the_start_was_moved(house):
    webinar = making.announced(house)
    moved = webinar.starts_at + dt.timedelta(days=1)
    making.registered(webinar, house.advisor)
    webinar.perform(
        "edit", by=house.coordinator, **plan(webinar, starts_at=moved, ends_at=moved + dt.timedelta(hours=1))
    )
    assert Timer.objects.get(record_id=webinar.pk, step="close_registration").due_at == moved
    assert "has a new time" in Notice.objects.filter(to=house.advisor).latest("created_at").text()
    with time_machine.travel(moved - dt.timedelta(minutes=1)):
        tasks.tick()
        assert Webinar.objects.get(pk=webinar.pk).state == "announced"
    with time_machine.travel(moved + dt.timedelta(minutes=1)):
        tasks.tick()
        assert Webinar.objects.get(pk=webinar.pk).state == "closed"


def plan(webinar, **changes):
    """The input of edit as the webinar stands, with changes."""
    names = ("order", "title_text", "summary", "starts_at", "ends_at", "zone", "link", "capacity")
    values = {name: getattr(webinar, name) for name in names} | {"programme": webinar.programme_id}
    return {k: v for k, v in (values | {"agenda": making.AGENDA} | changes).items() if v not in (None, "")}


def test_documenting_waits_for_attendance_and_material(house):
    webinar = making.announced(house)
    with time_machine.travel(timezone.now() + LATER):
        making.hold(webinar, house.coordinator)
        with pytest.raises(Blocked) as refused:
            webinar.perform("document", by=house.coordinator, summary="Fine.")
    assert refused.value.sentences == [
        "Import the attendance report before you document the webinar.",
        "Add the material of the webinar first: at least one file or link.",
    ]


def test_material_is_a_file_or_a_link(house):
    webinar = making.announced(house)
    for wrong in ({}, {"link": "https://example.org", "file": making.table()}):
        files = {"file": wrong.pop("file")} if "file" in wrong else {}
        with pytest.raises(Invalid) as refused:
            webinar.perform("add_material", by=house.coordinator, title="Slides", files=files, **wrong)
        assert list(refused.value.errors) == ["link"]
    webinar.perform("add_material", by=house.coordinator, title="Figures", files={"file": making.table()})
    [material] = webinar.materials.all()
    assert (material.title, material.document.name, material.document.audience) == (
        "Figures",
        "attendance.csv",
        "programme",
    )


def test_cancelling_tells_those_who_would_have_come(house):
    webinar = making.announced(house)
    making.registration(webinar, house.manager).perform("cancel", by=house.manager)
    webinar.perform("cancel", by=house.coordinator, reason="The speaker is ill.")
    told = Notice.objects.filter(record_id=webinar.pk, key__contains="cancelled")
    assert set(told.values_list("to", flat=True)) == {house.advisor.pk}
    assert making.webinar(house, 1).order == 1


@pytest.mark.row("F26")
def test_the_average_is_over_webinars_that_were_held(house):
    planned = making.webinar(house, 9)
    assert average_attendance(house.programme) is None
    for order, people in enumerate((49, 50, 51), 1):
        webinar = making.announced(house, order)
        making.registered(webinar, house.advisor)
        with time_machine.travel(timezone.now() + LATER):
            making.hold(webinar, house.coordinator)
            guests = [(f"Guest {n} of {order}", f"guest{n}@example.org", 60) for n in range(people - 1)]
            report = making.table((house.advisor.name, house.advisor.email, 90), *guests)
            webinar.perform("import_attendance", by=house.coordinator, files={"file": report}, has_guests=True)
        assert webinar.present_count == people
    assert average_attendance(house.programme) == 50
    planned.perform("announce", by=house.coordinator)
    assert average_attendance(house.programme) == 50
    assert average_attendance(making.house().programme) is None


def test_only_the_office_moves_a_webinar(house):
    webinar = making.announced(house)
    stranger = making.house()
    for person, error in (
        (house.advisor, NotAllowed),
        (house.manager, NotAllowed),
        (make.staff("observer", house.programme), NotAllowed),
        (stranger.coordinator, NotFound),
        (stranger.advisor, NotFound),
    ):
        with pytest.raises(error):
            webinar.perform("close_registration", by=person)


def test_participants_see_what_is_announced_and_the_public_what_is_published(house, client):
    draft = making.webinar(house, 2)
    webinar = documented(house)
    seen = Webinar.objects.visible_to(house.advisor)
    assert list(seen) == [webinar]
    assert list(Webinar.objects.visible_to(make.person())) == []
    assert draft in Webinar.objects.visible_to(house.coordinator)
    assert client.get("/api/webinars/").json()["results"] == []
    webinar.perform("publish", by=house.coordinator)
    [row] = client.get("/api/webinars/").json()["results"]
    assert (row["title"], row["attended"], row["summary"]) == ("Webinar 1", 1, "Pricing comes first.")
    assert not {"material", "link", "registrations", "attendance"} & set(row)
    client.force_login(house.advisor)
    [row] = client.get("/api/webinars/").json()["results"]
    assert row["material"] == [{"title": "Slides", "link": "https://example.org/slides", "document": None}]
    assert "registrations" not in row
    client.force_login(house.coordinator)
    row = client.get(f"/api/webinars/{webinar.pk}/").json()
    people = {(one["person"], one["state"], one["minutes"]) for one in row["registrations"]}
    assert people == {(house.advisor.name, "attended", 90), (house.manager.name, "invited", None)}


@pytest.mark.parametrize("number", [1, 3])
def test_list_and_page_ask_the_same_number_of_queries(house, number, client, django_assert_num_queries):
    for order in range(1, number + 1):
        webinar = making.announced(house, order)
    for _ in range(number - 1):
        making.joins(house.project)
    if number > 1:
        webinar.perform("invite_latecomers", by=house.coordinator)
        for n in range(number):
            webinar.perform("add_material", by=house.coordinator, title=f"Slides {n}", link="https://example.org/s")
    client.force_login(house.advisor)
    client.get("/workspace/webinars/")
    with django_assert_num_queries(QUERIES_OF_THE_LIST):
        assert client.get("/workspace/webinars/").content.decode().count("/workspace/webinars/0") == number
    with django_assert_num_queries(QUERIES_OF_THE_PAGE):
        assert client.get(webinar.get_absolute_url()).status_code == 200
    client.force_login(house.coordinator)
    client.get(webinar.get_absolute_url())
    with django_assert_num_queries(QUERIES_OF_THE_OFFICE):
        assert client.get(webinar.get_absolute_url()).status_code == 200


def test_the_page_has_agenda_places_one_button_and_material(house, client):
    webinar = making.announced(house, capacity=40, link="https://meet.example.org/1")
    client.force_login(house.advisor)
    page = client.get(webinar.get_absolute_url()).content.decode()
    assert "What a canvas costs" in page
    assert "of 40 places" in page
    assert page.count("ecl-button--primary") == page.count(">Register</button>") + page.count('class="vh">Search<')
    assert "https://meet.example.org/1" not in page
    registration = making.registration(webinar, house.advisor)
    answer = client.post(
        f"/workspace/registrations/{registration.pk}/register/", {"_version": registration.version, "_token": "a"}
    )
    assert answer["Location"] == webinar.get_absolute_url()
    page = client.get(webinar.get_absolute_url()).content.decode()
    assert ">Register</button>" not in page
    assert "https://meet.example.org/1" in page
    assert f"/workspace/webinars/{webinar.pk}/calendar.ics" in page


def test_the_calendar_file_is_for_those_who_have_a_place(house, client):
    webinar = making.announced(house, link="https://meet.example.org/1")
    url = f"/workspace/webinars/{webinar.pk}/calendar.ics"
    assert client.get(url).status_code == 302
    client.force_login(house.advisor)
    assert client.get(url).status_code == 404
    making.registered(webinar, house.advisor)
    answer = client.get(url)
    assert answer["Content-Type"].startswith("text/calendar")
    [event] = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert event.decoded("dtstart") == webinar.starts_at
    assert event.decoded("dtend") == webinar.ends_at
    assert str(event["summary"]) == "Webinar 1"
    assert str(event["uid"]) == f"webinar-{webinar.pk}"
    assert "Expert presentation: What a canvas costs" in str(event["description"])
    client.force_login(making.house().advisor)
    assert client.get(url).status_code == 404
