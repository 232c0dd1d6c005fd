"""Attendance reports: the samples with figures worked out by hand, and the pitfalls one by one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webinars.attendance import Refused, read
from webinars.attendance.times import minutes_of

SAMPLES = Path(__file__).parent / "samples"
BRUSSELS = "Europe/Brussels"


def sample(name):
    return read((SAMPLES / name).read_bytes(), name, BRUSSELS).as_json()


def said(text, zone=None, encoding="utf-8"):
    return read(text.encode(encoding), "report.csv", zone).as_json()


def rows(answer):
    return [(p["name"], p["email"], p["minutes"], p["joins"], p["role"]) for p in answer["people"]]


def test_teams_report_counts_each_stay_from_the_third_section():
    answer = sample("teams_attendance_utf16.csv")

    assert (answer["platform"], answer["kind"]) == ("teams", "participants")
    assert answer["meeting"] == {
        "title": "TGTF synergy webinar 1",
        "start": "2021-09-24T09:58:12+02:00",
        "end": "2021-09-24T12:03:40+02:00",
    }
    assert rows(answer) == [
        ("Coordinator, Anna", "anna@operator.example", 125.47, 1, "organizer"),  # 2 h 5 min 28 s
        ("Lucía Núñez", "lucia.nunez@cluster.example", 101.05, 2, "presenter"),  # 1 h 1 min 3 s and 40 min
        ("Guest", "", 5.5, 1, "attendee"),
    ]
    assert answer["warnings"] == ["Without an e-mail address: 1. Match them by hand."]


def test_teams_report_with_commas_and_no_third_section():
    answer = sample("teams_attendance_comma_utf8.csv")

    assert answer["meeting"]["title"] == "Kick-off, AEC"
    assert rows(answer) == [
        ("Coordinator, Anna", "anna@operator.example", 60.92, 1, "organizer"),  # 1 h 55 s
        ("Rui Exemplo", "rui@cluster.example", 58, 1, "attendee"),
    ]


def test_zoom_unique_participants():
    answer = sample("zoom_participants_unique.csv")

    assert (answer["platform"], answer["kind"]) == ("zoom", "participants")
    assert answer["meeting"]["start"] == "2021-10-18T13:55:02+02:00"
    assert rows(answer) == [
        ("Anna Coordinator", "anna@operator.example", 127, 1, "host"),
        ("Lucía Núñez", "lucia.nunez@cluster.example", 101, 1, "attendee"),
        ("Kováč, Ján", "", 44, 1, "attendee"),
        ("iPhone", "", 3, 1, "attendee"),
    ]


def test_zoom_joins_leave_the_waiting_room_out():
    answer = sample("zoom_participants_joins.csv")

    assert answer["kind"] == "joins"
    assert rows(answer) == [
        ("Anna Coordinator", "anna@operator.example", 126.7, 1, "host"),  # 13:55:02 to 16:01:44
        ("Lucía Núñez", "lucia.nunez@cluster.example", 101, 1, "attendee"),
        ("Kováč, Ján", "", 44, 1, "attendee"),
    ]


def test_zoom_webinar_report_keeps_those_who_did_not_come():
    answer = sample("zoom_webinar_attendee_report.csv")

    assert (answer["platform"], answer["kind"]) == ("zoom", "webinar")
    assert answer["meeting"] == {
        "title": "TGTF synergy webinar 3",
        "start": "2021-11-05T13:57:00+01:00",
        "end": "2021-11-05T15:55:00+01:00",  # 118 minutes later
    }
    assert rows(answer) == [
        ("Anna Coordinator", "anna@operator.example", 117.83, 1, "host"),  # 13:57:10 to 15:55:00
        ("Lucía Núñez", "lucia.nunez@cluster.example", 109, 1, "attendee"),
        ("Petar Primer", "petar@cluster.example", 0, 0, "attendee"),
    ]


def test_zoom_poll_counts_each_of_several_answers():
    answer = sample("zoom_poll_report.csv")

    assert answer["kind"] == "poll"
    assert answer["questions"] == [
        {"question": "How useful was the support?", "answers": {"Very useful": 1, "Useful": 1}},
        {
            "question": "Which area next?",
            "answers": {"Water use": 1, "Waste management": 1, "Energy, efficiency": 1},
        },
    ]
    assert [person["minutes"] for person in answer["people"]] == [0, 0]


def test_webex_counts_the_main_session_only():
    answer = sample("webex_attendance.csv")

    assert (answer["platform"], answer["kind"]) == ("webex", "joins")
    assert answer["meeting"] == {"title": "Needs workshop", "start": "2021-07-06T10:00:00+02:00", "end": None}
    assert rows(answer) == [
        ("Nia Paul", "nia@cluster.example", 80, 2, "attendee"),  # 20 min and 1 hr, without the 15 in a breakout
        ("Old Phone", "", 5, 1, "attendee"),
    ]


def test_webex_person_seen_in_a_breakout_only_is_counted_there():
    answer = said(
        "Meeting Name,Meeting Start Time,Session Name,Display Name,Attendee Email,Attendance Duration\n"
        "Workshop,2021-07-06 10:00:00,Breakout Session 1,Ana,ana@x.example,15 min\n"
    )

    assert rows(answer) == [("Ana", "ana@x.example", 15, 1, "attendee")]
    assert answer["warnings"] == ["1 stood in breakout sessions only; their time there is counted."]


def test_plain_table_merges_by_email_and_never_by_name():
    answer = said(
        "Name;Email;Minutes\nAna;ANA@x.example;20\nAna;ana@x.example;1h 10m\nGuest;;5\nGuest;;6\nBo;bo@x.example;0\n"
    )

    assert (answer["platform"], answer["kind"]) == ("plain", "participants")
    assert rows(answer) == [
        ("Ana", "ana@x.example", 90, 2, "attendee"),
        ("Guest", "", 5, 1, "attendee"),
        ("Guest", "", 6, 1, "attendee"),
        ("Bo", "bo@x.example", 0, 0, "attendee"),
    ]


def test_overlapping_joins_of_one_person_count_once():
    answer = said(
        "Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes)\n"
        "Ana,ana@x.example,10/18/2021 02:00:00 PM,10/18/2021 03:00:00 PM,60\n"
        "Ana phone (Ana),Ana@X.example,10/18/2021 02:30:00 PM,10/18/2021 03:10:00 PM,40\n"
        "Ana,ana@x.example,10/18/2021 03:20:00 PM,10/18/2021 03:30:00 PM,10\n"
    )

    assert rows(answer) == [("Ana", "ana@x.example", 80, 3, "attendee")]  # 14:00 to 15:10 and 15:20 to 15:30


def test_a_stay_over_the_change_to_winter_time_lasts_an_hour_longer():
    text = (
        "Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes)\n"
        "Ana,ana@x.example,10/31/2021 01:30:00 AM,10/31/2021 03:30:00 AM,180\n"
    )

    assert rows(said(text, BRUSSELS))[0][2] == 180
    assert rows(said(text))[0][2] == 120


def test_anonymous_answers_are_never_merged():
    text = (
        "Poll Report,\nPoll Details,\n#,User Name,User Email,Submitted Date/Time,\n"
        '1,Anonymous Attendee,,"Nov 05, 2021 14:30:11",Useful?,Yes,\n'
        '2,Anonymous Attendee,,"Nov 05, 2021 14:30:11",Useful?,Yes,\n'
    )

    answer = said(text)

    assert len(answer["people"]) == 2
    assert answer["questions"] == [{"question": "Useful?", "answers": {"Yes": 2}}]


def teams(start="9/24/21, 9:00:00 AM", end="9/24/21, 9:30:00 AM", names=("Guest (Guest)",)):
    listed = "".join(f"{name}\t{start}\t{end}\t30m\t\t\tAttendee\n" for name in names)
    stays = "".join(f"{name}\t{start}\t{end}\t30m\t\tAttendee\n" for name in names)
    return (
        f"1. Summary\nMeeting title\tKick-off\nStart time\t{start}\nEnd time\t{end}\n\n"
        "2. Participants\nName\tFirst Join\tLast Leave\tIn-Meeting Duration\tEmail\tParticipant ID (UPN)\tRole\n"
        f"{listed}\n3. In-Meeting Activities\nName\tJoin Time\tLeave Time\tDuration\tEmail\tRole\n{stays}"
    )


def test_two_teams_guests_of_one_name_stay_two():
    assert rows(said(teams(names=("Guest (Guest)", "Guest (Guest)")))) == [
        ("Guest", "", 30, 1, "attendee"),
        ("Guest", "", 30, 1, "attendee"),
    ]


def test_teams_headings_in_another_language_are_read_by_their_order():
    text = (
        teams().replace("Name\tFirst Join", "Name\tErster Beitritt").replace("In-Meeting Duration", "Besprechungsdauer")
    )
    text = text.replace("1. Summary", "1. Zusammenfassung").replace("2. Participants", "2. Teilnehmer")
    text = text.replace("3. In-Meeting Activities\nName\tJoin Time", "3. Aktivitäten\nName\tBeitrittszeit")
    text = text.replace("Leave Time\tDuration", "Endzeit\tDauer")

    answer = said(text, encoding="utf-16")

    assert rows(answer) == [("Guest", "", 30, 1, "attendee")]
    assert "The headings are not in English; the columns were read by their order." in answer["warnings"]


@pytest.mark.parametrize(
    ("start", "end", "expected", "warned"),
    [
        ("24/09/2021, 09:00:00", "24/09/2021, 09:30:00", "2021-09-24T09:00:00", False),
        ("9/24/21, 9:00:00\u202fAM", "9/24/21, 9:30:00\u202fAM", "2021-09-24T09:00:00", False),
        ("24.09.2021, 09:00:00", "24.09.2021, 09:30:00", "2021-09-24T09:00:00", False),
        ("05.06.2021, 09:00:00", "05.06.2021, 09:30:00", "2021-06-05T09:00:00", False),
        ("5/6/21, 12:00:00 AM", "5/6/21, 12:30:00 AM", "2021-05-06T00:00:00", True),
        ("05/06/2021, 12:00:00", "05/06/2021, 12:30:00", "2021-06-05T12:00:00", True),
        ("6/6/21, 12:00:00 PM", "6/6/21, 12:30:00 PM", "2021-06-06T12:00:00", False),
    ],
)
def test_the_order_of_a_date_is_read_from_the_file_and_doubt_is_said(start, end, expected, warned):
    answer = said(teams(start, end))

    assert answer["meeting"]["start"] == expected
    assert answer["people"][0]["minutes"] == 30
    assert any("can be read in two ways" in warning for warning in answer["warnings"]) == warned


def test_a_later_date_settles_the_order_of_an_earlier_one():
    answer = said(teams("5/6/21, 11:50:00 PM", "5/13/21, 12:20:00 AM"))

    assert answer["meeting"]["start"] == "2021-05-06T23:50:00"
    assert not any("two ways" in warning for warning in answer["warnings"])


def test_teams_list_of_joins_and_leaves():
    answer = said(
        "Full Name\tUser Action\tTimestamp\n"
        "Ana\tJoined\t9/24/2021, 9:00:00 AM\nBo\tJoined before\t9/24/2021, 9:00:00 AM\n"
        "Ana\tLeft\t9/24/2021, 9:20:00 AM\nAna\tJoined\t9/24/2021, 9:40:00 AM\nAna\tLeft\t9/24/2021, 9:50:00 AM\n"
    )

    assert (answer["platform"], answer["kind"]) == ("teams", "log")
    assert rows(answer) == [("Ana", "", 30, 2, "attendee"), ("Bo", "", 50, 1, "attendee")]
    assert "1 had not left when the list was taken; they are counted to its last row." in answer["warnings"]


def test_teams_report_of_before_2022():
    answer = said(
        "Meeting Summary\nTotal Number of Participants\t1\nMeeting Title\tKick-off\n"
        "Meeting Start Time\t9/24/2021, 9:00:00 AM\nMeeting End Time\t9/24/2021, 10:00:00 AM\n\n"
        "Full Name\tJoin Time\tLeave Time\tDuration\tEmail\tRole\n"
        "Ana\t9/24/2021, 9:00:00 AM\t9/24/2021, 9:20:00 AM\t20m\tana@x.example\tOrganizer\n"
        "Ana\t9/24/2021, 9:30:00 AM\t9/24/2021, 10:00:00 AM\t30m\tana@x.example\tOrganizer\n"
    )

    assert answer["meeting"]["title"] == "Kick-off"
    assert answer["meeting"]["end"] == "2021-09-24T10:00:00"
    assert rows(answer) == [("Ana", "ana@x.example", 50, 2, "organizer")]


@pytest.mark.parametrize(
    "text",
    [
        "name,email,minutes\n",
        "Name (Original Name),User Email,Total Duration (Minutes),Guest\n",
        "Meeting Name,Meeting Start Time,Session Name,Display Name,Attendee Email,Attendance Duration\n",
        "Full Name\tUser Action\tTimestamp\n",
        teams(names=()),
        "Attendee Report,\nAttendee Details,\nAttended,User Name (Original Name),Email\n",
        "Poll Report,\nPoll Details,\n#,User Name,User Email,Submitted Date/Time,\n",
    ],
)
def test_an_empty_report_is_an_answer_with_nobody(text):
    assert said(text)["people"] == []


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (b"\xff\xfe", "The file is empty."),
        (b"PK\x03\x04rest", "The file is a spreadsheet or an archive, not text; export the report as CSV."),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xd8", "The file is not text; export the report as CSV."),
        (b"city,population\nGent,260000\n", "report.csv is no attendance report that can be read here."),
        (b"name,email,minutes\nAna,ana@x.example,long\n", "Row 2: \u201clong\u201d is no number of minutes."),
        (
            teams("24/09/2021, 09:00:00", "9/24/2021, 09:30:00").encode(),
            "The dates of this file are in two orders (day first and month first); export it again.",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(data, sentence):
    with pytest.raises(Refused) as refusal:
        read(data, "report.csv")

    assert str(refusal.value) == sentence


def test_a_zone_that_is_none_is_refused():
    with pytest.raises(Refused, match="is no time zone"):
        said(teams(), "Brussels time")


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("1h 30m 51s", 90.85),
        ("2 hours 5 minutes", 125),
        ("1 hr 0 min", 60),
        ("5m 30s", 5.5),
        ("45 s", 0.75),
        ("01:30:30", 90.5),
        ("1 Std. 5 Min. 30 Sek.", 65.5),
        ("2 uur 5 minuten", 125),
        ("12,5", 12.5),
        ("--", None),
        ("", None),
    ],
)
def test_lengths_of_time(text, minutes):
    assert minutes_of(text) == minutes


@given(st.sampled_from(sorted(SAMPLES.iterdir())), st.integers(0, 1200), st.integers(0, 40), st.binary(max_size=40))
def test_a_damaged_report_is_read_or_refused(path, at, cut, noise):
    data = path.read_bytes()
    try:
        answer = read(data[:at] + noise + data[at + cut :], path.name).as_json()
    except Refused as refusal:
        answer = {"error": str(refusal)}

    assert json.dumps(answer)
    assert answer.get("error", ".").endswith(".")


@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59)), min_size=1, max_size=6))
def test_minutes_are_those_in_which_at_least_one_device_was_there(spans):
    stays = [sorted(span) for span in spans]
    text = "Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes)\n" + "".join(
        f"Ana,ana@x.example,10/18/2021 02:{start:02}:00 PM,10/18/2021 02:{end:02}:00 PM,1\n" for start, end in stays
    )

    minutes = said(text)["people"][0]["minutes"]

    assert minutes == sum(any(start <= minute < end for start, end in stays) for minute in range(60))


def command(*arguments):
    return subprocess.run(
        [sys.executable, "manage.py", "import_attendance", *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_prints_the_answer():
    done = command(str(SAMPLES / "webex_attendance.csv"), "--dry-run", "--json", "--zone", BRUSSELS)

    assert done.returncode == 0
    assert json.loads(done.stdout) == sample("webex_attendance.csv")


def test_the_command_refuses_with_status_2_and_says_what_it_takes(tmp_path):
    (tmp_path / "note.csv").write_text("hello")

    done = command(str(tmp_path / "note.csv"), "--dry-run", "--json")

    answer = json.loads(done.stdout)
    assert done.returncode == 2
    assert answer["error"] == "note.csv is no attendance report that can be read here."
    assert "Webex attendance (CSV)" in answer["accepted"]
