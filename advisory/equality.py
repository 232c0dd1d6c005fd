"""What people tell of themselves for reports on equality, and for nothing else (F07).

Kept apart from the record of the advisor: nobody but the person reads it, and no match sees it. Reports count groups of
five or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from advisory.advisor import Advisor
from facility.roles import held, parent_step, who
from facility.workflow.engine import Faces, Record
from facility.workflow.steps import step

GENDERS = [("woman", _("Woman")), ("man", _("Man")), ("other", _("Another gender"))]
oneself = who(
    "the person",
    lambda person: Q(
        person=person,
        person__in=Advisor.objects.filter(pk__in=held(person, "advisor", scope="advisor")).values("person"),
    ),
    "advisor",
)
nobody = who("nobody", lambda person: Q(pk__in=[]))


class Equality(Record):
    """What one person told of themselves, once; it can be changed and taken back at any time."""

    records = "equality"
    lede = _(
        "For reports on equality only. Nobody else reads what you tell, it never enters a score, and groups of fewer "
        "than five people are not shown."
    )
    columns = ("gender",)
    facts = ("gender",)
    door_related = ("person",)
    untrailed = frozenset({"gender"})
    shape = {"gender": "gender"}
    faces = Faces(nobody, oneself)

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="equality", verbose_name=_("person")
    )
    gender = models.CharField(_("gender"), max_length=10, choices=GENDERS, blank=True, default="")

    class Meta:
        verbose_name = _("statement for equality")
        verbose_name_plural = _("statements for equality")

    def __str__(self) -> str:
        return str(_("What I tell for reports on equality"))

    @step(label=_("Tell"), new=True, who=oneself, form="EqualityForm")
    def tell_gender(self, *, by: Any, gender: str) -> None:
        """Tells it for reports, of your own accord."""
        self.person, self.gender = by, gender

    @step(label=_("Change or take back"), who=oneself, form="EqualityForm", edits=True)
    def change(self, *, by: Any, gender: str) -> None:
        """Changes it; nothing chosen takes it back."""
        self.gender = gender

    @step(label=_("Erase"), who=parent_step, quiet=True)
    def erase(self, *, by: Any) -> None:
        """The person was erased."""
        self.gender = ""


def genders_of(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Of the advisors of a run, by advisor id, where told; for sums, never for a score."""
    asked = [one["id"] for one in inputs["advisors"]]
    rows = Equality.objects.filter(person__advisors__in=asked).exclude(gender="")
    return {str(advisor): gender for advisor, gender in rows.values_list("person__advisors", "gender")}
