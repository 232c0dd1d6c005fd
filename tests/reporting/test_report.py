"""Reports: frozen once, built section by section, taken up where they stopped, kept version by version."""

from __future__ import annotations

import hashlib
import json
import threading

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.storage import storages
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections

from facility.registry.people import Token
from facility.workflow import clock, jobs, trail
from facility.workflow.engine import all_records
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed
from reporting import report as reports
from reporting import tasks
from reporting.cut import canonical, check, is_sealed
from reporting.render.compiler import RenderError
from reporting.report import Report
from tests import factories as make
from tests.advisory import making_matching
from tests.reporting import making

database = pytest.mark.django_db
NOBODY = AnonymousUser()
FEW = ["summary", "needs", "evidence"]


def house():
    """(programme, lead, coordinator)."""
    programme = make.programme()
    return programme, make.staff("lead", programme), make.staff("coordinator", programme)


@database
@pytest.mark.row("F33")
def test_all_projects_are_in_the_report_and_a_rerun_makes_version_two():
    programme, lead, coordinator = house()
    office = lead, coordinator, make.staff("evaluator", programme)
    countries = [{"country": code} for code in ("ES", "PT", "PL", "GR")]
    projects = making_matching.projects(programme, office, countries)
    first = making.published(programme, coordinator, lead, formats=["pdf", "docx", "xlsx", "json"])
    before = {one.format: one.sha256 for one in first.files.all()}

    second = making.built(programme, coordinator)

    assert (first.number, second.number) == (1, 2)
    assert {row["name"] for row in first.frozen()["projects"]} == {one.name for one in projects}
    kept = Report.objects.get(pk=first.pk)
    assert kept.state == "published"
    assert {one.format: one.sha256 for one in kept.files.all()} == before
    assert kept.has_intact_files()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert trail.verify(all_records()) == []


@database
def test_the_cut_is_sealed_whole_and_the_same_bytes_give_the_same_files(tmp_path):
    programme, _lead, coordinator = house()
    report = making.built(programme, coordinator, sections=FEW, formats=["docx", "json"])

    cut = report.frozen()
    assert is_sealed(cut)
    assert cut["meta"]["cut_sha256"] == report.checksum
    assert check(cut) == []
    for folder in ("one", "two"):
        call_command("build_report", report=str(report.pk), formats="docx,json", out=tmp_path / folder)
    stored = {one.format: one.sha256 for one in report.files.all()}
    for folder in ("one", "two"):
        made = {kind: (tmp_path / folder / f"final-report.{kind}").read_bytes() for kind in stored}
        assert {kind: hashlib.sha256(data).hexdigest() for kind, data in made.items()} == stored
    assert (tmp_path / "one" / "final-report.json").read_bytes() == canonical(cut)


@database
def test_the_command_builds_from_the_data_as_they_are(tmp_path, capsys):
    programme, *_ = house()

    call_command("build_report", programme=programme.slug, formats="json", out=tmp_path)

    cut = json.loads((tmp_path / "final-report.json").read_text())
    assert check(cut) == []
    assert cut["meta"]["version"] == 1
    assert hashlib.sha256((tmp_path / "final-report.json").read_bytes()).hexdigest() in capsys.readouterr().out
    assert not Report.objects.exists()
    with pytest.raises(CommandError, match="no programme"):
        call_command("build_report", programme="nowhere", formats="json", out=tmp_path)
    with pytest.raises(CommandError, match="Not a format: odt"):
        call_command("build_report", programme=programme.slug, formats="odt", out=tmp_path)


@database
def test_data_that_change_later_do_not_change_the_report():
    programme, _lead, coordinator = house()
    report = making.requested(programme, coordinator, sections=FEW)
    jobs.run(str(making.waiting(report)[0].pk))
    office = make.staff("lead", programme), coordinator, make.staff("evaluator", programme)
    making_matching.projects(programme, office, [{}])

    making.work(report)

    report = Report.objects.get(pk=report.pk)
    assert report.state == "built"
    assert report.frozen()["projects"] == []


@database
def test_each_section_is_a_job_and_the_last_one_calls_for_the_binding():
    programme, _lead, coordinator = house()
    report = making.requested(programme, coordinator, sections=FEW)
    jobs.run(str(making.waiting(report)[0].pk))
    sections = making.waiting(report, "reporting.section")
    assert [one.args["section"] for one in sections] == FEW
    assert {one.queue for one in sections} == {"reports"}

    for one in sections[:-1]:
        jobs.run(str(one.pk))
    assert making.waiting(report, "reporting.assemble") == []
    jobs.run(str(sections[-1].pk))

    assert len(making.waiting(report, "reporting.assemble")) == 1
    assert [row["is_done"] for row in Report.objects.get(pk=report.pk).progress("nl")] == [True] * 3


