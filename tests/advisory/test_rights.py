"""An advisor sees, takes away and erases what is kept; time erases the rest; runs stay readable without the person."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile

import pytest
import time_machine
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from advisory.access import CvAccess
from advisory.advisor import Advisor
from advisory.assignment import Assignment
from advisory.curriculum import CurriculumVitae, CvField
from advisory.erasing import empty_details
from advisory.matchrun import MatchRun
from advisory.redaction import GONE, without
from advisory.rights import after_months
from advisory.tasks import intake as tasks
from advisory.tasks import matching as matching_tasks
from advisory.vectors import CvPassage
from facility.workflow import trail
from facility.workflow.engine import all_records
from facility.workflow.steps import SYSTEM, Blocked, NotAllowed, NotFound
from facility.workflow.trail import Detail
from tests import factories as make
from tests.advisory import making_matching as making
from tests.advisory import making_packs as packs
from tests.test_erasure import hits

NAME, ADDRESS = "Quillfeather", "zacharias.quill@example.org"


def named(programme, by, **fields):
    return making.pooled(programme, by, name=f"Zacharias {NAME}", email=ADDRESS, **fields)


@pytest.fixture
def house(committed):
    programme = make.programme()
    return programme, making.office(programme)


@pytest.mark.row("F06")
def test_who_is_erased_leaves_pool_vectors_files_and_runs(house):
    programme, people = house
    coordinator = people[1]
    advisor = named(programme, coordinator)
    making.run("advisory.embed_cv")
    stray = making.received(
        programme, coordinator, file=making.text_file(f"{NAME}.txt", packs.text_of(5, email=ADDRESS))
    )
    making.run("advisory.read_cv")
    projects = making.projects(programme, people, [{}])
    making.requested(programme, coordinator, kinds=["business"])
    assert making.run("advisory.run_match") == ["done"]
    run = MatchRun.objects.get()
    assert run.holds()
    assert NAME in json.dumps(run.result) and CvPassage.objects.exists()
    checksum, points = run.checksum, [pair["points"] for pair in run.result["pairs"]]
    Assignment.objects.get().perform("discard", by=coordinator, reason="Starts anew.")
    client = Client()
    client.force_login(coordinator)
    client.get(stray.get_absolute_url())
    Detail.objects.count()
    assert {"facility_person", "advisory_cvfield", "advisory_matchrun"} <= set(hits(NAME)) | set(hits(ADDRESS))

    advisor.perform("erase", by=coordinator, sure=True)

    assert hits(NAME) == [] and hits(ADDRESS) == []
    assert Advisor.objects.get(pk=advisor.pk).state == "erased" and not CvPassage.objects.exists()
    assert set(CurriculumVitae.objects.values_list("state", flat=True)) == {"erased"}
    assert CvField.objects.count() == 0 and storages["documents"].listdir("")[1] == []
    run = MatchRun.objects.get()
    assert run.checksum == checksum and run.checksum_without and run.holds() and run.people_out == 1
    assert [pair["points"] for pair in run.result["pairs"]] == points
    assert client.get(run.get_absolute_url()).status_code == 200
    assert client.get(advisor.get_absolute_url()).status_code == 200
    assert projects and trail.verify(all_records()) == []
    assert not advisor.person.__class__.objects.get(pk=advisor.person_id).is_active


def test_who_is_erased_while_a_run_is_made_is_not_brought_back(house, monkeypatch):
    programme, people = house
    advisor = named(programme, people[1])
    making.projects(programme, people, [{}])
    making.requested(programme, people[1], kinds=["business"])
    spread = matching_tasks.spread_of

    def erased_meanwhile(*given):
        advisor.perform("erase", by=people[1], sure=True)
        return spread(*given)

    monkeypatch.setattr(matching_tasks, "spread_of", erased_meanwhile)
    assert making.run("advisory.run_match") == ["done"]
    run = MatchRun.objects.get()
    assert run.state == "done" and len(run.result["pairs"]) == 1 and run.holds()
    assert hits(NAME) == [] and hits(ADDRESS) == []
    assert not Assignment.objects.exists()


def test_why_a_run_failed_forgets_the_name_too(house):
    programme, people = house
    advisor = named(programme, people[1], capacity=1)
    projects = making.projects(programme, people, [{}, {}])
    making.requested(programme, people[1], kinds=["business"])
    making.run("advisory.run_match")
    run = MatchRun.objects.get()
    assert run.state == "failed" and projects
    if NAME not in run.why:
        run.perform("retry", by=people[1])
        run.perform("start", by=SYSTEM)
        run.perform("fail", by=SYSTEM, why=f"Zacharias {NAME} has room for one project.")
    advisor.perform("erase", by=people[1], sure=True)
    assert hits(NAME) == []
    assert GONE in MatchRun.objects.get().why


def test_control_details_of_records_that_are_not_erased_stay(house):
    """Shows that the database itself looks: the application empties nothing of a record that was not erased."""
    programme, people = house
    advisor = named(programme, people[1])
    assert empty_details([advisor.pk]) == 0
    with pytest.raises(DatabaseError, match="permission denied"):
        Detail.objects.update(reason="")


def test_the_run_that_was_changed_does_not_hold(house):
    programme, people = house
    named(programme, people[1])
    making.projects(programme, people, [{}])
    making.requested(programme, people[1], kinds=["business"])
    making.run("advisory.run_match")
    run = MatchRun.objects.get()
    run.result["pairs"][0]["points"] += 1
    assert not run.holds()


@pytest.mark.django_db
def test_whoever_is_at_work_is_erased_when_the_work_is_done():
    programme = make.programme()
    people = making.office(programme)
    advisor = named(programme, people[1])
    (project,) = making.projects(programme, people, [{}])
    work = making.active(project, advisor, people[1])
    advisor.perform("ask_erasure", by=advisor.person, sure=True)
    with pytest.raises(Blocked, match="running assignments"):
        advisor.perform("erase", by=people[1], sure=True)
    with time_machine.travel(timezone.now() + dt.timedelta(days=15)):
        assert tasks.forget_people() == 0
        work.perform("complete", by=people[1])
        assert tasks.forget_people() == 1
    assert Advisor.objects.get(pk=advisor.pk).state == "erased"
    assert Assignment.objects.get(pk=work.pk).state == "completed"
    assert str(Assignment.objects.select_related("advisor__person").get(pk=work.pk).advisor) == "Erased person"


@pytest.mark.django_db
def test_a_request_is_confirmed_told_and_can_be_taken_back(client):
    programme = make.programme()
    _lead, coordinator, _evaluator = making.office(programme)
    advisor = named(programme, coordinator)
    client.force_login(advisor.person)
    page = client.get(f"/workspace/advisors/{advisor.pk}/kept/").content.decode()
    assert "ask_erasure" in page
    url = f"/workspace/advisors/{advisor.pk}/ask_erasure/"
    assert client.post(url, {}).status_code == 400
    assert client.post(url, {"sure": "on"}).status_code == 302
    with pytest.raises(Blocked):
        advisor.perform("ask_erasure", by=advisor.person, sure=True)
    advisor.perform("keep_me", by=advisor.person)
    with time_machine.travel(timezone.now() + dt.timedelta(days=15)):
        assert tasks.forget_people() == 0
    with pytest.raises((NotAllowed, NotFound)):
        advisor.perform("erase", by=advisor.person, sure=True)
    with pytest.raises((NotAllowed, NotFound)):
        advisor.perform("ask_erasure", by=coordinator, sure=True)


@pytest.mark.django_db
def test_time_reminds_and_then_erases_but_not_the_pool():
    programme = make.programme()
    _lead, coordinator, _evaluator = making.office(programme)
    stays = named(programme, coordinator)
    goes = making.candidate(programme, coordinator)
    cv = making.confirmed(goes, coordinator)
    assert goes.keep_until == after_months(timezone.now().date(), 24)
    start = timezone.now()
    with time_machine.travel(start + dt.timedelta(days=710)):
        assert tasks.forget_people() == 0
        assert Advisor.objects.get(pk=goes.pk).reminded_of_keeping_at
        assert Advisor.objects.get(pk=stays.pk).reminded_of_keeping_at is None
    with time_machine.travel(start + dt.timedelta(days=735)):
        assert tasks.forget_people() == 0  # told less than 30 days ago
    with time_machine.travel(start + dt.timedelta(days=745)):
        assert tasks.forget_people() == 1
    assert Advisor.objects.get(pk=goes.pk).state == "erased"
    assert CurriculumVitae.objects.get(pk=cv.pk).state == "erased"
    assert Advisor.objects.get(pk=stays.pk).state == "pool"


@pytest.mark.django_db
def test_who_consents_again_stays_and_strays_go():
    programme = make.programme()
    _lead, coordinator, _evaluator = making.office(programme)
    one = making.candidate(programme, coordinator)
    making.received(programme, coordinator, file=making.text_file("", packs.text_of(1)))
    making.run("advisory.read_cv")
    start = timezone.now()
    with time_machine.travel(start + dt.timedelta(days=710)):
        tasks.forget_people()
        one.perform("declare_interests", by=one.person, consent=True, interests="none", clusters=[])
    with time_machine.travel(start + dt.timedelta(days=760)):
        assert tasks.forget_people() == 1  # the CV that nobody confirmed
    assert Advisor.objects.get(pk=one.pk).state == "candidate"
    assert CurriculumVitae.objects.get().state == "erased"


@pytest.mark.django_db
def test_an_advisor_sees_and_takes_away_all_that_is_kept_and_others_do_not(client):
    programme = make.programme()
    _lead, coordinator, evaluator = making.office(programme)
    advisor = named(programme, coordinator)
    advisor.perform("suspend", by=coordinator, reason="A secret of the office.")
    cv = advisor.curricula.get()
    client.force_login(coordinator)
    client.get(cv.get_absolute_url())
    client.force_login(advisor.person)
    client.get(cv.get_absolute_url())
    assert CvAccess.objects.get().person == coordinator  # one's own look is not noted
    assert coordinator.name in client.get(cv.get_absolute_url()).content.decode()

    page = client.get(f"/workspace/advisors/{advisor.pk}/kept/").content.decode()
    assert ADDRESS in page and "Acme" in page and coordinator.name in page and "A secret" not in page
    with zipfile.ZipFile(io.BytesIO(client.get(f"/workspace/advisors/{advisor.pk}/kept.zip").content)) as archive:
        names = archive.namelist()
        told = archive.read("kept.json").decode()
    assert len(names) == 2 and ADDRESS in told and '"opened"' in told and "A secret" not in told
    assert json.loads(told)["curricula"][0]["fields"][0]["confirmed_by"] == coordinator.name
    looks_on = make.staff("coordinator", make.programme())
    make.grant(looks_on, "observer", "programme", programme.pk, by=SYSTEM, programme=programme)
    for person in (evaluator, looks_on):
        client.force_login(person)
        for page in ("kept/", "kept.zip"):
            assert client.get(f"/workspace/advisors/{advisor.pk}/{page}").status_code == 404


@pytest.mark.django_db
def test_the_log_tells_who_took_everything_away(client):
    programme = make.programme()
    _lead, coordinator, _evaluator = making.office(programme)
    advisor = named(programme, coordinator)
    client.force_login(advisor.person)
    client.get(f"/workspace/advisors/{advisor.pk}/kept.zip")
    assert not CvAccess.objects.exists()
    client.force_login(coordinator)
    for page in ("kept/", "kept.zip"):
        assert client.get(f"/workspace/advisors/{advisor.pk}/{page}").status_code == 200
    assert [one.person for one in CvAccess.objects.all()] == [coordinator] * 2


@pytest.mark.django_db
def test_what_is_kept_takes_as_many_statements_for_three_cvs_as_for_one(client):
    programme = make.programme()
    _lead, coordinator, _evaluator = making.office(programme)
    counts = set()
    for number in (1, 3):
        advisor = making.candidate(programme, coordinator)
        for _one in range(number):
            making.confirmed(advisor, coordinator)
        client.force_login(coordinator)
        counts.add(making.statements(client, f"/workspace/advisors/{advisor.pk}/kept/"))
    assert len(counts) == 1


def test_a_pair_without_a_person_keeps_its_numbers_and_everybody_else():
    pair = {
        "advisor": {"id": "a", "label": "Ada", "languages": [{"code": "en"}]},
        "project": {"id": "p", "label": "Glass", "country": "NL"},
        "points": 61.5,
        "parts": [{"name": "areas", "value": 0.5, "points": 20.0, "evidence": ["water-use"]}],
        "quotes": [{"text": "I audit dryers", "place": "page 1"}],
        "runner_up": {"id": "b", "label": "Bob"},
    }
    told = without({"pairs": [pair], "advisors": [{"id": "a", "label": "Ada", "places": 2}]}, "a")
    (left,) = told["pairs"]
    assert left["project"] == pair["project"] and left["runner_up"] == pair["runner_up"] and left["points"] == 61.5
    assert left["parts"] == [{"name": "areas", "value": 0.5, "points": 20.0, "evidence": []}]
    assert told["advisors"] == [{"id": "a", "label": "Erased person", "places": 2}]
    assert "Ada" not in json.dumps(told) and "dryers" not in json.dumps(told)
    assert without(pair, "b")["runner_up"]["label"] == "Erased person"
    assert without(pair, "b")["quotes"] == pair["quotes"]


def test_the_command_takes_unconfirmed_cvs_too(committed, as_owner, capsys):
    programme = make.programme()
    _lead, coordinator, _evaluator = making.office(programme)
    advisor = named(programme, coordinator)
    making.received(programme, coordinator, file=making.text_file(f"{NAME}.txt", packs.text_of(5, email=ADDRESS)))
    making.run("advisory.read_cv")
    call_command("export_person", str(advisor.person_id))
    assert len(json.loads(capsys.readouterr().out)["advisory.curriculumvitae"]) == 2
    call_command("erase_person", str(advisor.person_id))
    assert hits(NAME) == [] and hits(ADDRESS) == []
    assert trail.verify(all_records()) == [] and connection.is_usable()


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [("2026-01-31", 1, "2026-02-28"), ("2026-11-22", 24, "2028-11-22"), ("2024-02-29", 12, "2025-02-28")],
)
def test_months_later(day, months, after):
    assert after_months(dt.date.fromisoformat(day), months) == dt.date.fromisoformat(after)
