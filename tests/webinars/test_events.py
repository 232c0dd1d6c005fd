"""Information webinars and orientation sessions: whom they invite, how strangers register, what each kind asks for."""

from __future__ import annotations

import datetime as dt
import re

import icalendar
import pytest
import time_machine
from django.core import mail
from django.core.cache import caches
from django.db import IntegrityError, transaction
from django.template import engines
from django.test import Client, RequestFactory
from django.utils import timezone

from facility.registry.people import Person
from facility.workflow import tasks
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Notice
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.webinars import making
from webinars.registration import Registration
from webinars.signup import SignUp
from webinars.tasks import forget_sign_ups
from webinars.webinar import Webinar, average_attendance

pytestmark = pytest.mark.django_db
QUERIES_OF_THE_PUBLIC_PAGE = 2


@pytest.fixture(autouse=True)
def _tries_begin_anew():
    for cache in caches.all(initialized_only=False):
        cache.clear()


class Scene:
    """An open call with two applicants, one of them with a partner; its office; and a second, decided call."""

    def __init__(self) -> None:
        self.programme = make.programme()
        self.lead, self.coordinator, self.evaluator = (
            make.staff(role, self.programme) for role in ("lead", "coordinator", "evaluator")
        )
        self.call = make.call(self.programme, self.coordinator)
        self.partner = make.cluster("PT")
        self.partner_manager = make.manager_of(self.partner)
        self.first = self.applies(partners=[{"cluster": str(self.partner.pk)}])
        self.second = self.applies()

    def applies(self, **more):
        cluster = make.cluster()
        manager = make.manager_of(cluster)
        make.draft(self.call, manager, cluster, **more)
        return manager

    def event(self, kind: str = "information", **fields) -> Webinar:
        starts = (timezone.now() + dt.timedelta(days=7)).replace(microsecond=0)
        values = {
            "programme": self.programme,
            "kind": kind,
            "call": self.call,
            "order": 1,
            "title_text": "How to apply",
            "starts_at": starts,
            "ends_at": starts + dt.timedelta(hours=2),
            "zone": "Europe/Brussels",
            "link": "https://meet.example.org/info",
            "agenda": [],
        }
        return Webinar().perform("create", by=self.coordinator, **(values | fields))

    def announced(self, kind: str = "information", **fields) -> Webinar:
        made = self.event(kind, **fields)
        made.perform("announce", by=self.coordinator)
        making.run_jobs()
        return made


@pytest.fixture
def scene():
    return Scene()


def invited(webinar) -> set[Person]:
    return {one.person for one in webinar.registrations.select_related("person")}


def signed_in(person):
    client = Client()
    client.force_login(person)
    return client


# -- whom they invite


def test_an_information_webinar_invites_managers_of_applicants_and_partners_each_once(scene):
    webinar = scene.announced()
    assert invited(webinar) == {scene.first, scene.second, scene.partner_manager}
    notices = Notice.objects.filter(to=scene.first, key__startswith="You are invited")
    assert notices.get().text().startswith("You are invited to the webinar How to apply, ")


def test_whoever_begins_an_application_later_is_invited_then_and_once(scene):
    webinar = scene.announced()
    late = scene.applies()
    for days in (1, 2, 3):
        with time_machine.travel(timezone.now() + dt.timedelta(days=days)):
            making.run_jobs()
    assert late in invited(webinar)
    assert Notice.objects.filter(to=late, key__startswith="You are invited").count() == 1


def test_control_without_the_look_at_invitations_nobody_could_be_invited_twice_anyway(scene, monkeypatch):
    """The guard broken, the database itself refuses a second invitation."""
    webinar = scene.announced()
    monkeypatch.setattr(Webinar, "uninvited", Webinar.invitees)
    with pytest.raises(IntegrityError, match="invited_once"), transaction.atomic():
        webinar.perform("invite_latecomers", by=scene.coordinator)
    assert webinar.registrations.count() == 3


