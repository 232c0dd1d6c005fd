"""What must be true of an assignment before a step, and what days and places are left: guards of `assignment.py`."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db.models import Exists, F, OuterRef, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import formats
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.advisor import Advisor
from advisory.agreement import lacking_signatures
from advisory.preference import excluded
from advisory.speaking import speaks_one_of, working_languages
from facility.registry.conflicts import tied_clusters
from facility.registry.programme import InProgramme
from facility.workflow import clock
from facility.workflow.steps import guard

# States in which an assignment takes a place on the project and one of the advisor's.
LIVE = ("approved", "offered", "accepted", "active")
# States in which the days that were agreed are spoken for; of a replaced advisor only those that were worked are.
COMMITTED = (*LIVE, "completed")
HOURS_PER_DAY = 8
# States of a project that nothing follows.
OVER = ("closed", "stopped")
# Whose days count as agreed, and whose only as worked: what a stop or a replacement ended early is no promise any more.
ENDED_EARLY = Q(state="replaced") | Q(state="completed", project__state="stopped")
STANDING = Q(state__in=COMMITTED) & ~ENDED_EARLY
# Who is named as a project's advisor: whoever is at work, and once it is over whoever was until its end.
NAMED = Q(state="active") | Q(state="completed", project__state__in=OVER)


class Checked(InProgramme):
    """The guards of an assignment."""

    advisor: Any
    advisor_id: Any
    days: int | None
    has_declared_interests: bool
    has_signed_terms: bool
    kind: str
    lapses_at: Any
    project: Any
    project_id: Any

    class Meta:
        abstract = True

    @guard(_("The advisor is not in the pool."))
    def is_in_pool(self) -> Any:
        """Nobody suspended, retired or not yet admitted."""
        return self.advisor.state == Advisor.State.POOL or [_t("%s is not in the pool.") % self.advisor]

    @guard(_("The advisor would not read the offer."))
    def can_be_reached(self) -> Any:
        """The advisor has an address, and an account that is open."""
        person = self.advisor.person
        if not person.email:
            return [_t("%s has no e-mail address and would not read the offer.") % self.advisor]
        return person.is_active or [_t("The account of %s is closed; the offer would not be read.") % self.advisor]

    @guard(_("The advisor has a conflict of interest."))
    def has_no_conflict(self) -> Any:
        """The advisor has no interest in any cluster of the project."""
        return [
            _t("%(advisor)s has a conflict of interest with %(cluster)s.") % {"advisor": self.advisor, "cluster": one}
            for one in conflicts_of(self.advisor, self.project)
        ] or True

    @guard(_("Advisor or cluster have asked not to be put together."))
    def is_not_excluded(self) -> Any:
        """Neither side has excluded the other; whose wish it was stays with the office."""
        return not excluded(self.advisor, self.project_id)

    @guard(_("The advisor has no capacity left."))
    def has_capacity(self) -> Any:
        """The advisor takes fewer projects than the capacity says."""
        busy = self.advisor.assignments.filter(state__in=LIVE).exclude(pk=self.pk).count()
        return busy < self.advisor.capacity or [
            _t("%(advisor)s has %(busy)d projects and takes %(capacity)d at once.")
            % {"advisor": self.advisor, "busy": busy, "capacity": self.advisor.capacity}
        ]

    @guard(_("The advisor has not enough days left."))
    def has_days(self) -> Any:
        """The days of this assignment fit into those that the advisor has; unknown days are no limit."""
        left = days_left_of(self.advisor, besides=self.pk)
        return (
            left is None
            or (self.days or 0) <= left
            or [
                _t("%(advisor)s has %(left)s of %(all)d days left; this project asks for %(days)d.")
                % {"advisor": self.advisor, "left": amount(left), "all": self.advisor.days, "days": self.days}
            ]
        )

    @guard(_("The project has not enough days left."))
    def has_budget(self) -> Any:
        """The days of this assignment fit into the project's budget beside those of its other advisors."""
        left = days_left_on(self.project, besides=self.pk)
        return (self.days or 0) <= left or [
            _t("%(project)s has %(left)s of %(all)d days left; this assignment asks for %(days)d.")
            % {"project": self.project, "left": amount(left), "all": self.project.days_budget, "days": self.days}
        ]

    @guard(_("The advisor speaks no language that the project can work in."))
    def has_common_language(self) -> Any:
        """One of the project's languages at B1 or better."""
        codes = working_languages(str(self.project.application.lead_cluster.country))
        return speaks_one_of(self.advisor.languages, codes) or [
            _t("%(advisor)s speaks none of %(codes)s at B1 or better.")
            % {"advisor": self.advisor, "codes": ", ".join(codes)}
        ]

    @guard(_("The place is taken."))
    def has_free_place(self) -> Any:
        """No other advisor of this kind, and not the same one twice."""
        others = self.project.assignments.filter(Q(kind=self.kind) | Q(advisor=self.advisor_id), state__in=LIVE)
        return [
            _t("%(advisor)s is on the project already: %(state)s.")
            % {"advisor": one.advisor, "state": one.get_state_display()}
            for one in others.exclude(pk=self.pk).select_related("advisor__person")
        ] or True

    @guard(_("The project takes no advisors any more."))
    def has_open_project(self) -> Any:
        """The project is not closed, stopped or resting."""
        return self.project.state not in {"closed", "stopped", "paused"} or [
            _t("%(project)s is %(state)s.") % {"project": self.project, "state": self.project.state_word()}
        ]

    @guard(_("The project is over."))
    def has_project_ahead(self) -> Any:
        """The project is not closed or stopped; while it rests, one can still say yes."""
        return self.project.state not in OVER or [_t("%s is over; nothing is left to take on.") % self.project]

    @guard(_("The offer has ended."))
    def is_in_time(self) -> Any:
        """Before the offer lapses."""
        ends = self.lapses_at
        if ends is None or clock.now() < ends:
            return True
        return [_t("The offer ended on %s.") % formats.date_format(ends.astimezone(self.tz()), "j F Y")]

    @guard(_("The advisor has not signed the terms."))
    def has_terms(self) -> bool:
        """Terms are signed."""
        return self.has_signed_terms

    @guard(_("The advisor has not declared interests for this project."))
    def has_declaration(self) -> bool:
        """The advisor has declared to have no interest in the clusters of the project."""
        return self.has_declared_interests

    @guard(_("The agreement of targets, days and deliverables must be signed by both sides."))
    def has_agreement(self) -> Any:
        """Targets, days and deliverables are signed by advisor and manager."""
        return lacking_signatures(self) or True


