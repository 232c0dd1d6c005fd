"""Attendance: a report is shown first, then kept; it is matched with registrations, and twice changes nothing."""

from __future__ import annotations

import io
import json

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from facility.registry.documents import Document
from facility.workflow.steps import Invalid, NotAllowed
from tests.webinars import making
from tests.webinars.test_webinars import LATER
from webinars.reconcile import Known, reconcile
from webinars.registration import Registration
from webinars.webinar import Webinar


@pytest.fixture
def house(db):
    return making.house()


@pytest.fixture
def people(house):
    """The people of the samples, among them one who is on no report."""
    named = {
        "lucia": ("Lucía Núñez", "lucia.nunez@cluster.example"),
        "jan": ("Ján Kováč", "jan@cluster.example"),
        "petar": ("Petar Primer", "petar@cluster.example"),
    }
    return {key: making.joins(house.project, name=name, email=email) for key, (name, email) in named.items()}


@pytest.fixture
def held(house, people):
    """A held webinar for which all of them had registered, and the advisor and the manager had not."""
    webinar = making.announced(house)
    for person in people.values():
        making.registered(webinar, person)
    with time_machine.travel(timezone.now() + LATER):
        making.hold(webinar, house.coordinator)
    return webinar


def came(webinar):
    """State and minutes of those who had registered, by first name."""
    rows = webinar.registrations.filter(person__email__endswith="@cluster.example")
    return {name.split()[0]: found for name, *found in rows.values_list("person__name", "state", "minutes")}


def keep(webinar, by, file, **data):
    return webinar.perform("import_attendance", by=by, files={"file": file}, **({"has_guests": True} | data))


@pytest.mark.row("F26")
def test_a_teams_report_is_applied(house, held):
    keep(held, house.coordinator, making.sample("teams_attendance_utf16.csv"))
    assert came(held) == {"Lucía": ["attended", 101], "Ján": ["absent", None], "Petar": ["absent", None]}
    assert making.registration(held, house.advisor).state == "invited"
    assert (held.present_count, held.guests_count) == (2, 1)
    assert (held.attendance.kind, held.attendance.owner, held.attendance.audience) == (
        "csv",
        house.coordinator,
        "owner",
    )


@pytest.mark.row("F26")
def test_a_zoom_report_is_applied_by_address_and_then_by_name(house, held):
    keep(held, house.coordinator, making.sample("zoom_participants_joins.csv"), has_guests=False)
    assert came(held) == {"Lucía": ["attended", 101], "Ján": ["attended", 44], "Petar": ["absent", None]}
    assert (held.present_count, held.guests_count) == (2, 0)


def test_the_registered_people_of_a_zoom_webinar_who_did_not_come_are_absent(house, held):
    keep(held, house.coordinator, making.sample("zoom_webinar_attendee_report.csv"))
    assert came(held)["Petar"] == ["absent", None]
    assert came(held)["Lucía"] == ["attended", 109]
    assert held.guests_count == 0


def test_the_same_report_twice_changes_nothing(house, held):
    report = "zoom_participants_joins.csv"
    keep(held, house.coordinator, making.sample(report))
    before = list(held.registrations.order_by("pk").values())
    figures = (held.present_count, held.guests_count, held.attendance_id)
    keep(held, house.coordinator, making.sample(report))
    assert list(held.registrations.order_by("pk").values()) == before
    assert (held.present_count, held.guests_count, held.attendance_id) == figures
    assert Document.objects.count() == 1


def test_a_corrected_report_takes_the_place_of_the_first(house, people, held):
    keep(held, house.coordinator, making.table(("Ján Kováč", "", 30), ("x", house.advisor.email.upper(), 10)))
    assert came(held)["Ján"] == ["attended", 30]
    assert making.registration(held, house.advisor).state == "attended"
    keep(held, house.coordinator, making.table(("Petar Primer", "petar@cluster.example", 61)))
    assert came(held) == {"Lucía": ["absent", None], "Ján": ["absent", None], "Petar": ["attended", 61]}
    assert making.registration(held, house.advisor).state == "invited"
    assert held.present_count == 1


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (("report.csv", b"colour,taste\nred,sweet\n"), "is no attendance report that can be read here."),
        (("empty.csv", b"name,email,minutes\n"), "The report names nobody."),
        (("report.exe", b"MZ"), "this kind of file is not accepted"),
        (
            ("poll.csv", (making.SAMPLES / "zoom_poll_report.csv").read_bytes()),
            "A poll report does not say who was there.",
        ),
    ],
)
def test_what_is_no_report_is_refused_and_nothing_is_written(house, held, file, said):
    with pytest.raises(Invalid) as refused:
        keep(held, house.coordinator, SimpleUploadedFile(*file))
    assert said in " ".join(refused.value.errors["file"])
    assert Document.objects.count() == 0
    assert {state for state, _minutes in came(held).values()} == {"registered"}


def test_only_the_office_imports_attendance(house, held):
    with pytest.raises(NotAllowed):
        keep(held, house.advisor, making.table(("Ján Kováč", "", 30)))
    with pytest.raises(Invalid):
        held.perform("import_attendance", by=house.coordinator, has_guests=True)


