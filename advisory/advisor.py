"""Advisors: candidates, the pool that projects draw on, and whoever left it (F06, F08)."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from advisory.joinable import OPEN, Joinable
from facility.bid import AREAS
from facility.registry.cluster import ECOSYSTEMS
from facility.registry.conflicts import Conflict
from facility.registry.grants import Grant, grant
from facility.registry.people import Person
from facility.roles import any_of, held, in_force, office, parent_step, readers, system, who
from facility.workflow import door
from facility.workflow.engine import Faces, state_field
from facility.workflow.show import labelled
from facility.workflow.steps import NEW, guard, step

KINDS = [
    ("business", _("Business advisor")),
    ("sustainability", _("Sustainability advisor")),
    ("both", _("Business and sustainability advisor")),
]
# What an advisor of a kind can be assigned as.
SERVES = {"business": ("business",), "sustainability": ("sustainability",), "both": ("business", "sustainability")}

own_advisor = who("own advisor", lambda person: Q(pk__in=held(person, "advisor", scope="advisor")), "advisor")
project_fellow = who(
    "project fellow",
    lambda person: Q(
        pk__in=apps.get_model("advisory.Assignment")
        .objects.filter(
            state__in=["active", "completed"], project_id__in=held(person, "manager", "advisor", scope="project")
        )
        .values("advisor_id")
    ),
)


def revoke(person: Any, scope: str, key: Any, *, by: Any, reason: str) -> None:
    """Inside a step: ends the person's role of advisor for something."""
    for held_now in in_force().filter(person=person, role="advisor", scope_type=scope, scope_key=key):
        Grant.objects.get(pk=held_now.pk).perform("revoke", by=by, reason=reason)