@database
def test_a_section_that_is_finished_is_not_made_again(monkeypatch):
    programme, _lead, coordinator = house()
    report = making.built(programme, coordinator, sections=FEW)
    parts = dict(report.parts.values_list("section", "sha256"))
    monkeypatch.setattr(tasks, "render_section", None)  # would fail if it were called

    Job.objects.filter(record_id=report.pk).update(state=Job.State.WAITING, attempts=0)

    assert set(making.work(report)) == {"done"}
    assert dict(report.parts.values_list("section", "sha256")) == parts
    assert report.files.count() == 1


def broken(section):
    """A renderer that refuses one section."""
    real = tasks.render_section

    def render(cut, name, language, fonts):
        if name == section:
            raise RenderError("The compiler refused the report: a word is too long.")
        return real(cut, name, language, fonts)

    return render


@database
def test_a_section_that_fails_for_good_stops_the_report_and_a_retry_makes_only_what_is_missing(monkeypatch):
    programme, _lead, coordinator = house()
    report = making.requested(programme, coordinator, sections=FEW)
    with monkeypatch.context() as patched:
        patched.setattr(tasks, "render_section", broken("needs"))
        outcomes = making.work(report)
    report = Report.objects.get(pk=report.pk)

    assert outcomes.count("again") == 2
    assert outcomes.count("parked") == 1
    assert report.state == "failed"
    assert report.why_failed == "The compiler refused the report: a word is too long."
    assert report.missing() == ["needs"]
    kept = dict(report.parts.values_list("section", "pk"))

    report.perform("retry", by=coordinator)
    assert [one.args["section"] for one in making.waiting(report)] == ["needs"]
    making.work(report)

    report = Report.objects.get(pk=report.pk)
    assert report.state == "built"
    assert kept.items() <= dict(report.parts.values_list("section", "pk")).items()


@database
def test_a_cut_that_breaks_the_shape_is_not_frozen(monkeypatch):
    programme, _lead, coordinator = house()
    report = making.requested(programme, coordinator, sections=FEW)
    with monkeypatch.context() as patched:
        patched.setattr(reports, "check", lambda cut: ["needs: the parts do not make the whole."])
        assert making.work(report) == ["parked"]
    report = Report.objects.get(pk=report.pk)

    assert report.state == "failed"
    assert report.why_failed == "needs: the parts do not make the whole."
    assert report.perform("retry", by=coordinator).state == "requested"
    making.work(report)
    assert Report.objects.get(pk=report.pk).state == "built"


@database
def test_the_whole_way_and_who_may_go_it():
    programme, lead, coordinator = house()
    report = making.built(programme, coordinator, sections=FEW)
    for step in ("freeze", "fail", "keep_section", "build"):
        with pytest.raises((NotAllowed, Blocked)):
            report.perform(step, by=coordinator)
    report.perform("submit", by=coordinator)
    with pytest.raises(NotAllowed):
        report.perform("approve", by=coordinator)
    report.perform("return_report", by=lead, reason="The title is wrong.")
    assert report.state == "built"
    report.perform("submit", by=coordinator)
    report.perform("approve", by=lead)
    with pytest.raises(NotAllowed):
        report.perform("publish", by=coordinator)
    report.perform("publish", by=lead)
    assert report.published_at <= clock.now()


@database
def test_a_file_that_was_changed_cannot_be_approved():
    programme, lead, coordinator = house()
    report = making.built(programme, coordinator, sections=FEW)
    report.perform("submit", by=coordinator)
    file = report.files.get()
    storages["documents"].delete(file.stored)
    with pytest.raises(Blocked, match="differs from its checksum"):
        report.perform("approve", by=lead)


@database
def test_strange_input_is_refused():
    programme, _lead, coordinator = house()
    stranger = make.staff("coordinator", make.programme())

    with pytest.raises(Invalid) as refused:
        making.requested(programme, coordinator, formats=["odt"], sections=["nowhere"], language="xx")
    assert set(refused.value.errors) == {"formats", "sections", "language"}
    with pytest.raises(Invalid):
        making.requested(programme, stranger)
    with pytest.raises(Invalid):
        making.requested(programme, make.person())


def signed_in(client, person, address):
    """The answer to somebody who has signed in."""
    client.force_login(person)
    return client.get(address)