def test_two_orientation_sessions_invite_selected_clusters_and_advisors_of_the_pool(scene):
    call = make.call(scene.programme, scene.coordinator, places=1)
    won, lost = (make.evaluated(call, scene.coordinator, scene.evaluator, value=v) for v in (9, 7))
    pooled = matching.pooled(scene.programme, scene.coordinator)
    for_clusters = scene.event("orientation", call=call, title_text="Orientation for clusters")
    with pytest.raises(Blocked) as refused:
        for_clusters.perform("announce", by=scene.coordinator)
    assert "Release the selection of the call first: the clusters to invite are not known yet." in str(refused.value)
    with time_machine.travel(timezone.now() + dt.timedelta(days=21)):
        call.perform("close", by=SYSTEM)
        make.released(call, scene.coordinator, scene.lead)
        later = {"starts_at": timezone.now() + dt.timedelta(days=5), "ends_at": timezone.now() + dt.timedelta(days=6)}
        one = scene.announced("orientation", call=call, order=2, **later)
        two = scene.announced("orientation", audience="pool", call=None, order=3, **later)
        assert invited(one) == set(won.managers()) and not invited(one) & set(lost.managers())
        assert invited(two) == {pooled.person}
        notice = Notice.objects.get(to=pooled.person, key__startswith="You are invited to the orientation")
        assert "orientation session" in notice.text()


def test_people_chosen_by_name_are_invited_beside_the_rule_or_alone(scene):
    both = scene.announced(chosen=[str(scene.evaluator.pk), str(scene.first.pk)])
    assert invited(both) == {scene.first, scene.second, scene.partner_manager, scene.evaluator}
    alone = scene.announced("orientation", audience="chosen", chosen=[str(scene.evaluator.pk)])
    assert invited(alone) == {scene.evaluator}
    with pytest.raises(Invalid, match="chosen"):
        scene.event("orientation", order=2, audience="chosen", chosen=[str(make.person().pk)])


def test_an_orientation_session_for_nobody_is_not_announced(scene):
    empty = scene.event("orientation", audience="chosen")
    with pytest.raises(Blocked, match="Nobody would be invited"):
        empty.perform("announce", by=scene.coordinator)


def test_the_names_are_shown_before_anybody_is_invited(scene):
    webinar = scene.event()
    page = signed_in(scene.coordinator).get(f"/workspace/webinars/{webinar.pk}/announce/").content.decode()
    assert "3 people are invited" in page
    assert all(str(one) in page for one in (scene.first, scene.second, scene.partner_manager))
    assert not webinar.registrations.exists()


# -- what each kind asks for


def test_only_a_synergy_webinar_asks_for_the_three_elements(scene):
    assert scene.announced().state == "announced"
    house = making.house()
    with pytest.raises(Invalid, match="The agenda lacks"):
        making.webinar(house, agenda=[]).perform("announce", by=house.coordinator)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"call": None}, "call", "Choose the call that it is about."),
        ({"kind": "orientation", "call": None}, "call", "Choose the call that it is about."),
        ({"audience": "pool"}, "audience", "For this kind choose one of:"),
        ({"kind": "party"}, "kind", "Select a valid choice."),
        ({"audience": "everybody"}, "audience", "Select a valid choice."),
    ],
)
def test_what_does_not_fit_the_kind_is_refused_by_its_field(scene, fields, field, said):
    with pytest.raises(Invalid) as refused:
        scene.event(**fields)
    assert refused.value.errors[field][0].startswith(said)
    assert not Webinar.objects.exists()


def test_a_call_of_another_programme_is_refused(scene):
    elsewhere = make.programme()
    theirs = make.call(elsewhere, make.staff("coordinator", elsewhere))
    with pytest.raises(Invalid, match="call"):
        scene.event(call=theirs)


def test_an_information_webinar_tells_nothing_of_a_call_that_is_not_published(scene):
    draft = make.call(scene.call.programme, scene.coordinator, open_now=False)
    webinar = scene.event(call=draft)
    with pytest.raises(Blocked, match="Publish the call first"):
        webinar.perform("announce", by=scene.coordinator, reason="")


