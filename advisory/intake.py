"""Many CVs at once: a ZIP, a folder or several files, taken in portion by portion with a result for each file (F06).

The ZIP is kept until its last file is out. Each portion is one step: what it took is taken, and a run that broke off
goes on with the files that still wait. A file whose content is known in the programme adds nothing; it is named with
the CV that it is.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from advisory.curriculum import CurriculumVitae
from facility.registry.programme import InProgramme
from facility.roles import office, parent_step, system
from facility.workflow import clock
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.ids import uuid7
from facility.workflow.steps import NEW, SYSTEM, Invalid, Refused, step

PACK_BYTES = 150_000_000
# How packs are called in the store, so that those that nobody unpacks any more are found.
PACK_ENDING = ".pack"
WORDS = {
    "damaged_pack": _("The ZIP is damaged: its files cannot be listed. Make it again and send the new one."),
    "empty_pack": _("The ZIP holds no files."),
    "many": _("The ZIP holds %(n)d files. Accepted are up to %(limit)d; divide it."),
    "bomb": _("The ZIP unpacks to more than %(limit)d MB. Divide it."),
    "overlap": _("The files of the ZIP overlap, as in one that is meant to do harm. Make it again."),
    "locked": _("The file is protected by a password. Pack it without one."),
    "outside": _("The file's name leads out of the ZIP."),
    "link": _("This is a link to a file, not a file."),
    "pack": _("This is a pack of files within the ZIP. Unpack it, or hand it in by itself."),
    "kind": _("This kind of file is not read. CVs are taken as PDF, DOCX, ODT, Europass XML, JSON Resume or text."),
    "large": _("The file is larger than 10 MB."),
    "bomb_file": _("The file unpacks to more than 100 times its size."),
    "method": _("The file is packed in a way that is not read here. Make the ZIP again in the usual way."),
    "empty": _("The file is empty."),
    "damaged": _("The file is damaged: it cannot be unpacked."),
}


class CvIntake(InProgramme):
    """Files that the office hands in together: unpacked, taken one by one, read, and told of one by one."""

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        UNPACKING = "unpacking", _("Being unpacked")
        READING = "reading", _("Being read")
        DONE = "done", _("Done")
        REFUSED = "refused", _("Not accepted")

    records = "cv-intakes"
    lede = _("CVs that were handed in together: a ZIP, a folder or several files, with a result for each file.")
    columns = ("person", "received_at", "total", "taken", "known", "refused")
    list_related = ("person",)
    facts = ("programme", "person", "received_at", "size", "why")
    filter_by = ("state",)
    door_related = ("person", "programme")
    tones = {"received": "wait", "unpacking": "active", "reading": "active", "done": "good", "refused": "bad"}
    shape = {
        "name": "name",
        "size": "size",
        "received_at": "received_at",
        "total": "total",
        "taken": "taken",
        "known": "known",
        "refused": "refused",
        "reason": "why",
    }
    faces = Faces(office)
    # Names of files name people: they stand in the rows, which can be emptied.
    untrailed = frozenset({"name"})

    state = state_field(State)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("handed in by")
    )
    name = models.CharField(_("name"), max_length=200)
    stored = models.CharField(max_length=100, blank=True, default="")
    size = models.PositiveIntegerField(_("bytes"), default=0)
    received_at = models.DateTimeField(_("received"), null=True)
    total = models.PositiveIntegerField(_("files"), default=0)
    taken = models.PositiveIntegerField(_("taken"), default=0)
    known = models.PositiveIntegerField(_("known before"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    why = models.CharField(_("why it was not accepted"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("bulk upload of CVs")
        verbose_name_plural = _("bulk uploads of CVs")

    def __str__(self) -> str:
        return self.name

    @step(label=_("Upload many CVs"), source=NEW, target=State.RECEIVED, who=office, form="UploadCvs")
    def upload(self, *, by: Any, programme: Any, pack: Any, is_made: bool) -> None:
        """Takes a ZIP, a folder or several files. You see the result of each file; what is known adds nothing."""
        self.programme, self.person = programme, by
        self.name, self.size, self.received_at = pack.name[:200], pack.size, clock.now()
        self.stored = keep_pack(pack)
        if is_made:
            pack.close()  # a try of its own makes a pack of its own
        self.queue("advisory.take_in", key=f"take:{self.pk}")

    @step(
        label=_("List the files"),
        source=State.RECEIVED,
        target=RETURN_VALUE(State.UNPACKING, State.REFUSED),
        who=system,
        quiet=True,
        form="ListFiles",
    )
    def open_pack(self, *, by: Any, listing: dict[str, Any]) -> str:
        """Notes every file of the ZIP; a ZIP that does harm is refused as a whole."""
        if "refused" in listing:
            key, said = listing["refused"]
            self.why = str(WORDS[key] % said)
            self.let_go()
            self.tell(self.person, gettext_noop("The ZIP of CVs was not accepted: %(why)s"), why=self.why)
            return self.State.REFUSED
        rows = [
            CvIntakeFile(
                intake=self,
                order=order,
                place=place,
                name=name,
                outcome=CvIntakeFile.REFUSED if key else CvIntakeFile.WAITING,
                why=str(WORDS[key]) if key else "",
            )
            for order, (place, name, key) in enumerate(listing["files"], 1)
        ]
        CvIntakeFile.objects.bulk_create(rows)
        self.total = len(rows)
        self.count()
        return self.State.UNPACKING

    @step(
        label=_("Take the next files"),
        source=State.UNPACKING,
        target=RETURN_VALUE(State.UNPACKING, State.READING, State.DONE),
        who=system,
        quiet=True,
        form="TakeFiles",
        # Two uploads of the same files take turns, so that each sees what the other took.
        locks="programme",
    )
    def take(self, *, by: Any, contents: list[dict[str, Any]]) -> str:
        """Makes a CV of each of these files, unless its content is known."""
        waiting = {row.place: row for row in self.files.filter(outcome=CvIntakeFile.WAITING)}
        for given in contents:
            row = waiting.pop(given["place"], None)
            if row is not None:
                self.settle(row, given)
                row.save()
        self.count()
        if waiting:
            return self.State.UNPACKING
        self.let_go()
        if self.unread():
            return self.State.READING
        self.tell_result()
        return self.State.DONE

    @step(label=_("Finish"), source=State.READING, target=State.DONE, who=parent_step, quiet=True)
    def finish(self, *, by: Any) -> None:
        """The last of its CVs is read."""
        self.count()
        self.tell_result()

    # -- what the steps use

    def settle(self, row: CvIntakeFile, given: dict[str, Any]) -> None:
        """Takes one file, or says why not."""
        if given["why"]:
            row.outcome, row.why = row.REFUSED, str(WORDS[given["why"]])
            return
        file = given["file"]
        row.sha256 = hashlib.sha256(file.read()).hexdigest()
        file.seek(0)
        same = CurriculumVitae.objects.filter(programme=self.programme_id, document__sha256=row.sha256)
        # What was refused before is refused again; otherwise the oldest of the same content is the one that is meant.
        row.curriculum = same.exclude(state="rejected").order_by("pk").first() or same.order_by("-pk").first()
        if row.curriculum is not None:
            is_refused = row.curriculum.state == "rejected"
            row.outcome, row.why = (row.REFUSED, row.curriculum.why[:500]) if is_refused else (row.KNOWN, "")
            return
        try:
            with transaction.atomic():
                # By nobody in particular, or each refusal would be a mail of its own.
                row.curriculum = CurriculumVitae().perform(
                    "receive", by=SYSTEM, files={"file": file}, programme=str(self.programme_id)
                )
            row.outcome = row.TAKEN
        except Refused as refused:
            said = [one for many in refused.errors.values() for one in many] if isinstance(refused, Invalid) else []
            row.outcome, row.why = row.REFUSED, " ".join(map(str, said) if said else [str(refused)])[:500]

    def let_go(self) -> None:
        """The ZIP is needed no more; it goes when the step is written."""
        name, self.stored = self.stored, ""
        transaction.on_commit(lambda: storages["documents"].delete(name))

    def count(self) -> None:
        """The figures, from the rows."""
        outcomes = list(self.files.values_list("outcome", flat=True))
        self.taken, self.known, self.refused = (
            outcomes.count(one) for one in (CvIntakeFile.TAKEN, CvIntakeFile.KNOWN, CvIntakeFile.REFUSED)
        )

    def unread(self) -> int:
        """How many of the CVs taken are still to be read."""
        return self.files.filter(outcome=CvIntakeFile.TAKEN, curriculum__state="received").count()

    def tell_result(self) -> None:
        """Whoever handed it in reads what came of it."""
        told = gettext_noop("Your CVs are in: %(taken)d taken, %(known)d known before, %(refused)d refused.")
        self.tell(self.person, told, taken=self.taken, known=self.known, refused=self.refused)

    def overseers(self) -> list[Any]:
        """Whoever handed it in."""
        return [self.person]


class CvIntakeFile(Part):
    """One file of a bulk upload, and what became of it."""

    WAITING, TAKEN, KNOWN, REFUSED = "waiting", "taken", "known", "refused"
    OUTCOMES = [
        (WAITING, _("Waits")),
        (TAKEN, _("Taken")),
        (KNOWN, _("Known before")),
        (REFUSED, _("Refused")),
    ]

    intake = models.ForeignKey(CvIntake, on_delete=models.PROTECT, related_name="files")
    order = models.PositiveSmallIntegerField()
    place = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    outcome = models.CharField(max_length=10, choices=OUTCOMES)
    why = models.CharField(max_length=500, blank=True, default="")
    curriculum = models.ForeignKey(
        CurriculumVitae, null=True, on_delete=models.PROTECT, related_name="intake_files", verbose_name=_("CV")
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["intake", "place"], name="file_once_per_intake")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def follow(cls, cv: CurriculumVitae, *, by: Any) -> None:
        """Inside the step that read a CV: its rows tell what came of it, and with the last one the upload is done."""
        row = cls.objects.filter(curriculum=cv, outcome=cls.TAKEN).first()
        if row is None:
            return
        if cv.state == "rejected":
            cls.objects.filter(pk=row.pk).update(outcome=cls.REFUSED, why=cv.why[:500])
        # Held until the commit: of two that are read at once, the later sees that the other is read.
        intake = CvIntake.objects.select_for_update(of=("self",), no_key=True).get(pk=row.intake_id)
        if intake.state == CvIntake.State.READING and not intake.unread():
            intake.perform("finish", by=by)


def keep_pack(pack: Any) -> str:
    """Stores a ZIP under a random name, and answers the name."""
    name = f"{uuid7().hex}{PACK_ENDING}"
    try:
        return storages["documents"].save(name, File(pack.file))
    except BaseException:
        storages["documents"].delete(name)
        raise


__all__ = ["CvIntake", "CvIntakeFile"]