def test_the_page_shows_what_the_report_says_before_anything_is_written(house, held, client):
    client.force_login(house.coordinator)
    url = f"/workspace/webinars/{held.pk}/import_attendance/"
    assert 'type="file"' in client.get(url).content.decode()
    answer = client.post(url, {"_version": held.version, "file": making.sample("teams_attendance_utf16.csv")})
    assert answer.status_code == 302
    page = client.get(answer["Location"]).content.decode()
    assert "Nothing is written yet" in page
    assert "Match no registration" in page
    assert "Registered and not there" in page
    assert "Ján Kováč, Petar Primer" in page
    assert {state for state, _minutes in came(held).values()} == {"registered"}
    document = answer["Location"].rpartition("=")[2]
    done = client.post(url, {"_version": held.version, "_token": "a", "document": document, "has_guests": "on"})
    assert done["Location"] == held.get_absolute_url()
    assert Webinar.objects.get(pk=held.pk).present_count == 2
    assert str(Webinar.objects.get(pk=held.pk).attendance_id) == document


def test_a_report_of_somebody_else_is_not_read(house, held, client):
    foreign = Document().perform("receive", by=house.lead, files={"file": making.table(("A", "", 3))}, audience="owner")
    client.force_login(house.coordinator)
    url = f"/workspace/webinars/{held.pk}/import_attendance/"
    assert client.get(f"{url}?document={foreign.pk}").status_code == 400
    assert client.post(url, {"_version": held.version, "document": str(foreign.pk)}).status_code == 400
    refused = client.post(url, {"_version": held.version, "file": SimpleUploadedFile("a.csv", b"colour\nred\n")})
    assert refused.status_code == 400
    assert "no attendance report" in refused.content.decode()


def command(*arguments):
    out = io.StringIO()
    call_command("import_attendance", *map(str, arguments), stdout=out)
    return json.loads(out.getvalue())


def test_the_command_takes_the_same_step(held):
    report = making.SAMPLES / "teams_attendance_utf16.csv"
    answer = command(report, "--webinar", held.pk, "--json")
    unmatched = answer.pop("unmatched")
    assert [(one["name"], one["minutes"]) for one in unmatched] == [("Guest", 6)]
    assert answer.pop("warnings")
    assert answer == {
        "webinar": str(held.pk),
        "present": 2,
        "guests": 1,
        "attended": 1,
        "absent": 2,
        "hosts": ["Coordinator, Anna"],
    }
    assert came(held)["Lucía"] == ["attended", 101]


@pytest.mark.parametrize("key", ["nothing", "00000000-0000-0000-0000-000000000000"])
def test_the_command_says_when_there_is_no_such_webinar(db, key):
    with pytest.raises(CommandError, match=f"There is no webinar {key}."):
        command(making.SAMPLES / "teams_attendance_utf16.csv", "--webinar", key)
    with pytest.raises(CommandError, match="Say with --webinar"):
        command(making.SAMPLES / "teams_attendance_utf16.csv")


def test_the_command_says_why_the_step_is_not_possible(house):
    webinar = making.announced(house)
    with pytest.raises(CommandError, match="is possible only from Held, Documented; this is Announced"):
        command(making.SAMPLES / "teams_attendance_utf16.csv", "--webinar", webinar.pk)
    assert Registration.objects.filter(state="invited").count() == 2


def person(name, email="", minutes=30, role="attendee"):
    return {"name": name, "email": email, "minutes": minutes, "joins": 1, "role": role}


KNOWN = [
    Known("1", "Ana Pérez", "ana@one.example", True),
    Known("2", "Ana Pérez", "ana@two.example", True),
    Known("3", "Bo Ek", "bo@ek.example", True),
]


@pytest.mark.parametrize(
    ("people", "present", "unmatched", "absent"),
    [
        ([person("A", "ANA@one.example")], {"1"}, 0, ("2", "3")),
        ([person("Ana Perez")], set(), 1, ("1", "2", "3")),
        ([person("ANA PEREZ", "ana@one.example"), person("Pérez, Ana")], {"1", "2"}, 0, ("3",)),
        ([person("Ek, Bo", "private@mail.example")], {"3"}, 0, ("1", "2")),
        ([person("Bo Ek"), person("bo ek")], set(), 2, ("1", "2", "3")),
        ([person("Bo Ek", "bo@ek.example"), person("Bo Ek")], {"3"}, 1, ("1", "2")),
        ([person("Bo Ek", minutes=0)], set(), 0, ("1", "2", "3")),
        ([person("Bo Ek", minutes=0.2)], {"3"}, 0, ("1", "2")),
        ([person("Olga", role="organizer"), person("")], set(), 1, ("1", "2", "3")),
    ],
)
def test_people_are_matched_by_address_then_by_a_name_that_only_one_bears(people, present, unmatched, absent):
    found = reconcile(people, KNOWN)
    assert {one.key for one in found.present} == present
    assert len(found.unmatched) == unmatched
    assert found.absent == absent
    assert all(one.minutes >= 1 for one in found.present)