def test_an_information_webinar_is_held_before_the_call_closes(scene):
    late = scene.call.closes_at
    webinar = scene.event(starts_at=late, ends_at=late + dt.timedelta(hours=1))
    with pytest.raises(Blocked, match="before its call closes"):
        webinar.perform("announce", by=scene.coordinator)


def test_each_kind_counts_its_own_numbers(scene):
    scene.event(order=1)
    scene.event("orientation", audience="pool", order=1)
    with pytest.raises(Invalid, match="has this number"):
        scene.event(order=1)


def test_the_database_keeps_an_information_webinar_without_a_call_out(scene):
    webinar = scene.event()
    with pytest.raises(IntegrityError, match="about_a_call"), transaction.atomic():
        Webinar._base_manager.filter(pk=webinar.pk).update(call=None)


def test_what_is_announced_keeps_its_kind(scene):
    webinar = scene.announced()
    names = ("order", "title_text", "starts_at", "ends_at", "zone", "link")
    values = {name: getattr(webinar, name) for name in names} | {"programme": scene.programme.pk, "agenda": []}
    with pytest.raises(Invalid, match="keeps its kind"):
        webinar.perform("edit", by=scene.coordinator, **values, kind="orientation", audience="pool")
    webinar.perform("edit", by=scene.coordinator, **values, call=scene.call.pk)
    assert (webinar.kind, webinar.audience) == ("information", "applicants")


def test_the_average_counts_synergy_webinars_alone(scene):
    webinar = making.hold(scene.announced(), scene.coordinator)
    report = making.table((scene.first.name, scene.first.email, 60))
    webinar.perform("import_attendance", by=scene.coordinator, files={"file": report}, has_guests=True)
    assert (webinar.present_count, making.registration(webinar, scene.first).state) == (1, "attended")
    assert average_attendance(scene.programme) is None


# -- who sees them


def test_an_orientation_session_is_known_to_those_invited_and_to_nobody_else(scene):
    session = scene.announced("orientation", audience="chosen", chosen=[str(scene.first.pk)])
    assert signed_in(scene.first).get(session.get_absolute_url()).status_code == 200
    for stranger in (scene.second, scene.evaluator, make.person()):
        client = signed_in(stranger)
        assert client.get(session.get_absolute_url()).status_code == 404
        assert client.get(f"/events/{session.pk}/").status_code == 404
    assert Client().get("/api/webinars/").json()["results"] == []


def test_an_information_webinar_is_public_once_announced_without_its_link(scene):
    webinar = scene.event()
    assert Client().get(f"/events/{webinar.pk}/").status_code == 404
    webinar.perform("announce", by=scene.coordinator)
    page = Client().get(f"/events/{webinar.pk}/").content.decode()
    assert "How to apply" in page and "meet.example.org" not in page
    [row] = Client().get("/api/webinars/").json()["results"]
    assert row["kind"] == "information" and not {"link", "audience", "registrations"} & set(row)


def test_the_fragment_on_the_page_of_the_call_names_it(scene):
    request = RequestFactory().get("/")
    show = engines["django"].from_string("{% load around %}{% around call %}")
    assert "Information webinar" not in show.render({"call": scene.call}, request)
    webinar = scene.announced()
    page = show.render({"call": scene.call}, request)
    assert f"/events/{webinar.pk}/" in page and "registration is open to everybody" in page


# -- strangers register


def asks(webinar, email="guest@example.org", name="A Guest", client=None, address="203.0.113.9"):
    client = client or Client()
    return client.post(f"/events/{webinar.pk}/", {"name": name, "email": email}, REMOTE_ADDR=address)


def code_in_mail() -> str:
    making.run_jobs("webinars.confirm_sign_up")
    return re.search(r"/events/places/([\w-]+)/", mail.outbox[-1].body)[1]


