"""The work on bulk uploads of CVs, and what is forgotten with time."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from advisory.advisor import Advisor
from advisory.advisorcall import AdvisorCall
from advisory.applicant import ENDING, Applicant
from advisory.curriculum import CurriculumVitae
from advisory.intake import PACK_ENDING, CvIntake, CvIntakeFile
from advisory.rights import RETENTION_MONTHS, after_months
from facility.isolation import IsolationError, run_isolated
from facility.workflow import clock
from facility.workflow.jobs import TRIES, Job, job
from facility.workflow.steps import SYSTEM, Blocked
from facility.workflow.tasks import daily, letter, post

# The child holds the ZIP, one portion and that portion in base64.
MEMORY_MB = 768
SECONDS = 60


@job("advisory.take_in", whole=False)
def take_in(work: Job) -> None:
    """Takes a ZIP of CVs in, portion by portion; a run that was lost goes on where it was."""
    intake = CvIntake.objects.select_related("person").get(pk=work.record_id)
    if intake.state not in {CvIntake.State.RECEIVED, CvIntake.State.UNPACKING}:
        return
    with storages["documents"].open(intake.stored) as file:
        pack = file.read()
    with translation.override(intake.person.language):
        if intake.state == CvIntake.State.RECEIVED:
            intake.perform("open_pack", by=SYSTEM, listing=listing_of(pack))
        while intake.state == CvIntake.State.UNPACKING:
            places = list(waiting(intake).values_list("place", flat=True))
            contents, files = contents_of(pack, places, intake, is_last_try=work.attempts >= TRIES)
            intake.perform("take", by=SYSTEM, contents=contents, files=files)
            work.advance(intake.total - waiting(intake).count(), intake.total)


def waiting(intake: CvIntake) -> Any:
    """The files that are still to be unpacked, in their order."""
    return intake.files.filter(outcome=CvIntakeFile.WAITING).order_by("order")


def listing_of(pack: bytes) -> dict[str, Any]:
    """What the ZIP holds; one that breaks its reader is refused."""
    try:
        return run_isolated("advisory.pack.listed", pack, memory_mb=MEMORY_MB)
    except IsolationError:
        return {"refused": ["damaged_pack", {}]}


def contents_of(
    pack: bytes, places: list[int], intake: CvIntake, *, is_last_try: bool
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The next portion: [{"place", "why"}], and the files by their place as text.

    A file that breaks the child takes its portion with it, so at the last try each goes alone.
    """
    if not places:
        return [], {}
    asked = places[:1] if is_last_try else places
    try:
        found = run_isolated(
            "advisory.pack.unpacked", pack, asked, memory_mb=MEMORY_MB, cpu_seconds=SECONDS, wall_seconds=SECONDS
        )
    except IsolationError:
        if not is_last_try:
            raise
        found = [[places[0], "", "damaged"]]
    names = dict(intake.files.filter(place__in=[at for at, _content, _why in found]).values_list("place", "name"))
    files = {
        str(at): SimpleUploadedFile(names[at].replace("\\", "/").rpartition("/")[2] or "cv", base64.b64decode(content))
        for at, content, why in found
        if not why
    }
    return [{"place": at, "why": why} for at, _content, why in found], files


@job("advisory.prove_address")
def prove_address(work: Job) -> None:
    """Sends the link by which an address is proven. It stands only in the mail."""
    rows = Applicant.objects.select_for_update(of=("self",), no_key=True).select_related("call__programme")
    made = rows.filter(pk=work.args["applicant"]).first()
    if made is None or not made.call.is_open():
        return
    link = settings.BASE_URL + reverse("apply-place", kwargs={"code": made.new_code()})
    with translation.override(made.language):
        # Not the name that was given: whoever gave it may not be whoever reads this.
        context = {"programme": made.call.programme, "link": link}
        body = render_to_string("advisory/prove_address.txt", context)
        post(letter(str(work.pk), made, _("Your application as an advisor"), body))


@daily
def forget_applicants() -> int:
    """Names, addresses and files that nobody proved, and links that hold no more; then files that nobody names."""
    gone = Applicant.forget()
    return gone + swept(ENDING, set(Applicant.objects.exclude(stored="").values_list("stored", flat=True)))


@daily
def forget_people() -> int:
    """Advisors whose time has come: those who are near are told, those who were told or asked are erased."""
    for one in Advisor.to_remind():
        one.perform("remind_of_keeping", by=SYSTEM)
    gone = 0
    for one in Advisor.to_erase():
        try:
            one.perform("erase", by=SYSTEM, sure=True)
            gone += 1
        except Blocked:
            continue  # at work on a project: looked at again tomorrow
    return gone + forget_strays()


def forget_strays() -> int:
    """CVs that nobody confirmed for as long as the programme keeps one."""
    months = dict(AdvisorCall.objects.values_list("programme_id", "retention_months"))
    waiting = CurriculumVitae.objects.filter(advisor__isnull=True, received_at__isnull=False)
    gone = 0
    for cv in waiting.filter(state__in=["read", "incomplete", "rejected"]).defer("text").order_by("pk"):
        kept = months.get(cv.programme_id, RETENTION_MONTHS)
        if cv.received_at and after_months(cv.received_at.date(), kept) < clock.today():
            cv.perform("erase", by=SYSTEM)
            gone += 1
    return gone


@daily
def forget_packs() -> int:
    """ZIPs that no upload unpacks any more: their step was undone, or the machine died between the two."""
    return swept(PACK_ENDING, set(CvIntake.objects.exclude(stored="").values_list("stored", flat=True)))


def swept(ending: str, needed: set[str]) -> int:
    """Deletes the stored files of this ending that nobody needs, once they are a day old."""
    storage, gone = storages["documents"], 0
    _folders, files = storage.listdir("") if storage.exists("") else ([], [])
    young = clock.actual() - dt.timedelta(days=1)
    for name in files:
        if name.endswith(ending) and name not in needed and storage.get_modified_time(name) < young:
            storage.delete(name)
            gone += 1
    return gone


__all__ = ["prove_address", "take_in"]
