"""Registrations: everybody involved is invited once, takes a place or waits for one, and gives it back."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from facility.workflow.jobs import Job
from facility.workflow.steps import Blocked, NotAllowed, NotFound
from facility.workflow.trail import Notice
from tests import factories as make
from tests.webinars import making
from webinars.registration import Registration

pytestmark = pytest.mark.django_db
QUERIES_OF_THE_LIST = 6


@pytest.fixture
def house():
    return making.house()


def invitations(webinar):
    """Who was told of an invitation, with repetitions."""
    told = Notice.objects.filter(key__startswith="You are invited", record_id__in=webinar.registrations.values("pk"))
    return sorted(told.values_list("to", flat=True))


@pytest.mark.row("F23")
def test_everybody_involved_is_invited_once_and_a_late_joiner_too(house):
    both = making.joins(house.project)
    making.joins(house.project, "manager", person=both)
    left = making.joins(house.project)
    left.grants.get().perform("revoke", by=house.lead, reason="The assignment ended.")
    making.joins(house.project, is_active=False)
    making.house()
    webinar = making.announced(house)
    expected = sorted([house.advisor.pk, house.manager.pk, both.pk])
    assert invitations(webinar) == expected

    with time_machine.travel(timezone.now() + dt.timedelta(days=1, minutes=1)):
        assert making.run_jobs() == ["done"]
        assert invitations(webinar) == expected
        late = making.joins(house.project)
    with time_machine.travel(timezone.now() + dt.timedelta(days=2, minutes=2)):
        assert making.run_jobs() == ["done"]
        assert invitations(webinar) == sorted([*expected, late.pk])


@pytest.mark.row("F23")
def test_the_office_invites_late_joiners_at_once(house):
    webinar = making.announced(house)
    with pytest.raises(Blocked) as refused:
        webinar.perform("invite_latecomers", by=house.coordinator)
    assert refused.value.sentences == ["Everybody is invited already."]
    late = making.joins(house.project)
    webinar.perform("invite_latecomers", by=house.coordinator)
    assert invitations(webinar).count(late.pk) == 1
    with pytest.raises(NotAllowed):
        webinar.perform("invite_latecomers", by=house.advisor)


def test_the_job_ends_with_registration(house):
    webinar = making.announced(house)
    webinar.perform("close_registration", by=house.coordinator)
    making.joins(house.project)
    with time_machine.travel(timezone.now() + dt.timedelta(days=1, minutes=1)):
        assert making.run_jobs() == ["done"]
    assert webinar.registrations.count() == 2
    assert not Job.objects.filter(name="webinars.invite", state="waiting").exists()


def test_the_database_itself_keeps_a_second_invitation_out(house):
    webinar = making.announced(house)
    twin = Registration(webinar=webinar, person=house.advisor, programme=house.programme, state="invited")
    with pytest.raises(IntegrityError), transaction.atomic():
        Registration._base_manager.bulk_create([twin])


def test_inviting_more_people_takes_no_more_statements(house):
    counts = []
    for order, people in ((1, 2), (2, 8)):
        for _ in range(people):
            making.joins(house.project)
        webinar = making.webinar(house, order)
        webinar.perform("announce", by=house.coordinator)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            webinar.perform("invite_latecomers", by=house.coordinator)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_one_registers_gives_the_place_back_and_registers_again(house):
    webinar = making.announced(house)
    mine = making.registration(webinar, house.advisor)
    assert list(Registration.objects.waiting_on(house.advisor)) == [mine]
    mine.perform("register", by=house.advisor)
    assert (mine.state, mine.registered_at is not None) == ("registered", True)
    assert list(Registration.objects.waiting_on(house.advisor)) == []
    mine.perform("cancel", by=house.advisor)
    assert (mine.state, mine.registered_at) == ("cancelled", None)
    mine.perform("register", by=house.advisor)
    assert mine.state == "registered"


def test_only_oneself_registers_and_only_while_the_webinar_is_announced(house):
    webinar = making.announced(house)
    mine = making.registration(webinar, house.advisor)
    for person, error in ((house.manager, NotFound), (house.coordinator, NotAllowed), (make.person(), NotFound)):
        with pytest.raises(error):
            mine.perform("register", by=person)
    webinar.perform("close_registration", by=house.coordinator)
    with pytest.raises(NotAllowed):
        mine.perform("register", by=house.advisor)
    assert list(Registration.objects.waiting_on(house.advisor)) == []


def test_the_report_alone_says_who_came(house):
    webinar = making.announced(house)
    mine = making.registered(webinar, house.advisor)
    for person in (house.advisor, house.coordinator):
        for step, data in (("attend", {"minutes": 5}), ("miss", {}), ("promote", {})):
            with pytest.raises(NotAllowed):
                mine.perform(step, by=person, **data)


def test_places_are_kept_and_those_who_wait_move_up_in_order(house):
    third, fourth = making.joins(house.project), making.joins(house.project)
    webinar = making.announced(house, capacity=1)
    first = making.registered(webinar, house.advisor)
    waiting = [making.registered(webinar, person) for person in (house.manager, third, fourth)]
    assert [first.state, *(one.state for one in waiting)] == ["registered", *["waitlisted"] * 3]
    waiting[1].perform("cancel", by=third)
    first.perform("cancel", by=house.advisor)
    states = [making.registration(webinar, person).state for person in (house.advisor, house.manager, third, fourth)]
    assert states == ["cancelled", "registered", "cancelled", "waitlisted"]
    assert Notice.objects.filter(to=house.manager, key__startswith="You have a place").count() == 1

    values = {"programme": house.programme, "order": 1, "title_text": "Webinar 1", "zone": "Europe/Brussels"}
    values |= {"starts_at": webinar.starts_at, "ends_at": webinar.ends_at, "agenda": making.AGENDA}
    webinar.perform("edit", by=house.coordinator, capacity=2, **values)
    assert making.registration(webinar, fourth).state == "registered"


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_asks_the_same_number_of_queries(house, number, client, django_assert_num_queries):
    for order in range(1, number + 1):
        making.announced(house, order)
    client.force_login(house.advisor)
    client.get("/workspace/registrations/")
    with django_assert_num_queries(QUERIES_OF_THE_LIST):
        page = client.get("/workspace/registrations/").content.decode()
    assert page.count('/register/"') == number


def test_one_sees_ones_own_registrations_and_the_office_sees_all(house, client):
    making.announced(house)
    client.force_login(house.advisor)
    [row] = client.get("/api/registrations/").json()["results"]
    assert row["person"]["name"] == house.advisor.name
    client.force_login(house.coordinator)
    assert len(client.get("/api/registrations/").json()["results"]) == 2
    client.force_login(making.house().coordinator)
    assert client.get("/api/registrations/").json()["results"] == []
    client.logout()
    assert client.get("/api/registrations/").json()["results"] == []