@database
def test_nobody_downloads_before_publication_but_those_who_may_see_it(client):
    programme, lead, coordinator = house()
    report = making.built(programme, coordinator, sections=FEW)
    address = f"/reports/{report.pk}/json/"
    manager = make.manager_of(make.cluster())
    token = Token.make(coordinator, "test")
    assert client.get(address).status_code == 404
    assert client.get(f"/reports/{report.pk}/").status_code == 404
    client.force_login(manager)
    assert client.get(address).status_code == 404
    client.logout()
    by_token = client.get(address, headers={"Authorization": f"Bearer {token}"})
    for answer in (by_token, signed_in(client, coordinator, address)):
        assert answer.status_code == 200
        assert hashlib.sha256(b"".join(answer.streaming_content)).hexdigest() == report.files.get().sha256
    assert client.get(f"/reports/{report.pk}/pdf/").status_code == 404

    report.perform("submit", by=coordinator)
    report.perform("approve", by=lead)
    report.perform("publish", by=lead)
    client.logout()
    answer = client.get(address, headers={"Accept": "text/html"})
    body = b"".join(answer.streaming_content)
    assert hashlib.sha256(body).hexdigest() == report.files.get().sha256
    assert answer["Content-Disposition"] == f'attachment; filename="{programme.slug}-report-1.json"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    told = client.get(f"/api/reports/{report.pk}/").json()
    assert told["files"][0]["address"] == address
    assert told["files"][0]["sha256"] == report.files.get().sha256
    assert "why_failed" not in told
    assert address in client.get(f"/reports/{report.pk}/").content.decode()


@database
def test_the_page_shows_progress_files_and_checks(client):
    programme, _lead, coordinator = house()
    client.force_login(coordinator)
    report = making.requested(programme, coordinator, sections=["summary", "projects", "method"])
    page = client.get(f"/workspace/reports/{report.pk}/").content.decode()
    assert f"/workspace/reports/{report.pk}/progress/" in page
    jobs.run(str(making.waiting(report)[0].pk))
    jobs.run(str(making.waiting(report)[0].pk))
    answer = client.get(f"/workspace/reports/{report.pk}/progress/")
    assert "1 of 3 sections are finished." in answer.content.decode()
    assert "HX-Refresh" not in answer

    making.work(report)

    assert client.get(f"/workspace/reports/{report.pk}/progress/")["HX-Refresh"] == "true"
    page = client.get(f"/workspace/reports/{report.pk}/").content.decode()
    assert report.files.get().sha256 in page
    assert "Every figure names its records, and the sums agree." in page
    assert "Not met" not in page
    client.force_login(make.manager_of(make.cluster()))
    assert client.get(f"/workspace/reports/{report.pk}/progress/").status_code == 404


@database
def test_pages_take_a_constant_number_of_statements(client):
    programme, _lead, coordinator = house()
    client.force_login(coordinator)
    taken = []
    for _ in range(3):
        report = making.built(programme, coordinator, sections=["evidence"])
        pages = ["/workspace/reports/", f"/workspace/reports/{report.pk}/", f"/api/reports/{report.pk}/"]
        taken.append([making_matching.statements(client, page) for page in pages])
    assert taken[0] == taken[2]
    assert all(one <= limit for one, limit in zip(taken[0], (10, 24, 5), strict=True)), taken


@pytest.mark.usefixtures("committed")
def test_two_sections_that_finish_at_the_same_moment_call_for_one_binding():
    programme, _lead, coordinator = house()
    report = making.requested(programme, coordinator, sections=["method", "annex"])
    jobs.run(str(making.waiting(report)[0].pk))
    gate, faults = threading.Barrier(2), []

    def finish(section):
        try:
            mine = Report.objects.get(pk=report.pk)
            gate.wait(timeout=20)
            mine.perform("keep_section", by=SYSTEM, section=section, content={"id": section})
        except Exception as error:
            faults.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=finish, args=(one,)) for one in ("method", "annex")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert len(making.waiting(report, "reporting.assemble")) == 1


@pytest.mark.usefixtures("committed")
def test_two_requests_at_the_same_moment_make_two_versions():
    programme, _lead, coordinator = house()
    gate, faults = threading.Barrier(2), []

    def ask():
        try:
            gate.wait(timeout=20)
            making.requested(programme, coordinator)
        except Exception as error:
            faults.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert sorted(Report.objects.values_list("number", flat=True)) == [1, 2]


@pytest.mark.usefixtures("committed")
def test_a_cut_is_of_one_moment(monkeypatch):
    """What another connection commits while the cut is made stays out; without the snapshot it would be counted."""
    programme, _lead, coordinator = house()
    report = making.requested(programme, coordinator, sections=["method"])
    seen = []

    def cut_beside_another(of, **_):
        before = Report.objects.filter(programme=of).count()
        other = threading.Thread(target=lambda: (making.requested(programme, coordinator), connections.close_all()))
        other.start()
        other.join()
        seen.append((before, Report.objects.filter(programme=of).count()))
        raise Blocked(["enough"])

    monkeypatch.setattr(reports.sections, "cut_of", cut_beside_another)
    jobs.run(str(making.waiting(report)[0].pk))

    assert seen == [(1, 1)]
    assert Report.objects.filter(programme=programme).count() == 2
