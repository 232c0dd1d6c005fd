"""The terms under which somebody advises: a text of the programme with numbered versions, named by every offer."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import translation
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext_lazy as _

from facility.instruments.signature import publish, sign, texts_of
from facility.registry.programme import Programme
from facility.roles import held, lead, readers, who
from facility.workflow import clock
from facility.workflow.engine import Faces, Record
from facility.workflow.steps import step

# Version 0, in force until the lead coordinator writes another.
STANDARD = gettext_noop(
    "I advise the cluster independently and to the best of my knowledge. I keep confidential what I learn about the "
    "cluster and its members, also after the end. I log my sessions truthfully and within the days that are agreed. I "
    "say at once when an interest of mine touches the cluster, a partner or a member, and stop work until the "
    "coordinator has decided. What I write for the cluster belongs to the cluster; the programme may report on it."
)

advisor_there = who("advisor of the programme", lambda person: Q(programme_id__in=held(person, "advisor")), "advisor")


class Terms(Record):
    """One version of the text, in one or more languages."""

    records = "terms"
    lede = _("The terms of an assignment of each programme; offers name the newest version.")
    columns = ("programme", "number", "written_at")
    facts = ("programme", "number", "written_at", "text", "texts")
    filter_by = ("programme",)
    order_by = ("-id", "number")
    door_related = ("programme",)
    shape = {"programme": "programme_id", "number": "number", "text": "text", "texts": "texts", "written": "written_at"}
    faces = Faces(readers, advisor_there)

    programme = models.ForeignKey(
        Programme, on_delete=models.PROTECT, related_name="terms", verbose_name=_("programme")
    )
    number = models.PositiveSmallIntegerField(_("version"))
    text = models.TextField(_("text"))
    texts = models.JSONField(_("text by language"), default=dict)
    written_at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("terms of an assignment")
        verbose_name_plural = _("terms of assignments")
        constraints = [models.UniqueConstraint(fields=["programme", "number"], name="terms_number_once_per_programme")]

    def __str__(self) -> str:
        return f"{self.programme}, {self.number}"

    def words(self) -> str:
        """The text in the active language; as it was written where there is no other."""
        return self.texts.get((get_language() or "en")[:2]) or self.text

    @step(label=_("Write terms"), new=True, who=lead, form="TermsForm")
    def write(self, *, by: Any, programme: Programme, text: str, texts: dict[str, str]) -> None:
        """A new version of the text. Offers made from now on name it; what was signed stays under its own version."""
        self.programme, self.text, self.texts, self.written_at = programme, text, texts, clock.now()
        self.number = terms_in_force(programme.pk).number + 1


def terms_in_force(programme_id: Any) -> Terms:
    """The version that an offer names now; where none is written, the standard text, which has the number 0."""
    written = Terms.objects.filter(programme=programme_id).order_by("-number").first()
    return written or Terms(number=0, text=str(_(STANDARD)))


def name_terms(assignment: Any) -> None:
    """Inside a step of the assignment: the terms in force are the ones to sign, in the advisor's language."""
    with translation.override(assignment.advisor.person.language):
        terms = terms_in_force(assignment.programme_id)
        publish(assignment, terms.words())
    assignment.terms_number = terms.number


def sign_terms(assignment: Any, by: Any) -> None:
    """Inside a step of the assignment: a signature under the text that its offer has named."""
    if assignment.terms_number is None:
        name_terms(assignment)
    sign(assignment, by, texts_of(assignment)[0].sha256)


__all__ = ["Terms", "name_terms", "sign_terms", "terms_in_force"]