def test_a_stranger_registers_by_a_link_and_only_then_is_a_person(scene):
    webinar = scene.announced()
    people = Person.objects.count()
    answer = asks(webinar)
    assert answer.status_code == 200 and "Look into your mail" in answer.content.decode()
    address = f"/events/places/{code_in_mail()}/"
    assert mail.outbox[-1].to == ["guest@example.org"] and "A Guest" not in mail.outbox[-1].body
    assert "meet.example.org" not in Client().get(address).content.decode()
    assert Client().get(f"{address}calendar.ics").status_code == 404
    assert (Person.objects.count(), webinar.registrations.count()) == (people, 3)
    assert Client().post(address, {"step": "join"}).status_code == 302
    guest = Person.objects.get(email="guest@example.org")
    assert making.registration(webinar, guest).state == "registered"
    assert not guest.has_usable_password() and not guest.roles_held()
    page = Client().get(address).content.decode()
    assert "meet.example.org" in page
    [event] = icalendar.Calendar.from_ical(Client().get(f"{address}calendar.ics").content).walk("VEVENT")
    assert event.decoded("dtstart") == webinar.starts_at
    Client().post(address, {"step": "cancel"})
    assert making.registration(webinar, guest).state == "cancelled"
    Client().post(address, {"step": "join"})
    assert making.registration(webinar, guest).state == "registered"
    assert webinar.registrations.filter(person=guest).count() == 1


def test_the_answer_is_the_same_whether_the_address_is_known_or_not(scene):
    webinar = scene.announced()
    pages = [asks(webinar, email=email) for email in ("new@example.org", scene.first.email)]
    bodies = [re.sub(r"csrf\w+|value=\"\w{64}\"|\d\d:\d\d", "", one.content.decode()) for one in pages]
    assert bodies[0] == bodies[1] and {one.status_code for one in pages} == {200}


def test_whoever_is_invited_already_takes_the_same_place_by_the_link(scene):
    webinar = scene.announced()
    asks(webinar, email=scene.first.email.upper())
    Client().post(f"/events/places/{code_in_mail()}/", {"step": "join"})
    assert making.registration(webinar, scene.first).state == "registered"
    assert Registration.objects.filter(webinar=webinar, person=scene.first).count() == 1


def test_an_address_gets_one_mail_an_hour_and_the_newer_code_ends_the_older(scene):
    webinar = scene.announced()
    for at in range(3):
        asks(webinar, address=f"203.0.113.{at}")
    old = code_in_mail()
    assert len(mail.outbox) == 1 and SignUp.objects.count() == 1
    with time_machine.travel(timezone.now() + dt.timedelta(hours=2)):
        asks(webinar)
        new = code_in_mail()
    assert len(mail.outbox) == 2
    assert Client().get(f"/events/places/{old}/").status_code == 404
    assert Client().get(f"/events/places/{new}/").status_code == 200


def test_five_tries_a_minute_from_one_address(scene):
    webinar = scene.announced()
    assert [asks(webinar, f"g{n}@example.org").status_code for n in range(6)] == [200] * 5 + [429]
    assert SignUp.objects.count() == 5
    answers = {Client().get("/events/places/nothing/", REMOTE_ADDR="203.0.113.77").status_code for _ in range(6)}
    assert answers == {404, 429}


def test_control_without_the_count_every_try_is_taken(scene, monkeypatch):
    monkeypatch.setattr("webinars.events.Tries.allow_request", lambda self, request, view: True)
    webinar = scene.announced()
    assert {asks(webinar, f"g{n}@example.org").status_code for n in range(7)} == {200}


@pytest.mark.parametrize(
    "raw", [{}, {"name": "A"}, {"name": "A", "email": "x"}, {"name": "x" * 201, "email": "a@b.eu"}]
)
def test_bad_input_is_said_at_its_field_and_nothing_is_kept(scene, raw):
    webinar = scene.announced()
    answer = Client().post(f"/events/{webinar.pk}/", raw)
    assert answer.status_code == 400 and "<title>To mend:" in answer.content.decode()
    assert not SignUp.objects.exists() and not Job.objects.filter(name="webinars.confirm_sign_up").exists()


