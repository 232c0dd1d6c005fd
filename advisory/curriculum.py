"""CVs: read by machine in an isolated child, confirmed by a person, then kept as vectors of meaning (F06)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from advisory.advisor import OPEN, Advisor
from advisory.redaction import GONE
from advisory.said import CONFIRMABLE, countries_in, hash_of, parsed, worded, years_in
from advisory.searchable import Searchable
from advisory.vectors import CvPassage
from advisory.work import work_of
from facility.registry.conflicts import follow_up
from facility.registry.documents import Document
from facility.registry.programme import InProgramme
from facility.roles import any_of, held, office, parent_step, system, who
from facility.workflow import clock, door
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.shape import Many
from facility.workflow.show import shown
from facility.workflow.steps import NEW, SYSTEM, guard, step

own_upload = who("applicant", lambda person: Q(applicant=person))
own_cv = who("own advisor", lambda person: Q(advisor_id__in=held(person, "advisor", scope="advisor")), "advisor")


class CurriculumVitae(Searchable, InProgramme):
    """A CV as it was handed in, what was read in it, and what a person has confirmed of that."""

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        READ = "read", _("Read")
        INCOMPLETE = "incomplete", _("Incomplete")
        REJECTED = "rejected", _("Rejected")
        CONFIRMED = "confirmed", _("Confirmed")
        REPLACED = "replaced", _("Replaced by a newer one")
        ERASED = "erased", _("Erased")

    records = "curricula"
    lede = _("CVs: read by machine, confirmed by a person.")
    columns = ("advisor", "format", "language", "received_at")
    list_related = ("document", "advisor__person")
    facts = ("advisor", "document", "format", "language", "received_at", "confirmed_at", "why")
    search_in = ("name", "advisor__person__name")
    filter_by = ("state",)
    door_related = ("document", "advisor", "advisor__person", "programme")
    untrailed = frozenset({"text", "breaks"})
    tones = {
        "received": "wait",
        "read": "wait",
        "incomplete": "warn",
        "rejected": "bad",
        "confirmed": "good",
        "replaced": "done",
        "erased": "idle",
    }
    awaits = {"read": ("confirm",), "incomplete": ("confirm",)}
    shape = {
        "name": "name",
        "advisor": "advisor_id",
        "document": "document_id",
        "format": "format",
        "language": "language",
        "received_at": "received_at",
        "confirmed_at": "confirmed_at",
        "reason": "why",
        "text": "text",
        "fields": Many(
            "advisory.CvField",
            "curriculum",
            {n: n for n in ("name", "value", "snippet", "place", "confidence", "confirmed")},
            ("order",),
        ),
    }
    faces = Faces(office, any_of(own_cv, own_upload))

    state = state_field(State)
    advisor = models.ForeignKey(
        Advisor, null=True, on_delete=models.PROTECT, related_name="curricula", verbose_name=_("advisor")
    )
    # Who handed it in by the open form, the address proven.
    applicant = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("applicant")
    )
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="+", verbose_name=_("file"))
    name = models.CharField(_("name in the CV"), max_length=200, blank=True, default="")
    format = models.CharField(_("format"), max_length=30, blank=True, default="")
    language = models.CharField(_("language"), max_length=5, blank=True, default="")
    text = models.TextField(blank=True, default="")
    # Lines of the text at which another page or part begins: [[number, place]].
    breaks = models.JSONField(default=list)
    why = models.CharField(_("what is missing or wrong"), max_length=500, blank=True, default="")
    received_at = models.DateTimeField(_("received"), null=True)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True)

    class Meta:
        verbose_name = _("CV")
        verbose_name_plural = _("CVs")
        constraints = [
            models.UniqueConstraint(
                fields=["advisor"], condition=Q(state="confirmed"), name="one_confirmed_cv_per_advisor"
            )
        ]

    def __str__(self) -> str:
        return self.name or (self.advisor.person.name if self.advisor else self.document.name)

    # -- guards

    @guard(_("The file has not been checked yet."))
    def has_clean_file(self) -> bool:
        """The document was scanned and accepted."""
        return self.document.state == Document.State.CLEAN

    @guard(_("The advisor is neither a candidate nor in the pool any more."))
    def has_open_advisor(self) -> bool:
        """Nobody yet, or somebody whose record can still change."""
        return self.advisor is None or self.advisor.state in OPEN

    @guard(_("This is the CV of an advisor, and goes with the advisor."))
    def is_nobodys(self) -> bool:
        """Nobody's yet; what an advisor has goes in the step that erases the advisor."""
        return self.advisor_id is None or door.current() is not None

    # -- steps

    @step(
        label=_("Hand in a CV"),
        source=NEW,
        target=State.RECEIVED,
        who=any_of(office, own_cv, system),
        form="ReceiveCv",
    )
    def receive(self, *, by: Any, file: Any, programme: Any, advisor: Any) -> None:
        """Takes a CV as PDF, DOCX, ODT, Europass XML, JSON Resume or text. It is checked and read within minutes."""
        self.programme, self.advisor, self.received_at = programme, advisor, clock.now()
        data: dict[str, Any] = {"programme": str(programme.pk), "audience": "cv"}
        self.document = Document().perform("receive", by=by, files={"file": file}, **data)
        self.queue("advisory.read_cv", key=f"read:{self.pk}")

    @step(
        label=_("Read"),
        source=State.RECEIVED,
        target=RETURN_VALUE(State.READ, State.INCOMPLETE, State.REJECTED),
        who=system,
        quiet=True,
        form="ReadCv",
    )
    def read(self, *, by: Any, reading: dict[str, Any]) -> str:
        """Keeps what the reader found, each value with its snippet and place; a refusal keeps its sentence only."""
        self.format, self.language = reading["format"][:30], reading["language"] or ""
        self.why = (reading["reason"] or "")[:500]
        if reading["status"] == self.State.REJECTED:
            self.tell_refusal()
            return self.State.REJECTED
        self.text, self.breaks = reading["text"], reading.get("breaks", [])
        self.name = next((one["value"] for one in reading["fields"] if one["name"] == "full_name"), "")[:200]
        CvField.objects.bulk_create(
            CvField(
                curriculum=self,
                order=order,
                name=one["name"],
                value=one["value"],
                snippet=one["snippet"],
                place=one["place"][:200],
                confidence=one["confidence"],
            )
            for order, one in enumerate(reading["fields"])
        )
        self.trail_also("fields", None, len(reading["fields"]))
        return self.State.INCOMPLETE if reading["status"] == "incomplete" else self.State.READ

    def tell_refusal(self) -> None:
        """Whoever handed the file in reads why it was not taken."""
        if self.document.owner:
            self.tell(
                self.document.owner,
                gettext_noop("The CV %(name)s was not accepted: %(why)s"),
                name=self.document.name,
                why=self.why,
            )

    @step(
        label=_("Confirm what was read"),
        source=[State.READ, State.INCOMPLETE],
        target=State.CONFIRMED,
        who=any_of(office, own_cv, own_upload),
        guards=[has_clean_file, has_open_advisor],
        form="ConfirmCv",
    )
    def confirm(self, *, by: Any, entries: list[dict[str, Any]], kind: str) -> None:
        """Mend what was misread, add what is missing. Areas and languages of the advisor follow from this."""
        mended = self.keep_confirmed(entries, by)
        said = {name: [one["value"] for one in entries if one["name"] == name] for name, _label in CONFIRMABLE}
        self.name, self.why, self.confirmed_at = said["full_name"][0], "", clock.now()
        found: dict[str, Any] = {
            "areas": said["area"],
            "languages": said["language"],
            "countries": countries_in(said),
            "sectors": said["sector"],
            "years": years_in(said["employment"], clock.now().year),
        }
        if self.advisor is None:
            self.advisor = self.known_advisor(said["email"][0]) or self.new_advisor(by, said, found, kind)
        older = CurriculumVitae.objects.filter(advisor=self.advisor, state=self.State.CONFIRMED).first()
        if older is not None:
            older.perform("replace", by=by)
        self.advisor.perform("take_cv", by=by, **found)
        self.trail_also("mended", None, mended)
        self.queue("advisory.embed_cv", key=f"embed:{self.pk}")
        self.queue("advisory.index_sentences", key=f"sentences:{self.pk}")

    @step(
        label=_("Take as a CV of an advisor"),
        source=[State.READ, State.INCOMPLETE],
        target=None,
        who=parent_step,
        quiet=True,
        form="ToAdvisor",
    )
    def attach(self, *, by: Any, advisor: Advisor) -> None:
        """It is a newer CV of somebody known."""
        self.advisor = advisor

    @step(
        label=_("Take back from the advisor"),
        source=[State.READ, State.INCOMPLETE],
        target=None,
        who=parent_step,
        quiet=True,
    )
    def detach(self, *, by: Any) -> None:
        """It is nobody's again."""
        self.advisor = None

    @step(label=_("Claim"), source=list(State), target=None, who=system, quiet=True, form="ToApplicant")
    def claim(self, *, by: Any, applicant: Any) -> None:
        """Whoever proved an address has handed in this very file, which was here before."""
        self.applicant = applicant

    @step(label=_("Move"), source=list(State), target=None, who=parent_step, quiet=True, form="ToAdvisor")
    def move(self, *, by: Any, advisor: Advisor) -> None:
        """Its advisor was merged with another record."""
        self.advisor = advisor

    @step(label=_("Replace"), source=State.CONFIRMED, target=State.REPLACED, who=parent_step, quiet=True)
    def replace(self, *, by: Any) -> None:
        """A newer CV was confirmed."""

    @step(
        label=_("Erase"),
        source=[State.READ, State.INCOMPLETE, State.REJECTED, State.CONFIRMED, State.REPLACED, State.RECEIVED],
        target=State.ERASED,
        who=any_of(office, system, parent_step),
        guards=[is_nobodys],
    )
    def erase(self, *, by: Any) -> None:
        """Takes text, fields, vectors and the file away for good; of somebody's own CV by erasing the advisor."""
        self.name, self.text, self.breaks, self.why = GONE, "", [], ""
        self.language, self.applicant = "", None
        self.fields.all().delete()
        self.passages.all().delete()
        self.sentences.all().delete()
        self.intake_files.all().update(name="", why="", sha256="")
        self.document.perform("erase", by=by)

    @step(label=_("Index"), source=State.CONFIRMED, target=None, who=system, quiet=True, form="IndexCv")
    def index(self, *, by: Any, passages: list[dict[str, Any]]) -> None:
        """Keeps the vectors of meaning by which the CV is compared with projects."""
        self.passages.all().delete()
        CvPassage.objects.bulk_create(
            CvPassage(curriculum=self, order=order, text_sha256=one["text_sha256"], vector=one["vector"])
            for order, one in enumerate(passages)
        )
        self.trail_also("passages", None, [one["text_sha256"] for one in passages])

    def after_step(self, name: str, *, by: Any) -> None:
        """Tells its bulk upload, notes who else may be this person; an employer that it names is a tie at once."""
        from advisory import duplicate
        from advisory.erasing import empty_details
        from advisory.intake import CvIntakeFile

        if name == "read":
            CvIntakeFile.follow(self, by=by)
            if self.advisor_id is None and self.state != self.State.REJECTED:
                duplicate.look_for(self, by=by)
        if name == "erase":
            empty_details([self.pk, self.document_id])
        if name in {"confirm", "erase"}:
            duplicate.settle(by=by, curriculum=self)
        if name == "confirm":
            advisor: Any = self.advisor
            duplicate.look_around(advisor, by=by)
            follow_up(by=by, people=[advisor.person_id])

    # -- what the steps use

    def keep_confirmed(self, rows: list[dict[str, Any]], by: Any) -> int:
        """Marks what was confirmed as it was read, replaces the rest by what the person wrote; answers how many."""
        names = [name for name, _label in CONFIRMABLE]
        read = {(one.name, worded(one.name, one.value)): one for one in self.fields.filter(name__in=names)}
        kept, written = [], []
        whose = {
            "confirmed": True,
            "confirmed_by": by if getattr(by, "pk", None) else None,
            "confirmed_at": clock.now(),
        }
        for order, row in enumerate(rows):
            found = read.pop((row["name"], worded(row["name"], row["value"])), None)
            if found is None:
                written.append(CvField(curriculum=self, order=order, confidence=1, **whose, **row))
            else:
                kept.append(found.pk)
        self.fields.filter(pk__in=[one.pk for one in read.values()]).delete()
        self.fields.filter(pk__in=kept).update(**whose)
        CvField.objects.bulk_create(written)
        return len(written)

    def known_advisor(self, email: str) -> Advisor | None:
        """Whoever has this address, or applied by the open form, is an advisor of the programme already."""
        rows = Advisor.objects.select_related("person").filter(programme=self.programme_id)
        rows = rows.exclude(state__in=["merged", "erased"])
        whose = {"person": self.applicant_id} if self.applicant_id else {"person__email": email.lower()}
        return rows.filter(**whose).first()

    def new_advisor(self, by: Any, said: dict[str, list[Any]], found: dict[str, Any], kind: str) -> Advisor:
        """A candidate from this CV."""
        data = {"programme": str(self.programme_id), "name": said["full_name"][0], "email": said["email"][0]}
        # Whoever applies may not enter advisors; what they confirm makes one all the same.
        by = SYSTEM if self.applicant_id else by
        return Advisor().perform("create", by=by, **data, kind=kind, capacity=2, **found)

    def told(self) -> str:
        """What the CV says on the person's work, without name and contact: the text that is compared."""
        return work_of(self.fields.all())

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """What was found, where, and whether a person confirmed it."""
        labels = dict(CONFIRMABLE)
        rows = [
            [
                labels.get(one.name, one.name),
                worded(one.name, one.value),
                one.snippet,
                one.place,
                one.confidence,
                one.confirmed_words(),
            ]
            for one in self.fields.select_related("confirmed_by").order_by("order")
        ]
        columns = [_("Field"), _("Value"), _("In the CV"), _("Place"), _("Confidence"), _("Confirmed")]
        return [{"title": _("What was read"), "columns": columns, "rows": rows, "empty": _("Nothing was read yet.")}]


class CvField(Part):
    """One fact of a CV with where it stands; `value` in the shapes of `advisory.cv.reading`."""

    curriculum = models.ForeignKey(CurriculumVitae, on_delete=models.PROTECT, related_name="fields")
    order = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=20)
    value = models.JSONField()
    snippet = models.CharField(max_length=400, blank=True, default="")
    place = models.CharField(max_length=200, blank=True, default="")
    confidence = models.FloatField()
    confirmed = models.BooleanField(default=False)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    confirmed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

    def confirmed_words(self) -> str:
        """Who confirmed it and when; a dash while nobody has."""
        if not self.confirmed:
            return "–"
        return f"{self.confirmed_by or _t('System')}, {shown(self.confirmed_at)}" if self.confirmed_at else _t("Yes")


__all__ = ["CurriculumVitae", "CvField", "hash_of", "parsed", "worded"]