class Advisor(Joinable):
    """Somebody who advises clusters: found by a CV, admitted to the pool, and assigned to projects from there."""

    class State(models.TextChoices):
        CANDIDATE = "candidate", _("Candidate")
        SHORTLISTED = "shortlisted", _("On the shortlist")
        DECLINED = "declined", _("Not admitted")
        POOL = "pool", _("In the pool")
        SUSPENDED = "suspended", _("Suspended")
        RETIRED = "retired", _("Retired")
        MERGED = "merged", _("Merged with another record")
        ERASED = "erased", _("Erased")

    records = "advisors"
    lede = _("Candidates and the pool of advisors. Search by name, area or country.")
    columns = ("kind", "area_words", "language_words", "countries", "capacity")
    list_related = ("person",)
    facts = ("kind",)
    own_facts = (
        "person__email",
        "area_words",
        "language_words",
        "countries",
        "sector_words",
        "years",
        "capacity",
        "days",
        "available_from",
        "consent",
        "consent_version",
        "consented_at",
        "keep_until",
        "erasure_asked_at",
        "interests",
    )
    staff_facts = (*own_facts, "reason_text", "merged_into")
    search_in = ("person__name", "areas", "countries")
    filter_by = ("state", "kind")
    order_by = ("-id", "person__sort_name")
    door_related = ("person", "programme")
    tones = {
        "candidate": "wait",
        "shortlisted": "wait",
        "pool": "good",
        "suspended": "warn",
        "declined": "idle",
        "retired": "done",
        "merged": "idle",
        "erased": "idle",
    }
    outside_words = {"shortlisted": _("Candidate")}
    awaits = {"candidate": ("shortlist",), "shortlisted": ("admit",)}
    shape = {
        "name": "person__name",
        "kind": "kind",
        "participant:email": "person__email",
        "participant:areas": "areas",
        "participant:languages": "languages",
        "participant:countries": "countries",
        "participant:sectors": "sectors",
        "participant:years": "years",
        "participant:capacity": "capacity",
        "participant:days": "days",
        "participant:available_from": "available_from",
        "participant:consent": "consent",
        "participant:interests": "interests",
        "participant:consented_at": "consented_at",
        "participant:consent_version": "consent_version",
        "participant:keep_until": "keep_until",
        "staff:reason": "reason_text",
    }
    # Fellows in a project see name and kind only: that is the public face, which nobody else has.
    faces = Faces(readers, own_advisor, project_fellow)

    state = state_field(State)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="advisors", verbose_name=_("person")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=KINDS)
    areas = models.JSONField(_("areas"), default=list)
    languages = models.JSONField(_("languages"), default=list)
    countries = models.JSONField(_("countries"), default=list)
    sectors = models.JSONField(_("industrial ecosystems"), default=list)
    years = models.PositiveSmallIntegerField(_("years of experience"), null=True)
    capacity = models.PositiveSmallIntegerField(_("projects at once"), default=2)
    days = models.PositiveSmallIntegerField(_("days available"), null=True)
    available_from = models.DateField(_("available from"), null=True)
    consent = models.BooleanField(_("consent to keep the CV"), default=False)
    interests = models.TextField(_("declaration of interests"), blank=True, default="")
    reason_text = models.TextField(_("reason"), blank=True, default="")

    class Meta:
        verbose_name = _("advisor")
        verbose_name_plural = _("advisors")
        constraints = [models.UniqueConstraint(fields=["programme", "person"], name="advisor_once_per_programme")]

    def __str__(self) -> str:
        return self.person.name

    @labelled(_("areas"), tells="areas")
    def area_words(self) -> list[str]:
        """The areas by their names."""
        names = dict(AREAS)
        return [str(names.get(area, area)) for area in self.areas]

    @labelled(_("industrial ecosystems"))
    def sector_words(self) -> list[str]:
        """The industrial ecosystems by their names."""
        names = dict(ECOSYSTEMS)
        return [names.get(one, one) for one in self.sectors]

    @labelled(_("languages"), tells="languages")
    def language_words(self) -> list[str]:
        """The languages with their levels."""
        return [f"{one['code']} {one.get('cefr') or ''}".strip() for one in self.languages]

    # -- guards

    @guard(_("Confirm a CV before you admit the advisor."))
    def has_confirmed_cv(self) -> bool:
        """A CV was read and confirmed; a list that has asked for all at once has it in `with_cv`."""
        known = getattr(self, "with_cv", None)
        return self.curricula.filter(state="confirmed").exists() if known is None else known

    @guard(_("The advisor has not consented to the keeping of the CV."))
    def has_consent(self) -> bool:
        """Consent is there."""
        return self.consent

    @guard(_("The declaration of interests is missing."))
    def has_declared_interests(self) -> bool:
        """Interests are declared, perhaps none."""
        return bool(self.interests.strip())

    @guard(_("Complete or replace the advisor's running assignments first."))
    def is_free(self) -> Any:
        """Nothing under way."""
        left = self.assignments.filter(state__in=["approved", "offered", "accepted", "active"]).count()
        return left == 0 or [_t("Complete or replace the advisor's running assignments first: %d.") % left]

    # -- steps

    @step(
        label=_("New candidate"), source=NEW, target=State.CANDIDATE, who=any_of(office, system), form="CreateAdvisor"
    )
    def create(self, *, by: Any, programme: Any, name: str, email: str, **data: Any) -> None:
        """Enters a candidate. Somebody new gets an account, and sets a password by mail at the first sign-in."""
        self.programme = programme
        self.person = Person.objects.known_or_new(email, name) if email else Person.objects.create_user(None, name)
        for field, value in data.items():
            setattr(self, field, value)
        self.keep_consent(is_given=False)
        grant(self.person, "advisor", "advisor", self.pk, by=by, programme=programme)

    @step(
        label=_("Edit"),
        source=list(OPEN),
        target=None,
        who=office,
        form="AdvisorForm",
        edits=True,
    )
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes kind, areas, languages, countries, sectors, experience and capacity."""
        for field, value in data.items():
            setattr(self, field, value)

    @step(
        label=_("Take over from the CV"),
        source=list(OPEN),
        target=None,
        who=parent_step,
        quiet=True,
        form="FromCv",
    )
    def take_cv(self, *, by: Any, **data: Any) -> None:
        """Areas, languages, countries, sectors and years as the confirmed CV says them."""
        for field, value in data.items():
            setattr(self, field, value)

    @step(
        label=_("Consent and declare interests"),
        source=list(OPEN),
        target=None,
        who=any_of(own_advisor, office),
        form="DeclareInterests",
    )
    def declare_interests(
        self,
        *,
        by: Any,
        consent: bool,
        interests: str,
        clusters: list[dict[str, Any]],
        consent_version: int | None = None,
    ) -> None:
        """Consent to the keeping of the CV, and every interest in a cluster; each enters the register of conflicts."""
        self.consent, self.interests = consent, interests
        self.keep_consent(is_given=consent, read=consent_version if by == self.person else None)
        known = set(Conflict.objects.filter(person=self.person_id).values_list("cluster_id", flat=True))
        for row in clusters:
            if row["cluster"].pk not in known:
                data = {
                    "person": str(self.person_id),
                    "cluster": str(row["cluster"].pk),
                    "kind": row["kind"],
                    "note": "",
                }
                Conflict().perform("declare", by=by, **data)

    @step(
        label=_("Say when you are available"),
        source=list(OPEN),
        target=None,
        who=any_of(own_advisor, office),
        form="Availability",
    )
    def tell_availability(self, *, by: Any, **data: Any) -> None:
        """Projects at once, days, and from when."""
        for field, value in data.items():
            setattr(self, field, value)

    @step(label=_("Put on the shortlist"), source=State.CANDIDATE, target=State.SHORTLISTED, who=office)
    def shortlist(self, *, by: Any) -> None:
        """Takes the candidate into the closer choice."""

    @step(
        label=_("Decline"),
        source=[State.CANDIDATE, State.SHORTLISTED],
        target=State.DECLINED,
        who=office,
        form="facility.workflow.input.ReasonForm",
    )
    def decline(self, *, by: Any, reason: str) -> None:
        """The candidate is not admitted; the reason stays with the office."""
        self.reason_text = reason
        self.tell(
            self.person,
            gettext_noop("You were not admitted to the pool of advisors of %(programme)s."),
            programme=self.programme.name,
        )

    @step(
        label=_("Admit to the pool"),
        source=State.SHORTLISTED,
        target=State.POOL,
        who=office,
        guards=[has_confirmed_cv, has_consent, has_declared_interests],
    )
    def admit(self, *, by: Any) -> None:
        """From now on the advisor can be proposed for projects."""
        grant(self.person, "advisor", "programme", self.programme_id, by=by, programme=self.programme)
        self.tell(
            self.person,
            gettext_noop("You are in the pool of advisors of %(programme)s."),
            programme=self.programme.name,
        )

    @step(
        label=_("Suspend"),
        source=State.POOL,
        target=State.SUSPENDED,
        who=office,
        form="facility.workflow.input.ReasonForm",
    )
    def suspend(self, *, by: Any, reason: str) -> None:
        """No new assignment for the time being; what runs goes on."""
        self.reason_text = reason

    @step(label=_("Reinstate"), source=State.SUSPENDED, target=State.POOL, who=office)
    def reinstate(self, *, by: Any) -> None:
        """Back in the pool."""
        self.reason_text = ""

    @step(
        label=_("Retire"),
        source=[State.POOL, State.SUSPENDED],
        target=State.RETIRED,
        who=office,
        guards=[is_free],
        form="facility.workflow.input.ReasonForm",
    )
    def retire(self, *, by: Any, reason: str) -> None:
        """The advisor leaves the pool for good and keeps sight of their own record only."""
        self.reason_text = reason
        revoke(self.person, "programme", self.programme_id, by=by, reason=_t("left the pool of advisors"))

    def after_step(self, name: str, *, by: Any) -> None:
        """Whoever may be the same person is noted; of one who follows from a CV, the CV looks around itself."""
        from advisory.duplicate import look_around, settle
        from advisory.erasing import empty_details

        passage = door.current()
        if name == "create" and (passage is None or passage.outer is None):
            look_around(self, by=by)
        if name == "erase":
            empty_details([self.pk])
        if self.state not in OPEN:
            settle(by=by, advisor=self)
            settle(by=by, other=self)

    # -- what others ask

    def facts_for(self, face: str) -> tuple[str, ...]:
        """Fellows in a project read name and kind; everything else is for the advisor and the office."""
        return self.facts + {"staff": self.staff_facts, "participant": self.own_facts}.get(face, ())

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """CVs and assignments; a proposal is not told to the advisor before it is an offer."""
        if face == "public":
            return []
        curricula = [
            [{"value": cv.document.name, "url": cv.get_absolute_url()}, cv.get_state_display(), cv.received_at]
            for cv in self.curricula.select_related("document").order_by("-received_at")
        ]
        assignments = self.assignments.select_related("project").order_by("-id")
        if face != "staff":
            assignments = assignments.exclude(state__in=["proposed", "approved", "discarded"])
        rows = [
            [
                {"value": one.project.name, "url": one.get_absolute_url()},
                one.get_kind_display(),
                one.get_state_display(),
            ]
            for one in assignments
        ]
        return [
            {
                "title": _("CVs"),
                "columns": [_("File"), _("State"), _("Received")],
                "rows": curricula,
                "empty": _("No CV yet."),
            },
            {
                "title": _("Assignments"),
                "columns": [_("Project"), _("As"), _("State")],
                "rows": rows,
                "empty": _("No assignment yet."),
            },
        ]
