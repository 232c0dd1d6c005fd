"""What a project holds, and what must be true of it before a step: guards and parts of `project.py`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import translation
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.bid import AREAS
from facility.registry.cluster import Cluster
from facility.registry.programme import InProgramme
from facility.roles import holders, staff_of
from facility.workflow import clock
from facility.workflow.engine import Part
from facility.workflow.steps import guard

from .agreement import lacking_signatures
from .voices import VOICES

# What becomes of the assignments of a project that is over, by their state.
LAST_STEPS = ((("active",), "complete"), (("offered", "accepted"), "withdraw"), (("proposed", "approved"), "discard"))


class Case(InProgramme):
    """The guards of a project, and what others ask of it."""

    actions: Any
    assessment: Any
    assignments: Any
    final_note: str
    lessons: Any
    needs: Any
    note_approved_at: Any
    parties: Any
    roadmap_id: Any
    sessions: Any
    signatures: Any
    state: str

    class Meta:
        abstract = True

    @guard(_("The three voices must agree on the order of needs first."))
    def has_agreed_needs(self) -> bool:
        """The assessment is agreed, also after it was opened again."""
        return self.assessment.state == "agreed"

    @guard(_("Plan at least one action."))
    def has_actions(self) -> bool:
        """Something is planned."""
        return self.actions.exclude(state="dropped").exists()

    @guard(_("Each action must point to a need that stands."))
    def has_a_need_for_each_action(self) -> Any:
        """No action serves a need that was withdrawn (F12)."""
        stray = self.actions.exclude(state="dropped").filter(need__state="withdrawn")
        return [
            _t("The need behind the action “%s” was withdrawn; drop the action or plan it anew.") % a.title_text
            for a in stray
        ] or True

    @guard(_("The agreement must be signed."))
    def is_signed(self) -> Any:
        """The lead advisor's agreement of targets, days and deliverables is signed by advisor and manager."""
        leading = self.assignments.filter(state="active").order_by("-is_lead", "kind", "pk").first()
        if leading is None:
            return [_t("The project has no advisor at work.")]
        return lacking_signatures(leading) or True

    @guard(_("Approve at least one session before you close."))
    def has_approved_session(self) -> bool:
        """Individual help was given (F10)."""
        return self.sessions.filter(state="approved").exists()

    @guard(_("Settle the sessions that are still under way before you close."))
    def is_without_open_sessions(self) -> Any:
        """Nothing can change the ledger later."""
        waiting = self.sessions.filter(state__in=["logged", "disputed", "confirmed"]).order_by("held_on", "pk")
        return [
            _t("The session of %(day)s is %(state)s; approve or settle it first.") % one.in_words() for one in waiting
        ] or True

    @guard(_("Record at least one lesson before you close."))
    def has_lessons(self) -> bool:
        """Something was learned."""
        return self.lessons.exists()

    @guard(_("Record the outcome of each need before you close."))
    def has_outcome_for_each_need(self) -> Any:
        """Every need that stands says what became of it."""
        return [
            _t("Record what became of the need “%s”.") % need.text
            for need in self.needs.filter(state="named").order_by("rank", "pk")
        ] or True

    @guard(_("Hand over the roadmap before you close."))
    def has_roadmap(self) -> bool:
        """The cluster has its roadmap."""
        return self.roadmap_id is not None

    @guard(_("The cluster manager must approve the final note."))
    def has_approved_note(self) -> Any:
        """A note is there and approved as it stands."""
        if not self.final_note:
            return [_t("Write the final note; the cluster manager approves it then.")]
        return self.note_approved_at is not None

    # -- what others ask

    def sign(self, subject: str, voice: str, by: Any) -> None:
        """Inside a step: puts a signature."""
        Signature(project_id=self.pk, subject=subject, voice=voice, by=by, at=clock.now()).save()

    def unsign(self, subject: str) -> list[str]:
        """Inside a step: what was signed has changed; answers whose signatures fell away."""
        gone = self.signatures.filter(subject=subject)
        voices = sorted(one.voice for one in gone)
        gone.delete()
        return voices

    def end_assignments(self, by: Any) -> None:
        """Inside a step: whoever is at work is done, whoever was asked reads why not, and proposals are taken back."""
        rows = self.assignments.filter(state__in=[state for states, _name in LAST_STEPS for state in states])
        # Locked first: an answer that is given at this moment comes before the end or is refused after it.
        locked = rows.order_by("pk").select_for_update(no_key=True, of=("self",))
        standing = list(locked.select_related("advisor__person"))
        reason = _("The project was closed.") if self.state == "closed" else _("The project was stopped.")
        for states, name in LAST_STEPS:
            for one in (one for one in standing if one.state in states):
                # The advisor reads it, and it is kept as it is worded now.
                with translation.override(one.advisor.person.language or None):
                    one.perform(name, by=by, **({} if name == "complete" else {"reason": str(reason)}))

    def managers(self) -> Any:
        """The people who manage its clusters."""
        return holders("manager", scope="project", key=self.pk)

    def advisors(self) -> Any:
        """The people who advise it now."""
        return holders("advisor", scope="project", key=self.pk)

    def awaited_people(self) -> list[Any]:
        """While a signature or an approval is missing, advisor and manager; else the office."""
        return [*self.advisors(), *self.managers()] if self.state == "planning" else list(staff_of(self.programme_id))


class ProjectCluster(Part):
    """A cluster of a project: its lead or a partner."""

    project = models.ForeignKey("advisory.Project", on_delete=models.PROTECT, related_name="parties")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="parties")
    is_lead = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "cluster"], name="cluster_once_per_project")]

    def __str__(self) -> str:
        return self.cluster.name


class Signature(Part):
    """What a voice has signed: the order of needs; before agreements were records of their own, the agreement too."""

    project = models.ForeignKey("advisory.Project", on_delete=models.PROTECT, related_name="signatures")
    subject = models.CharField(max_length=20, choices=[("agreement", _("agreement")), ("order", _("order of needs"))])
    voice = models.CharField(max_length=20, choices=VOICES)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "subject", "voice"], name="voice_signs_once")]

    def __str__(self) -> str:
        return f"{self.get_subject_display()}: {self.get_voice_display()}"


class Lesson(Part):
    """Something learned, with the role of whoever wrote it."""

    project = models.ForeignKey("advisory.Project", on_delete=models.PROTECT, related_name="lessons")
    area = models.CharField(max_length=40, choices=AREAS, blank=True, default="")
    text = models.TextField()
    role = models.CharField(max_length=20, choices=VOICES)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.text
