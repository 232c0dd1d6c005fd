"""The inbox, the search, the work in the background, and files: what a signed-in person reaches beside the records."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from facility.registry.documents import Document, Download
from facility.workflow import clock
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM
from facility.workflow.trail import Notice
from tests import factories as make

pytestmark = pytest.mark.django_db


def tell(person, about, key="The call %(title)s is open.", **params):
    return Notice.objects.create(
        to=person,
        record_type=about._meta.label_lower,
        record_id=about.pk,
        key=key,
        params={"title": "of spring", **params},
        created_at=clock.now(),
    )


@pytest.fixture
def staff():
    programme = make.programme()
    return programme, make.staff("coordinator", programme)


def test_notices_are_worded_in_the_reader_s_language(client, staff):
    programme, coordinator = staff
    tell(coordinator, programme)
    client.force_login(coordinator)

    assert "The call of spring is open." in client.get("/workspace/inbox/").content.decode()
    german = client.get("/workspace/inbox/", headers={"accept-language": "de"}).content.decode()
    assert "Der Aufruf of spring ist offen." in german
    assert "Eine Nachricht ist ungelesen." in german


def test_only_one_s_own_are_shown_and_marked(client, staff):
    programme, coordinator = staff
    other = make.staff("coordinator", programme)
    mine, theirs = tell(coordinator, programme), tell(other, programme, title="of autumn")
    client.force_login(coordinator)

    assert "of autumn" not in client.get("/workspace/inbox/").content.decode()
    assert client.post("/workspace/inbox/")["Location"] == "/workspace/inbox/"
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert mine.read_at
    assert not theirs.read_at
    assert "You have read everything." in client.get("/workspace/inbox/").content.decode()


def test_a_notice_opens_its_record_and_is_read_then(client, staff):
    programme, coordinator = staff
    notice = tell(coordinator, programme)
    client.force_login(coordinator)
    link = reverse("notice", kwargs={"pk": notice.pk})

    assert link in client.get("/workspace/inbox/").content.decode()
    assert client.get(link)["Location"] == programme.get_absolute_url()
    notice.refresh_from_db()
    assert notice.read_at


def test_the_inbox_is_paged_by_key(client, staff):
    programme, coordinator = staff
    for number in range(51):
        tell(coordinator, programme, title=f"number {number}.")
    client.force_login(coordinator)
    first = client.get("/workspace/inbox/")
    following = next(part for part in first.content.decode().split('href="') if 'rel="next"' in part).split('"')[0]
    second = client.get(following.replace("&amp;", "&"))

    assert "The call number 0. is open." not in first.content.decode()
    assert "The call number 0. is open." in second.content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_inbox_asks_six_questions(client, staff, django_assert_num_queries, rows):
    programme, coordinator = staff
    for _ in range(rows):
        tell(coordinator, programme)
    client.force_login(coordinator)

    with django_assert_num_queries(6):
        client.get("/workspace/inbox/")


@pytest.mark.parametrize("path", ["inbox", "search", "trail", "jobs", ""])
def test_without_sign_in_everything_leads_there(client, path):
    answer = client.get(f"/workspace/{path}/" if path else "/workspace/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_the_search_finds_what_the_person_may_see_and_nothing_else(client, staff):
    programme, coordinator = staff
    lead = make.cluster(name="Lanterns of the North")
    make.draft(make.call(programme, coordinator), make.manager_of(lead), lead)
    client.force_login(coordinator)
    html = client.get("/workspace/search/?q=lanterns").content.decode()

    assert "Lanterns of the North" in html
    assert "/workspace/clusters/" in html
    assert "/workspace/applications/" not in html.split("<main")[1], "a draft is its author's alone"
    assert "Nothing fits these words" in client.get("/workspace/search/?q=zzzz").content.decode()


def test_a_search_that_finds_much_leads_to_the_list(client, staff):
    for number in range(6):
        make.cluster(name=f"Wool {number}")
    client.force_login(staff[1])
    html = client.get("/workspace/search/?q=wool").content.decode()

    assert html.count('lang="en">Wool') == 5
    assert "/workspace/clusters/?search=wool" in html


# -- work in the background


def parked(about, reason="The file is damaged."):
    job = Job.about(about, "facility.scan_document")
    job.scope_id, job.state, job.reason, job.attempts = about.programme_id, Job.State.PARKED, reason, 3
    job.save()
    return job


@pytest.fixture
def call(staff):
    return make.call(*staff)


def test_a_parked_job_is_shown_with_its_reason_and_tried_again(client, staff, call):
    job = parked(call)
    client.force_login(staff[1])
    html = client.get("/workspace/jobs/").content.decode()

    assert "The file is damaged." in html
    assert "Try again" in html
    client.post("/workspace/jobs/", {"job": str(job.pk)})
    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.WAITING, 0)
    assert "Nothing runs and nothing is stuck." in client.get("/workspace/jobs/").content.decode()


def test_a_running_job_shows_how_far_it_is(client, staff, call):
    job = parked(call, reason="")
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING, progress=3, total=8)
    client.force_login(staff[1])
    html = client.get("/workspace/jobs/").content.decode()

    assert "3 of 8" in html
    assert "Try again" not in html


def test_jobs_of_another_programme_are_out_of_reach(client, staff, call):
    job = parked(call)
    client.force_login(make.staff("coordinator", make.programme()))

    assert "The file is damaged." not in client.get("/workspace/jobs/").content.decode()
    assert client.post("/workspace/jobs/", {"job": str(job.pk)}).status_code == 404
    assert client.post("/workspace/jobs/", {"job": "nonsense"}).status_code == 404
    job.refresh_from_db()
    assert job.state == Job.State.PARKED


@pytest.mark.parametrize("role", ["observer", "evaluator"])
def test_others_do_not_reach_the_work_in_the_background(client, staff, call, role):
    job = parked(call)
    client.force_login(make.staff(role, staff[0]))

    assert client.get("/workspace/jobs/").status_code == 403
    assert client.post("/workspace/jobs/", {"job": str(job.pk)}).status_code == 403


# -- files


def hand_in(by, programme, *, accepted=True, content=b"Guidance for advisors.", **fields):
    file = SimpleUploadedFile("guidance.txt", content)
    made = Document().perform(
        "receive", by=by, files={"file": file}, programme=programme, **{"audience": "owner", **fields}
    )
    return made.perform("scan_file", by=SYSTEM) if accepted else made


@pytest.mark.row("F17")
def test_a_download_is_a_file_never_a_page_and_is_written_down(client, staff):
    programme, coordinator = staff
    document = hand_in(coordinator, programme)
    client.force_login(coordinator)
    answer = client.get(f"/workspace/documents/{document.pk}/file/")

    assert b"".join(answer.streaming_content) == b"Guidance for advisors."
    assert answer["Content-Disposition"] == 'attachment; filename="guidance.txt"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox"
    log = Download.objects.get()
    assert (log.document_id, log.person_id) == (document.pk, coordinator.pk)


@pytest.mark.row("F17")
def test_who_may_not_see_a_document_learns_nothing_of_it(client, staff):
    programme, coordinator = staff
    document = hand_in(coordinator, programme)
    for person in (make.person(), make.staff("evaluator", programme)):
        client.force_login(person)
        assert client.get(f"/workspace/documents/{document.pk}/file/").status_code == 404
    client.logout()
    assert client.get(f"/workspace/documents/{document.pk}/file/").status_code == 404
    assert not Download.objects.exists()


@pytest.mark.parametrize(
    "content", [b"Guidance.", b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"]
)
def test_only_accepted_files_are_handed_out(client, staff, content):
    document = hand_in(staff[1], staff[0], accepted=content != b"Guidance.", content=content)
    client.force_login(staff[1])
    answer = client.get(f"/workspace/documents/{document.pk}/file/")

    assert answer.status_code == 409
    assert "guidance.txt has not been accepted" in answer.content.decode()
    assert not Download.objects.exists()


def test_the_page_of_a_fault_needs_neither_session_nor_database(django_assert_num_queries):
    from django.test import RequestFactory

    from facility.workflow.middleware import server_error

    with django_assert_num_queries(0):
        answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
