"""Possible duplicates: a CV and an advisor, or two advisors, that may be one person (F06).

A pair is found when a CV is read or confirmed and when an advisor is entered. A person decides: the CV is a newer one
of this advisor, the two advisors are one, or both are kept apart, which is remembered.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.advisor import OPEN, Advisor
from advisory.curriculum import CurriculumVitae, CvField, worded
from advisory.likeness import Traits, likeness, traits_of
from facility.registry.programme import InProgramme
from facility.roles import office, parent_step
from facility.workflow import clock, door
from facility.workflow.engine import Faces, state_field
from facility.workflow.show import labelled
from facility.workflow.steps import NEW, guard, step

REASONS = {
    "email": _("e-mail"),
    "name": _("name"),
    "phone": _("phone"),
    "city": _("city"),
    "employers": _("employer"),
}
TELLING = ("full_name", "email", "phone", "city", "employment")
COMPARED = [
    ("full_name", _("Name")),
    ("email", _("E-mail")),
    ("phone", _("Phone")),
    ("city", _("City")),
    ("country", _("Country")),
    ("language", _("Language")),
    ("employment", _("Employment")),
    ("degree", _("Degree")),
]
UNCONFIRMED = ("read", "incomplete")

about_a_cv = office.when(curriculum__isnull=False)


class Duplicate(InProgramme):
    """Two that may be one person, and what was decided on them."""

    class State(models.TextChoices):
        OPEN = "open", _("To be decided")
        TAKEN = "taken", _("Newer CV of the advisor")
        MERGED = "merged", _("Merged")
        APART = "apart", _("Kept apart")
        SETTLED = "settled", _("Settled otherwise")

    records = "duplicates"
    lede = _("CVs and advisors that may be one person. You decide; nothing is merged by itself.")
    columns = ("other_title", "reason_words", "is_certain", "found_at")
    list_related = ("curriculum__document", "curriculum__advisor__person", "other__person", "advisor__person")
    facts = ("advisor", "curriculum", "other", "reason_words", "is_certain", "found_at")
    filter_by = ("state", "is_certain")
    door_related = ("programme", *list_related)
    tones = {"open": "wait", "taken": "good", "merged": "done", "apart": "idle", "settled": "done"}
    awaits = {"open": ("take_as_newer", "merge")}
    shape = {
        "advisor": "advisor_id",
        "curriculum": "curriculum_id",
        "other": "other_id",
        "in_common": "reasons",
        "certain": "is_certain",
        "found_at": "found_at",
    }
    faces = Faces(office)

    state = state_field(State)
    advisor = models.ForeignKey(Advisor, on_delete=models.PROTECT, related_name="duplicates", verbose_name=_("advisor"))
    curriculum: Any = models.ForeignKey(
        CurriculumVitae, null=True, on_delete=models.PROTECT, related_name="duplicates", verbose_name=_("CV")
    )
    other: Any = models.ForeignKey(
        Advisor, null=True, on_delete=models.PROTECT, related_name="other_duplicates", verbose_name=_("other advisor")
    )
    reasons = models.JSONField(default=list)
    is_certain = models.BooleanField(_("certain"), default=False)
    found_at = models.DateTimeField(_("found"), null=True)

    class Meta:
        verbose_name = _("possible duplicate")
        verbose_name_plural = _("possible duplicates")
        constraints = [
            models.UniqueConstraint(fields=["advisor", "curriculum"], name="duplicate_once_per_cv"),
            models.UniqueConstraint(fields=["advisor", "other"], name="duplicate_once_per_pair"),
            models.CheckConstraint(
                condition=Q(curriculum__isnull=True) ^ Q(other__isnull=True), name="duplicate_of_one_thing"
            ),
        ]

    def __str__(self) -> str:
        return str(self.advisor)

    @labelled(_("compared with"))
    def other_title(self) -> str:
        """Whom the advisor is compared with."""
        return str(self.curriculum or self.other)

    @labelled(_("in common"))
    def reason_words(self) -> list[str]:
        """What they have in common."""
        return [str(REASONS[one]) for one in self.reasons]

    # -- guards

    @guard(_("The CV is confirmed or was refused by now."))
    def has_open_cv(self) -> bool:
        """The CV waits to be confirmed."""
        return bool(self.curriculum) and self.curriculum.state in UNCONFIRMED

    @guard(_("The advisor was declined or has retired."))
    def has_open_advisor(self) -> bool:
        """The advisor's record can still change."""
        return self.advisor.state in OPEN

    @guard(_("One of the two is not an open record any more."))
    def has_two_open(self) -> Any:
        """Both can still change."""
        if self.other is None:
            return [_t("Two advisors are merged; a CV is taken as a newer one of the advisor.")]
        return self.advisor.state in OPEN and self.other.state in OPEN

    @guard(_("Both have the same e-mail address. Mend the address in the CV first, then keep them apart."))
    def has_own_address(self) -> bool:
        """One address is one person here."""
        if self.curriculum is None:
            return True
        own = self.curriculum.fields.filter(name="email").values_list("value", flat=True).first()
        return not own or str(own).lower() != (self.advisor.person.email or "")

    # -- steps

    @step(label=_("Found"), source=NEW, target=State.OPEN, who=parent_step, quiet=True)
    def find(self, *, by: Any) -> None:
        """What was read says that these may be one person; advisor, CV or other and reasons are set before."""
        self.programme_id, self.found_at = self.advisor.programme_id, clock.now()

    @step(
        label=_("Take as newer CV of this advisor"),
        source=State.OPEN,
        target=State.TAKEN,
        who=about_a_cv,
        guards=[has_open_cv, has_open_advisor],
    )
    def take_as_newer(self, *, by: Any) -> None:
        """The CV belongs to this advisor: once it is confirmed it replaces the one before."""
        self.curriculum.perform("attach", by=by, advisor=str(self.advisor_id))

    @step(label=_("Take that back"), source=State.TAKEN, target=State.OPEN, who=about_a_cv, guards=[has_open_cv])
    def undo_take(self, *, by: Any) -> None:
        """The CV belongs to nobody again, as long as it is not confirmed."""
        self.curriculum.perform("detach", by=by)

    @step(
        label=_("Merge the two"),
        source=State.OPEN,
        target=State.MERGED,
        who=office,
        guards=[has_two_open],
        form="MergeAdvisors",
    )
    def merge(self, *, by: Any, keep: Advisor, gone: Advisor) -> None:
        """CVs, assignments, sessions and interests of both go to the one that stays. This cannot be taken back."""
        keep.perform("absorb", by=by, other=str(gone.pk))

    @step(label=_("Keep apart"), source=State.OPEN, target=State.APART, who=office, guards=[has_own_address])
    def keep_apart(self, *, by: Any) -> None:
        """These are two people; the pair is not offered again."""

    @step(label=_("Look at it again"), source=State.APART, target=State.OPEN, who=office)
    def reopen(self, *, by: Any) -> None:
        """Takes back that they were kept apart."""

    @step(label=_("Settle"), source=State.OPEN, target=State.SETTLED, who=parent_step, quiet=True)
    def settle(self, *, by: Any) -> None:
        """It was decided in another way: the CV was confirmed or refused, or one of the two has gone."""

    # -- what the page shows

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Both side by side."""
        columns = [_("Field"), _t("Advisor: %s") % self.advisor, str(self.other_title())]
        left = said_of(CurriculumVitae.objects.filter(advisor=self.advisor, state="confirmed").first(), self.advisor)
        right = said_of(
            self.curriculum or CurriculumVitae.objects.filter(advisor=self.other, state="confirmed").first(), self.other
        )
        rows = [[label, left.get(name, []), right.get(name, [])] for name, label in COMPARED]
        return [{"title": _("Side by side"), "columns": columns, "rows": rows, "empty": ""}]


def said_of(cv: CurriculumVitae | None, advisor: Advisor | None) -> dict[str, list[str]]:
    """What a CV says by name of field, name and address of the advisor where it says none."""
    said: dict[str, list[str]] = {}
    for one in cv.fields.order_by("order") if cv else []:
        said.setdefault(one.name, []).append(worded(one.name, one.value))
    if advisor:
        said.setdefault("full_name", [advisor.person.name])
        said.setdefault("email", [advisor.person.email or ""])
    return said


# -- finding


def look_for(cv: CurriculumVitae, *, by: Any) -> None:
    """Inside the step that read a CV of somebody new: notes the advisors of the programme that may be this person."""
    own = traits_of(list(cv.fields.filter(name__in=TELLING).order_by("order").values_list("name", "value")))
    for advisor, traits in known_traits(cv.programme_id):
        found = likeness(own, traits)
        if found:
            note(Duplicate(advisor=advisor, curriculum=cv, reasons=found[0], is_certain=found[1]), by=by)


def look_around(advisor: Advisor, *, by: Any) -> None:
    """Inside a step of an advisor: notes the other advisors and the unconfirmed CVs that may be this person."""
    known = known_traits(advisor.programme_id)
    own = next((traits for one, traits in known if one.pk == advisor.pk), None)
    if own is None:
        return
    for other, traits in known:
        if other.pk != advisor.pk and (found := likeness(own, traits)):
            first, second = sorted((advisor, other), key=lambda one: one.pk)
            note(Duplicate(advisor=first, other=second, reasons=found[0], is_certain=found[1]), by=by)
    waiting: dict[Any, list[tuple[str, Any]]] = {}
    rows = CvField.objects.filter(
        curriculum__programme=advisor.programme_id,
        curriculum__advisor__isnull=True,
        curriculum__state__in=UNCONFIRMED,
        name__in=TELLING,
    )
    for key, name, value in rows.order_by("curriculum_id", "order").values_list("curriculum_id", "name", "value"):
        waiting.setdefault(key, []).append((name, value))
    for key, fields in waiting.items():
        if found := likeness(own, traits_of(fields)):
            note(Duplicate(advisor=advisor, curriculum_id=key, reasons=found[0], is_certain=found[1]), by=by)


def known_traits(programme_id: Any) -> list[tuple[Advisor, Traits]]:
    """The open advisors of a programme with what their confirmed CV says; two statements, however many."""
    advisors = list(Advisor.objects.filter(programme=programme_id, state__in=OPEN).select_related("person"))
    said: dict[Any, list[tuple[str, Any]]] = {}
    rows = CvField.objects.filter(
        curriculum__advisor__programme=programme_id, curriculum__state="confirmed", name__in=TELLING
    )
    for key, name, value in rows.order_by("order").values_list("curriculum__advisor_id", "name", "value"):
        said.setdefault(key, []).append((name, value))
    return [
        (one, traits_of(said.get(one.pk, []), name=one.person.name, email=one.person.email or "")) for one in advisors
    ]


def note(pair: Duplicate, *, by: Any) -> None:
    """Keeps a pair, unless it is known; what was kept apart stays so."""
    same = Duplicate.objects.filter(advisor=pair.advisor_id, curriculum=pair.curriculum_id, other=pair.other_id)
    if not same.exists():
        pair.perform("find", by=by)


def settle(*, by: Any, **of: Any) -> None:
    """Closes the open pairs that these words name, but for one that is just being decided."""
    decided: set[Any] = set()
    passage = door.current()
    while passage is not None:
        decided |= passage.ids
        passage = passage.outer
    for pair in Duplicate.objects.filter(state=Duplicate.State.OPEN, **of).exclude(pk__in=decided).order_by("pk"):
        pair.perform("settle", by=by)


__all__ = ["Duplicate"]