def conflicts_of(advisor: Advisor, project: Any) -> list[str]:
    """The names of the project's clusters in which the advisor has an interest, lead and partners alike."""
    clusters = project.parties.values("cluster_id")
    found = tied_clusters(advisor.person_id).filter(pk__in=clusters).order_by("sort_name").distinct()
    return list(found.values_list("name", flat=True))


def days_left_of(advisor: Advisor, *, besides: Any = None) -> Decimal | None:
    """Days that the advisor can still give, apart from those of one assignment; None where no limit is known."""
    return None if advisor.days is None else advisor.days - spoken_for("advisor", [advisor.pk], besides)[advisor.pk]


def days_left_on(project: Any, *, besides: Any = None) -> Decimal:
    """Days of the project's budget that are not spoken for, apart from those of one assignment."""
    return project.days_budget - spoken_for("project", [project.pk], besides)[project.pk]


def spoken_for(whose: str, keys: list[Any], besides: Any = None) -> dict[Any, Decimal]:
    """Days of the assignments that stand and days worked in those that ended early, by `advisor` or `project`.

    Two statements, however many keys; a key without any has 0. besides: an assignment that does not count.
    """
    every = apps.get_model("advisory.Assignment").objects.order_by()
    agreed = every.filter(STANDING, **{f"{whose}__in": keys}).exclude(pk=besides)
    found: dict[Any, Decimal] = defaultdict(Decimal)
    for key, days in agreed.values_list(whose).annotate(sum=Coalesce(Sum("days"), 0)):
        found[key] += days
    # Of whoever left early, and has not come back.
    of_both = every.filter(advisor=OuterRef("advisor"), project=OuterRef("project"))
    gone, back = of_both.filter(ENDED_EARLY), of_both.filter(STANDING)
    held = apps.get_model("advisory.SupportSession").objects.order_by().filter(**{f"{whose}__in": keys})
    worked = held.exclude(state__in=["planned", "cancelled"]).filter(Exists(gone), ~Exists(back))
    for key, hours in worked.values_list(whose).annotate(sum=Sum(F("contact_hours") + F("preparation_hours"))):
        found[key] += Decimal(hours or 0) / HOURS_PER_DAY
    return found


def expected_days(project: Any) -> int:
    """Days that a proposal asks for on a project as it stands."""
    return share_of(days_left_on(project), is_first=not project.assignments.filter(state__in=LIVE).exists())


def share_of(left: Decimal, *, is_first: bool) -> int:
    """Of the days left of a budget: half while nobody else is on the project, else what is left; one at least."""
    return max(int(left) // 2 if is_first else int(left), 1)


def amount(days: Decimal) -> str:
    """Days as people write them: 7, or 6.5."""
    return formats.number_format(days.quantize(Decimal("0.1")).normalize() if days % 1 else int(days))
