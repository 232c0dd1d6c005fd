"""Documents: every file that people hand in, kept privately and reached only through a permission check (F17)."""

from __future__ import annotations

import hashlib
from typing import Any

import puremagic
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.storage import storages
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from facility.registry.inspection import PACKED
from facility.roles import (
    any_of,
    held,
    in_force,
    leads_of,
    observer,
    office,
    parent_step,
    public_when,
    signed_in,
    system,
    who,
)
from facility.workflow import clock
from facility.workflow.engine import Faces, Workflow, state_field
from facility.workflow.ids import uuid7
from facility.workflow.steps import NEW, step

ACCEPTED = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "xml": "application/xml",
    "json": "application/json",
    "csv": "text/csv",
    "txt": "text/plain",
    "png": "image/png",
    "jpg": "image/jpeg",
}
HANDED_IN = (
    "submitted",
    "returned",
    "eligible",
    "ineligible",
    "evaluated",
    "selected",
    "reserve",
    "rejected",
    "declined",
    "under_review",
)
ROLES_OF_PROJECT = ("manager", "advisor")

owner = who("owner", lambda person: Q(owner=person))
of_project = who(
    "project member",
    lambda person: Q(audience="project", scope_key__in=held(person, *ROLES_OF_PROJECT, scope="project")),
)
of_programme = who(
    "programme member",
    lambda person: Q(
        audience="programme",
        programme_id__in=in_force()
        .filter(person=person, role__in=[*ROLES_OF_PROJECT, "evaluator"], programme__isnull=False)
        .values("programme_id"),
    ),
)


def attached(**conditions: Any) -> QuerySet:
    """The keys of documents that stand in an application for which the conditions hold."""
    papers = apps.get_model("facility.ApplicationDocument").objects
    return papers.filter(**{f"application__{name}": value for name, value in conditions.items()}).values("document_id")


def _applications_of(person: Any) -> QuerySet:
    """The keys of the applications that the person reads as one who takes part; blind calls and conflicts count."""
    applications: Any = apps.get_model("facility.Application")
    return applications.objects.filter(applications.faces.participant.q(person)).values("pk")


# A file of an application is read by whoever reads the application, and by the office once it is handed in.
of_application = who(
    "whoever takes part in the application",
    lambda person: Q(audience="application", pk__in=attached(pk__in=_applications_of(person))),
)
not_of_a_draft = who(
    "lead or coordinator",
    lambda person: office.q(person) & (~Q(audience="application") | Q(pk__in=attached(state__in=HANDED_IN))),
    "lead",
    "coordinator",
)


