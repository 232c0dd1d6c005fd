"""Agreements: what one advisor and one cluster agree on (targets, days and deliverables), signed by both sides."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import formats, translation
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_fsm import RETURN_VALUE

from facility.instruments.signature import Signature, publish, sign, texts_of
from facility.registry.programme import InProgramme
from facility.roles import any_of, held, holders, office, parent_step, readers, staff_of, who
from facility.workflow.clock import Due
from facility.workflow.engine import Faces, state_field
from facility.workflow.show import labelled
from facility.workflow.steps import NEW, guard, step

from .voices import lead_manager_on, manager_on, untied

SIDES = {"advisor": _("the advisor"), "manager": _("the cluster")}

own_advisor = who(
    "own advisor", lambda person: Q(assignment__advisor_id__in=held(person, "advisor", scope="advisor")), "advisor"
)
# Across a conflict nobody reads what was agreed, or writes it; why nothing is signed then is said to whoever tries.
untied_advisor = untied(own_advisor, "project_id")
lead_manager = lead_manager_on("project__application")


class Agreement(InProgramme):
    """The agreement of one assignment: no work begins before advisor and cluster have signed its present text."""

    class State(models.TextChoices):
        OPEN = "open", _("To be signed")
        SIGNED = "signed", _("Signed by both")
        ENDED = "ended", _("Ended")

    records = "agreements"
    lede = _("Targets, days and deliverables, as advisor and cluster sign them before work begins.")
    columns = ("advisor_name", "days", "text_number", "signed_words")
    list_related = ("project__application__lead_cluster", "assignment__advisor__person")
    facts = ("project", "advisor_name", "days", "text_number", "signed_words")
    filter_by = ("state", "project")
    door_related = ("programme", "project__application__lead_cluster", "assignment__advisor__person")
    tones = {"open": "wait", "signed": "good", "ended": "idle"}
    clocks = {"open": (Due(7),)}
    awaits = {"open": ("sign",)}
    shape = {
        "project": {"id": "project_id", "name": "project__name"},
        "assignment": "assignment_id",
        "advisor": {"id": "assignment__advisor_id", "name": "assignment__advisor__person__name"},
        "targets": "targets",
        "days": "days",
        "deliverables": "deliverables",
        "text": "text",
        "text_number": "text_number",
        "advisor_has_signed": "advisor_has_signed",
        "manager_has_signed": "manager_has_signed",
    }
    # The manager reads it, and with it the advisor's name, from the moment it waits for the cluster's signature.
    faces = Faces(readers, any_of(untied_advisor, manager_on("project_id")))

    state = state_field(State)
    project = models.ForeignKey(
        "advisory.Project", on_delete=models.PROTECT, related_name="agreements", verbose_name=_("project")
    )
    assignment = models.OneToOneField(
        "advisory.Assignment", on_delete=models.PROTECT, related_name="agreement", verbose_name=_("assignment")
    )
    targets = models.TextField(_("targets"))
    days = models.PositiveSmallIntegerField(_("days"))
    deliverables = models.JSONField(_("deliverables"), default=list)
    language = models.CharField(max_length=5, default="en")
    text = models.TextField(_("text"))
    text_number = models.PositiveSmallIntegerField(_("version of the text"), default=1)
    advisor_has_signed = models.BooleanField(_("signed by the advisor"), default=False)
    manager_has_signed = models.BooleanField(_("signed by the cluster"), default=False)

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")

    def __str__(self) -> str:
        return self.project.name

    def title(self) -> str:
        """The project's name."""
        return self.project.name

    @property
    def lang(self) -> str:
        """The language of the name it is shown under."""
        return self.project.lang

    @labelled(_("advisor"))
    def advisor_name(self) -> str:
        """Who advises under it."""
        return self.assignment.advisor.person.name

    @labelled(_("signatures"))
    def signed_words(self) -> str:
        """Who has signed, and who is waited for."""
        given = {"advisor": self.advisor_has_signed, "manager": self.manager_has_signed}
        return ", ".join(
            (_t("%s has signed") if given[side] else _t("%s has not signed yet")) % label
            for side, label in SIDES.items()
        )

    # -- guards

    @guard(_("The advisor has a conflict of interest."))
    def has_no_conflict(self) -> Any:
        """Nothing is signed across a conflict."""
        return self.assignment.has_no_conflict()

    # -- steps

    @step(
        label=_("Draft an agreement"),
        source=NEW,
        target=State.OPEN,
        who=any_of(office, untied_advisor),
        form="DraftAgreement",
    )
    def draft(self, *, by: Any, assignment: Any, **data: Any) -> None:
        """Targets, days and deliverables of one assignment. Both sides are asked by mail to read and sign."""
        self.assignment, self.project, self.programme_id = assignment, assignment.project, assignment.programme_id
        self.language = (get_language() or "en")[:5]
        self.put(data)

    @step(
        label=_("Change the agreement"),
        source=[State.OPEN, State.SIGNED],
        target=RETURN_VALUE(State.OPEN, State.SIGNED),
        who=any_of(office, untied_advisor),
        form="ReviseAgreement",
        edits=True,
    )
    def revise(self, *, by: Any, **data: Any) -> str:
        """A changed text is a new version that both sides sign anew; earlier versions stay readable."""
        self.put(data)
        return self.standing()

    @step(
        label=_("Follow the project"),
        source=[State.OPEN, State.SIGNED],
        target=RETURN_VALUE(State.OPEN, State.SIGNED),
        who=parent_step,
        quiet=True,
    )
    def follow(self, *, by: Any) -> str:
        """The project's dates or targets have changed; where the text names them, it is signed anew."""
        self.put({name: getattr(self, name) for name in ("targets", "days", "deliverables")})
        return self.standing()

    @step(
        label=_("Sign the agreement"),
        source=State.OPEN,
        target=RETURN_VALUE(State.OPEN, State.SIGNED),
        who=any_of(own_advisor.when(advisor_has_signed=False), lead_manager.when(manager_has_signed=False)),
        guards=[has_no_conflict],
        form="SignAgreement",
    )
    def sign(self, *, by: Any, seen: str) -> str:
        """You agree to targets, days and deliverables as the text below says them."""
        is_advisor = by.pk == self.assignment.advisor.person_id and not self.advisor_has_signed
        sign(self, by, seen, "advisor" if is_advisor else "manager")
        if is_advisor:
            self.advisor_has_signed = True
        else:
            self.manager_has_signed = True
        return self.standing()

    @step(label=_("Send the links again"), source=State.OPEN, target=None, who=office)
    def ask_again(self, *, by: Any) -> None:
        """A new link to everybody who has not signed; the one before it ends."""
        self.ask()

    @step(label=_("End"), source=[State.OPEN, State.SIGNED], target=State.ENDED, who=parent_step, quiet=True)
    def end(self, *, by: Any) -> None:
        """The assignment was withdrawn or the advisor replaced; what was signed stays readable."""

    def after_step(self, name: str, *, by: Any) -> None:
        """The days count for the assignment from now on; when both have signed, everybody is told.

        The assignment is asked also for days that it has: it may have ended while the agreement was written.
        """
        if name in {"draft", "revise"}:
            self.assignment.perform("take_days", by=by, days=self.days)
        if name == "sign" and self.state == self.State.SIGNED:
            people = [self.assignment.advisor.person, *self.managers(), *staff_of(self.programme_id)]
            self.tell(people, gettext_noop("The agreement of %(project)s is signed."), project=self.project.name)

    # -- what the steps use

    def put(self, data: dict[str, Any]) -> None:
        """Inside a step: the content and its text. Signatures under another text do not count for this one."""
        for name, value in data.items():
            setattr(self, name, value)
        with translation.override(self.language):
            text = publish(self, self.worded())
        is_new = self._state.adding or text.number != self.text_number
        self.text, self.text_number = text.text, text.number
        given = set(text.signatures.values_list("signs_for", flat=True))
        self.advisor_has_signed, self.manager_has_signed = "advisor" in given, "manager" in given
        if is_new:
            self.ask()

    def worded(self) -> str:
        """The text to be signed. It names the two sides and no person; who signed stands under it."""
        project = self.project
        lines = [
            _t("Agreement on the support of %s") % project.name,
            _t("Between the advisor (%s) and the cluster that leads the project.") % self.assignment.get_kind_display(),
            _t("Support lasts from %(first)s to %(last)s. The advisor gives up to %(days)d days.")
            % {"first": _day(project.starts_on), "last": _day(project.ends_on), "days": self.days},
            _t("Targets") + ":\n" + self.targets,
            _t("Firms to be reached by the project: %d.") % project.firms_targeted,
            _t("Deliverables")
            + ":\n"
            + "\n".join(
                f"{at}. {one['text']} ({_day(dt.date.fromisoformat(one['due_on']))})"
                for at, one in enumerate(self.deliverables, 1)
            ),
        ]
        return "\n\n".join(lines)

    def standing(self) -> str:
        """Signed once both have signed."""
        return self.State.SIGNED if self.advisor_has_signed and self.manager_has_signed else self.State.OPEN

    def managers(self) -> Any:
        """Who signs for the cluster."""
        return holders("manager", scope="cluster", key=self.project.application.lead_cluster_id)

    def unsigned_people(self) -> list[Any]:
        """Whose signature is waited for."""
        waited = [] if self.advisor_has_signed else [self.assignment.advisor.person]
        return waited + ([] if self.manager_has_signed else list(self.managers()))

    def ask(self) -> None:
        """Inside a step: a mail with a link to everybody who has not signed."""
        for person in self.unsigned_people():
            self.queue("facility.ask_by_mail", person=str(person.pk), step="sign")

    def awaited_people(self) -> list[Any]:
        """Those who have not signed."""
        return self.unsigned_people()

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Deliverables, signatures with the digest of what was signed, and earlier texts."""
        signatures = Signature.objects.filter(signed__in=texts_of(self)).select_related("signed", "person")
        return [
            {
                "title": _("Deliverables"),
                "columns": [_("Deliverable"), _("Due")],
                "rows": [[one["text"], dt.date.fromisoformat(one["due_on"])] for one in self.deliverables],
                "empty": _("No deliverable is agreed."),
            },
            {
                "title": _("Signatures"),
                "columns": [_("Version"), _("For"), _("Person"), _("When"), _("Digest of the text")],
                "rows": [
                    [one.signed.number, SIDES[one.signs_for], one.person.name, one.at, one.signed.sha256[:16]]
                    for one in signatures.order_by("-signed__number", "at", "pk")
                ],
                "empty": _("Nobody has signed yet."),
            },
            {
                "title": _("Earlier texts"),
                "columns": [_("Version"), _("Text")],
                "rows": [[one.number, one.text] for one in texts_of(self).filter(number__lt=self.text_number)],
                "empty": _("This is the first text."),
            },
        ]


def lacking_signatures(assignment: Any) -> list[str]:
    """A sentence for each thing that the agreement of an assignment lacks; none when both have signed it."""
    agreement = Agreement.objects.filter(assignment=assignment.pk).exclude(state=Agreement.State.ENDED).first()
    if agreement is None:
        return [_t("There is no agreement of targets, days and deliverables yet; draft it first.")]
    said = {
        _t("The advisor has not signed the agreement of targets, days and deliverables."): agreement.advisor_has_signed,
        _t("The cluster manager has not signed the agreement of targets, days and deliverables."): (
            agreement.manager_has_signed
        ),
    }
    return [sentence for sentence, is_signed in said.items() if not is_signed]


def _day(value: dt.date) -> str:
    return formats.date_format(value, "j F Y")


__all__ = ["Agreement", "lacking_signatures"]
