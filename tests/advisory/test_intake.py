"""Bulk uploads: each file has its result, broken ones are named, nothing is added twice, and a ZIP does no harm."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from advisory import pack
from advisory.advisor import Advisor
from advisory.curriculum import CurriculumVitae
from advisory.intake import CvIntake, CvIntakeFile
from advisory.tasks import intake as tasks
from facility.workflow import trail
from facility.workflow.jobs import Job
from facility.workflow.steps import Invalid, NotAllowed, NotFound
from facility.workflow.trail import Detail, Notice
from tests import factories as make
from tests.advisory import making_matching as making
from tests.advisory import making_packs as packs

pytestmark = pytest.mark.django_db


@pytest.fixture
def coordinator(programme):
    return make.staff("coordinator", programme)


def uploaded(programme, by, content, name="cvs.zip"):
    file = packs.upload(content, name)
    return CvIntake().perform("upload", by=by, programme=str(programme.pk), files={"files": [file]})


def worked(intake):
    """The upload after its jobs have run."""
    assert making.run("advisory.take_in") == ["done"]
    making.run("advisory.read_cv")
    return CvIntake.objects.get(pk=intake.pk)


def results(intake):
    return {row.name: (row.outcome, row.why) for row in intake.files.order_by("order")}


@pytest.mark.row("F06")
def test_of_three_hundred_files_twelve_are_named_and_the_rest_go_on(
    programme, coordinator, django_capture_on_commit_callbacks
):
    files = {f"cvs/{number:03d}.txt": packs.text_of(number) for number in range(288)} | packs.BROKEN
    made = uploaded(programme, coordinator, packs.zipped(files))
    with django_capture_on_commit_callbacks(execute=True):
        intake = worked(made)

    assert (intake.state, intake.total, intake.taken, intake.known, intake.refused) == ("done", 300, 288, 0, 12)
    refused = {name: why for name, (outcome, why) in results(intake).items() if outcome == "refused"}
    assert set(refused) == set(packs.BROKEN)
    assert all(why.endswith(".") for why in refused.values())
    states = set(CurriculumVitae.objects.filter(intake_files__outcome="taken").values_list("state", flat=True))
    assert states == {"read"}
    assert intake.stored == "" and not [n for n in storages["documents"].listdir("")[1] if n.endswith(".pack")]
    assert Notice.objects.filter(to=coordinator).count() == 1  # not one for each file

    before = CurriculumVitae.objects.count()
    again = worked(uploaded(programme, coordinator, packs.zipped(files)))
    assert (again.state, again.taken, again.known, again.refused) == ("done", 0, 288, 12)
    assert CurriculumVitae.objects.count() == before and Advisor.objects.count() == 0
    assert results(again)["cut.pdf"] == results(intake)["cut.pdf"]


@pytest.fixture
def lost(programme, coordinator, monkeypatch):
    """An upload of eight files whose run died after the second portion of three."""
    monkeypatch.setattr(pack, "PORTION_FILES", 3)
    monkeypatch.setattr(tasks, "run_isolated", lambda name, data, *args, **_limits: in_here(name, data, *args))
    made = uploaded(programme, coordinator, packs.zipped({f"{n}.txt": packs.text_of(n) for n in range(8)}))
    real, calls = Job.advance, []

    def killed(work, done, total):
        calls.append(done)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(work, done, total)

    monkeypatch.setattr(Job, "advance", killed)
    with pytest.raises(KeyboardInterrupt):
        making.run("advisory.take_in")
    monkeypatch.setattr(Job, "advance", real)
    assert (CurriculumVitae.objects.count(), CvIntake.objects.get().state) == (6, "unpacking")
    Job.objects.filter(name="advisory.take_in").update(state="waiting", holder=None)
    return made


def test_a_run_that_was_lost_between_portions_goes_on_and_doubles_nothing(lost):
    intake = worked(lost)
    assert (intake.state, intake.taken, intake.known) == ("done", 8, 0)
    assert CurriculumVitae.objects.count() == 8


def test_control_a_run_that_forgets_what_it_took_is_noticed(lost):
    """Shows that the figures above look: with what was taken forgotten, the files come again."""
    CvIntakeFile.objects.filter(outcome="taken").update(outcome="waiting")
    intake = worked(lost)
    assert (intake.taken, intake.known) == (2, 6)


def in_here(name, data, *args):
    return getattr(pack, name.rpartition(".")[2])(data, *args)


def test_the_same_file_twice_in_one_zip_is_one_cv(programme, coordinator):
    content = packs.text_of(1)
    intake = worked(uploaded(programme, coordinator, packs.zipped({"a.txt": content, "copy of a.txt": content})))
    assert [one for one, _why in results(intake).values()] == ["taken", "known"]
    assert CurriculumVitae.objects.count() == 1


def test_several_files_and_a_folder_take_the_same_way(programme, coordinator):
    files = [SimpleUploadedFile("cv.txt", packs.text_of(n)) for n in (1, 2)]
    made = CvIntake().perform(
        "upload", by=coordinator, programme=str(programme.pk), files={"files": files[:1], "folder": files[1:]}
    )
    intake = worked(made)
    assert (intake.name, intake.total, intake.taken) == ("2 files", 2, 2)


def overlapping() -> bytes:
    """A ZIP whose two entries are the same bytes."""
    content = bytearray(packs.zipped({"a.txt": b"x" * 500, "b.txt": b"x" * 500}, zipfile.ZIP_STORED))
    first, second = (content.index(b"PK\x01\x02"), content.rindex(b"PK\x01\x02"))
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    return bytes(content)


def many() -> bytes:
    return packs.zipped({f"{n}.txt": b"x" for n in range(pack.FILES_AT_MOST + 1)})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04 nothing", "The ZIP is damaged"),
        (b"", None),
        (packs.zipped({}), "The ZIP holds no files."),
        (packs.zipped({"__MACOSX/._a.txt": b"x", ".DS_Store": b"x", "Thumbs.db": b"x"}), "The ZIP holds no files."),
        (many(), "The ZIP holds 601 files."),
        (overlapping(), "The files of the ZIP overlap"),
        (packs.zipped({f"{n}.txt": bytes(9_999_999) for n in range(61)}), "The ZIP unpacks to more than 600 MB."),
    ],
    ids=["damaged", "nothing", "empty", "clutter", "many", "overlap", "bomb"],
)
def test_a_zip_that_does_harm_is_refused_as_a_whole(programme, coordinator, content, sentence):
    if sentence is None:
        with pytest.raises(Invalid, match="empty"):
            uploaded(programme, coordinator, content)
        return
    intake = worked(uploaded(programme, coordinator, content))
    assert intake.state == "refused" and intake.why.startswith(sentence)
    assert (intake.files.count(), CurriculumVitae.objects.count(), intake.stored) == (0, 0, "")


def hostile() -> bytes:
    space = io.BytesIO()
    with zipfile.ZipFile(space, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fine.txt", packs.text_of(7))
        archive.writestr("../out.txt", b"x")
        archive.writestr("C:/out.txt", b"x")
        archive.writestr("deep/er.zip", packs.zipped({"a.txt": b"a"}))
        archive.writestr("zeros.txt", bytes(5_000_000))
        archive.writestr("large.txt", b"0123456789abcdef" * 700_000, zipfile.ZIP_STORED)
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("odd.txt", b"x" * 50, zipfile.ZIP_LZMA)
    return space.getvalue()


def test_each_file_that_does_harm_is_refused_by_itself(programme, coordinator):
    intake = worked(uploaded(programme, coordinator, hostile()))
    said = results(intake)
    assert said.pop("fine.txt") == ("taken", "")
    assert {outcome for outcome, _why in said.values()} == {"refused"}
    assert said["../out.txt"][1] == said["C:/out.txt"][1] == "The file's name leads out of the ZIP."
    assert "pack of files" in said["deep/er.zip"][1] and "link" in said["link.txt"][1]
    assert "100 times" in said["zeros.txt"][1] and "10 MB" in said["large.txt"][1] and "usual way" in said["odd.txt"][1]


def test_a_locked_file_is_named(programme, coordinator):
    content = bytearray(packs.zipped({"a.txt": packs.text_of(1), "b.txt": packs.text_of(2)}))
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    said = results(worked(uploaded(programme, coordinator, bytes(content))))
    assert said["a.txt"] == ("refused", "The file is protected by a password. Pack it without one.")
    assert said["b.txt"] == ("taken", "")


def test_a_file_that_lies_about_its_length_is_cut_off():
    content = packs.zipped({"a.txt": bytes(12_000_000)})
    short = content.replace((12_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    ((_at, kept, why),) = pack.unpacked(short, [0])
    assert kept == "" and why in {"damaged", "large"}


def test_names_from_old_programs_are_read(programme, coordinator):
    content = packs.zipped({"Lebenslauf_Müller.txt": packs.text_of(1)})
    at = content.index(b"PK\x01\x02")
    silent = content[: at + 9] + b"\x00" + content[at + 10 :]
    assert pack.listed(silent)["files"][0][1] == "Lebenslauf_Müller.txt"


def test_nothing_personal_stands_in_trail_or_jobs(programme, coordinator):
    worked(uploaded(programme, coordinator, packs.zipped({"Ada Lovelace.txt": packs.text_of(1)}), "Lovelace.zip"))
    kept = str(list(Detail.objects.values_list("changes", flat=True))) + str(list(Job.objects.values_list("args")))
    assert "Lovelace.zip" not in kept
    assert trail.verify([CvIntake]) == []


def test_others_see_nothing_of_it(programme, coordinator):
    made = uploaded(programme, coordinator, packs.zipped({"a.txt": packs.text_of(1)}))
    stranger = make.staff("coordinator", make.programme())
    with pytest.raises(Invalid, match="programme"):
        uploaded(programme, make.staff("evaluator", programme), packs.zipped({"a.txt": b"x"}))
    with pytest.raises((NotFound, NotAllowed)):
        made.perform("open_pack", by=stranger, listing={})
    client = Client()
    client.force_login(stranger)
    for page in ("", "progress/", "results/"):
        assert client.get(f"/workspace/cv-intakes/{made.pk}/{page}").status_code == 404


def test_the_page_tells_of_each_file_with_as_many_statements_for_three_as_for_one(programme, coordinator):
    client = Client()
    client.force_login(coordinator)
    one = worked(uploaded(programme, coordinator, packs.zipped({"a.txt": packs.text_of(1), "b.txt": b""})))
    three = worked(uploaded(programme, coordinator, packs.zipped({f"{n}.txt": packs.text_of(n) for n in (2, 3, 4)})))
    counts = {making.statements(client, f"/workspace/cv-intakes/{each.pk}/") for each in (one, three)}
    assert len(counts) == 1
    page = client.get(f"/workspace/cv-intakes/{one.pk}/?result=refused").content.decode()
    assert "The file is empty." in page and "a.txt" not in page

    rows = list(csv.reader(io.StringIO(read(client.get(f"/workspace/cv-intakes/{one.pk}/results/")))))
    assert [row[:2] for row in rows[1:]] == [["a.txt", "Taken"], ["b.txt", "Refused"]]


def read(answer):
    raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return raw.decode("utf-8-sig")


def test_the_page_is_posted_with_several_files(programme, coordinator):
    client = Client()
    client.force_login(coordinator)
    page = client.get("/workspace/cv-intakes/new/upload/").content.decode()
    assert "webkitdirectory" in page and "multiple" in page
    files = [SimpleUploadedFile(f"{n}.txt", packs.text_of(n)) for n in (1, 2, 3)]
    answer = client.post("/workspace/cv-intakes/new/upload/", {"programme": str(programme.pk), "files": files})
    assert answer.status_code == 302
    live = client.get(f"{answer.url}progress/")
    assert "waits to be opened" in live.content.decode() and "HX-Refresh" not in live
    assert worked(CvIntake.objects.get()).taken == 3
    assert client.get(f"{answer.url}progress/")["HX-Refresh"] == "true"
    nothing = client.post("/workspace/cv-intakes/new/upload/", {"programme": str(programme.pk)})
    assert nothing.status_code == 400 and "Choose a ZIP" in nothing.content.decode()