class Document(Workflow):
    """A file as it was handed in: named at random, with its size and hash, and never served as a page."""

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        CLEAN = "clean", _("Accepted")
        REJECTED = "rejected", _("Rejected")

    records = "documents"
    lede = _("Files that were handed in.")
    columns = ("name", "kind", "size", "received_at", "scan")
    facts = ("name", "kind", "size", "sha256", "received_at", "scan", "owner", "language")
    search_in = ("name",)
    filter_by = ("state", "audience")
    tones = {"received": "wait", "clean": "good", "rejected": "bad"}
    shape = {
        "name": "name",
        "kind": "kind",
        "size": "size",
        "sha256": "sha256",
        "scan": "scan",
        "audience": "audience",
        "language": "language",
        "received_at": "received_at",
    }
    faces = Faces(
        any_of(not_of_a_draft, observer.when(~Q(audience__in=["cv", "application"]))),
        any_of(owner, of_project, of_programme, of_application),
        public_when(audience="public", state="clean"),
    )

    state = state_field(State)
    programme = models.ForeignKey("facility.Programme", null=True, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("handed in by")
    )
    name = models.CharField(_("name"), max_length=200)
    stored = models.CharField(max_length=100)
    kind = models.CharField(_("kind"), max_length=10)
    size = models.PositiveIntegerField(_("bytes"), default=0)
    sha256 = models.CharField("SHA-256", max_length=64)
    scan = models.CharField(_("virus scan"), max_length=40, default="not scanned")
    audience = models.CharField(
        _("for"),
        max_length=12,
        choices=[
            ("owner", _("the office and whoever handed it in")),
            ("cv", _("the coordinators and whoever handed it in")),
            ("application", _("those who read the application")),
            ("project", _("one project")),
            ("programme", _("all who take part")),
            ("public", _("everybody")),
        ],
        default="owner",
    )
    scope_key = models.UUIDField(null=True)
    language = models.CharField(_("language"), max_length=5, blank=True, default="")
    area = models.CharField(_("area"), max_length=40, blank=True, default="")
    received_at = models.DateTimeField(_("received"), null=True)
    why_rejected = models.CharField(_("why rejected"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        indexes = [models.Index(fields=["scope_key"], name="document_by_scope")]

    def __str__(self) -> str:
        return self.name

    @step(
        label=_("Hand in a file"),
        source=NEW,
        target=State.RECEIVED,
        who=any_of(signed_in, system),
        form="ReceiveDocument",
    )
    def receive(self, *, by: Any, file: Any, programme: Any = None, **data: Any) -> None:
        """Keeps the file under a random name; it is checked next and can be read after that."""
        for name, value in data.items():
            setattr(self, name, value)
        self.programme = programme
        self.owner = by if getattr(by, "pk", None) else None
        self.name, self.size, self.received_at = file.name[:200], file.size, clock.now()
        self.kind = kind_of(file)
        running = hashlib.sha256()
        for chunk in file.chunks():
            running.update(chunk)
        self.sha256 = running.hexdigest()
        self.stored = keep(file)
        self.queue("facility.scan_document", key=f"scan:{self.pk}")

    @step(
        label=_("Check the file"),
        source=State.RECEIVED,
        target=RETURN_VALUE(State.CLEAN, State.REJECTED),
        who=system,
        quiet=True,
    )
    def scan_file(self, *, by: Any) -> str:
        """Compares what the file is with what its name says, and looks at the directory of packed formats."""
        from facility.registry.inspection import look_inside

        self.why_rejected = look_inside(self.read(), self.kind)
        return self.State.REJECTED if self.why_rejected else self.State.CLEAN

    @step(label=_("Erase"), source=list(State), target=State.REJECTED, who=parent_step, quiet=True)
    def erase(self, *, by: Any) -> None:
        """The person whose file it was is erased: content, name and hash go."""
        gone, self.stored = self.stored, ""
        self.name, self.sha256, self.owner = _t("Erased file"), "", None
        self.why_rejected = _t("The person whose file it was has been erased.")
        transaction.on_commit(lambda: storages["documents"].delete(gone) if gone else None)

    def after_step(self, name: str, *, by: Any) -> None:
        """A rejected file is told to whoever handed it in."""
        if name == "scan_file" and self.state == self.State.REJECTED and self.owner:
            said = gettext_noop("The file %(name)s was not accepted: %(why)s")
            self.tell(self.owner, said, name=self.name, why=self.why_rejected)

    def overseers(self) -> list[Any]:
        """The lead coordinators, where it belongs to a programme."""
        return list(leads_of(self.programme_id)) if self.programme_id else []

    def read(self) -> bytes:
        """Its bytes."""
        with storages["documents"].open(self.stored) as file:
            return file.read()


def keep(file: Any) -> str:
    """Stores an upload under a random name, and answers the name; of one that does not get through, nothing stays."""
    name = f"{uuid7().hex}.bin"
    try:
        # As a stream, since a large upload would be moved away, and a step that is tried again would not find it.
        return storages["documents"].save(name, File(file.file))
    except BaseException:
        storages["documents"].delete(name)
        raise


def kind_of(file: Any) -> str:
    """The kind by content and name; ValidationError with what is accepted when it is none of ours."""
    ending = file.name.rpartition(".")[2].lower()
    ending = {"jpeg": "jpg"}.get(ending, ending)
    if ending not in ACCEPTED:
        accepted = ", ".join(ACCEPTED)
        raise ValidationError(
            _t("%(name)s: this kind of file is not accepted. Accepted are: %(kinds)s.")
            % {"name": file.name, "kinds": accepted}
        )
    head = file.read(4096)
    file.seek(0)
    if ending in {"pdf", *PACKED, "png", "jpg"} and not _fits(head, ending):
        raise ValidationError(_t("%(name)s is not what its name says.") % {"name": file.name})
    return ending


def _fits(head: bytes, ending: str) -> bool:
    if ending in PACKED:
        return head.startswith(b"PK\x03\x04")
    try:
        return any(found.extension.lstrip(".") in {ending, "jpeg"} for found in puremagic.magic_string(head))
    except puremagic.PureError:
        return False


class Download(models.Model):
    """The plain log of who fetched which document, and when."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="downloads")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.document_id} {self.at:%Y-%m-%d %H:%M}"
