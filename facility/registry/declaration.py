"""The declaration of honour that applicants sign: its text has versions, and each asks for a signature of its own."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext_lazy as _

from facility.roles import lead, public, readers
from facility.workflow import clock
from facility.workflow.engine import Faces, Record
from facility.workflow.steps import step

from .programme import Programme

# Version 0, in force until the lead coordinator writes another.
STANDARD = gettext_noop(
    "We declare on our honour that what this application says is true and complete, that the clusters named in it take "
    "part in it, and that nobody who decides on it has been offered anything for doing so."
)


class Declaration(Record):
    """One version of the text."""

    records = "declarations"
    lede = _("The declaration of honour of each programme; the newest version is the one to sign.")
    columns = ("programme", "number", "written_at")
    facts = ("programme", "number", "written_at", "text", "texts")
    filter_by = ("programme",)
    order_by = ("-id", "number")
    door_related = ("programme",)
    shape = {"programme": "programme_id", "number": "number", "text": "text", "texts": "texts", "written": "written_at"}
    faces = Faces(readers, public=public)

    programme = models.ForeignKey(
        Programme, on_delete=models.PROTECT, related_name="declarations", verbose_name=_("programme")
    )
    number = models.PositiveSmallIntegerField(_("version"))
    text = models.TextField(_("text"))
    texts = models.JSONField(_("text by language"), default=dict)
    written_at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("declaration of honour")
        verbose_name_plural = _("declarations of honour")
        constraints = [
            models.UniqueConstraint(fields=["programme", "number"], name="declaration_number_once_per_programme")
        ]

    def __str__(self) -> str:
        return f"{self.programme}, {self.number}"

    def words(self) -> str:
        """The text in the active language; as it was written where there is no other."""
        return self.texts.get((get_language() or "en")[:2]) or self.text

    @step(label=_("Write a declaration"), new=True, who=lead, form="DeclarationForm")
    def write(self, *, by: Any, programme: Programme, text: str, texts: dict[str, str]) -> None:
        """A new version of the text. Drafts that are signed under an older one are to be signed again."""
        self.programme, self.text, self.texts, self.written_at = programme, text, texts, clock.now()
        self.number = in_force(programme.pk).number + 1


def in_force(programme_id: Any) -> Declaration:
    """The version to sign now; where none is written, the standard text, which has the number 0."""
    written = Declaration.objects.filter(programme=programme_id).order_by("-number").first()
    return written or standard()


def standard() -> Declaration:
    """Version 0."""
    return Declaration(number=0, text=str(_(STANDARD)))