def test_after_the_start_nobody_registers(scene):
    webinar = scene.announced()
    asks(webinar)
    code = code_in_mail()
    with time_machine.travel(webinar.starts_at + dt.timedelta(seconds=1)):
        assert Client().post(f"/events/places/{code}/", {"step": "join"}).status_code == 409
        tasks.tick()
        assert "Registration is closed." in Client().get(f"/events/{webinar.pk}/").content.decode()
        assert Client().post(f"/events/places/{code}/", {"step": "join"}).status_code == 409
    assert webinar.registrations.count() == 3


def test_whoever_is_signed_in_registers_at_once_and_the_office_sees_it(scene):
    webinar, person = scene.announced(), make.person()
    answer = signed_in(person).post(f"/events/{webinar.pk}/")
    assert answer["Location"] == webinar.get_absolute_url()
    assert "meet.example.org" in signed_in(person).get(answer["Location"]).content.decode()
    signed_in(person).post(f"/events/{webinar.pk}/")
    assert making.registration(webinar, person).state == "registered"
    assert str(person) in signed_in(scene.coordinator).get(webinar.get_absolute_url()).content.decode()


def test_nobody_joins_what_is_not_open_to_all(scene):
    session = scene.announced("orientation", audience="chosen", chosen=[str(scene.first.pk)])
    for person in (scene.first, scene.second):
        with pytest.raises((NotAllowed, NotFound)):
            session.perform("join", by=person)


def test_places_hold_also_for_strangers(scene):
    webinar = scene.announced(capacity=1)
    making.registered(webinar, scene.first)
    asks(webinar)
    address = f"/events/places/{code_in_mail()}/"
    Client().post(address, {"step": "join"})
    page = Client().get(address).content.decode()
    assert "On the waiting list" in page and "meet.example.org" not in page


def test_what_nobody_confirms_and_what_is_over_is_forgotten(scene):
    webinar = scene.announced()
    asks(webinar)
    asks(webinar, "other@example.org")
    Client().post(f"/events/places/{code_in_mail()}/", {"step": "join"})
    assert forget_sign_ups() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(days=3, minutes=1)):
        assert forget_sign_ups() == 1
    with time_machine.travel(webinar.ends_at + dt.timedelta(minutes=1)):
        assert forget_sign_ups() == 1
    assert not SignUp.objects.exists()
    assert webinar.registrations.count() == 4


# -- reminder


def test_those_with_a_place_are_reminded_a_day_before_and_again_of_a_new_time(scene):
    webinar = scene.announced()
    making.registered(webinar, scene.first)

    def reminders():
        return Notice.objects.filter(key__startswith="Reminder: %(title)s, ").values_list("to", flat=True)

    with time_machine.travel(webinar.starts_at - dt.timedelta(days=1, seconds=5)):
        tasks.tick()
        assert not reminders()
    for _ in range(2):
        with time_machine.travel(webinar.starts_at - dt.timedelta(hours=23)):
            tasks.tick()
    assert list(reminders()) == [scene.first.pk]
    text = Notice.objects.filter(to=scene.first).latest("created_at").text()
    assert "https://meet.example.org/info" in text and "CE" in text
    webinar.refresh_from_db()
    moved = webinar.starts_at + dt.timedelta(days=3)
    names = ("order", "title_text", "zone", "link")
    values = {name: getattr(webinar, name) for name in names} | {"programme": scene.programme.pk, "agenda": []}
    values |= {"call": scene.call.pk, "starts_at": moved, "ends_at": moved + dt.timedelta(hours=1)}
    webinar.perform("edit", by=scene.coordinator, **values)
    with time_machine.travel(moved - dt.timedelta(hours=23)):
        tasks.tick()
    assert len(reminders()) == 2


@pytest.mark.parametrize("number", [1, 3])
def test_the_public_page_asks_the_same_number_of_queries(scene, number, django_assert_num_queries):
    webinar = scene.announced()
    for _ in range(number):
        signed_in(make.person()).post(f"/events/{webinar.pk}/")
    client = Client()
    client.get(f"/events/{webinar.pk}/")
    with django_assert_num_queries(QUERIES_OF_THE_PUBLIC_PAGE):
        assert client.get(f"/events/{webinar.pk}/").status_code == 200
