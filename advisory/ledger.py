"""Figures of projects: days, forms, firms, and what is flagged (F02, F16). One query serves many projects."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, Exists, F, IntegerField, Max, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from facility.registry.organisation import Organisation
from facility.registry.vocabulary_data import vocabulary
from facility.workflow import clock
from facility.workflow.clock import Timer

from .action import HELD, Action
from .assignment import Assignment
from .checks import COMMITTED, LIVE, NAMED
from .needs import NeedsAssessment
from .project import Project
from .served import SessionFirm
from .session import HOURS_PER_DAY, SupportSession

SILENT_DAYS = 14
BEHIND = 0.25  # share of the days by which the use may lag behind the time gone
NONE = Decimal(0)


def _sum_of_days(*states: str) -> Any:
    sessions = SupportSession.objects.filter(project=OuterRef("pk"), state__in=states).order_by().values("project")
    hours = sessions.annotate(hours=Sum(F("contact_hours") + F("preparation_hours"))).values("hours")
    amount = DecimalField(max_digits=8, decimal_places=3)
    return Coalesce(Subquery(hours, output_field=amount), Value(NONE, output_field=amount)) / Value(
        Decimal(HOURS_PER_DAY), output_field=amount
    )


def _count(rows: QuerySet, of: str = "pk") -> Any:
    counted = rows.order_by().values("project" if rows.model is SupportSession else "session__project")
    return Coalesce(Subquery(counted.annotate(n=Count(of, distinct=True)).values("n"), output_field=IntegerField()), 0)


def _overdue(model: Any) -> Exists:
    late = Timer.objects.filter(step="", due_at__lte=clock.now())
    return Exists(model.objects.filter(project=OuterRef("pk"), pk__in=late.values("record_id")))


def with_figures(projects: QuerySet) -> QuerySet:
    """Adds what board and flags need: days by state and agreed, firms reached, last session, lead advisor, overdue."""
    held = SupportSession.objects.filter(project=OuterRef("pk"), state__in=HELD).order_by().values("project")
    active = Assignment.objects.filter(NAMED, project=OuterRef("pk")).order_by("-is_lead", "kind", "pk")
    standing = Assignment.objects.filter(project=OuterRef("pk"), state__in=COMMITTED).order_by().values("project")
    agreed = standing.annotate(days=Sum("days")).values("days")
    tied = Assignment.objects.filter(project=OuterRef("pk"), state__in=LIVE, conflicted_at__isnull=False)
    return projects.annotate(
        # A disputed session is logged and waits; until it is settled its days are not free.
        days_logged=_sum_of_days("logged", "disputed"),
        days_confirmed=_sum_of_days("confirmed"),
        days_approved=_sum_of_days("approved"),
        days_committed=Coalesce(Subquery(agreed, output_field=IntegerField()), 0),
        has_tied_advisor=Exists(tied),
        last_held=Subquery(held.annotate(last=Max("held_on")).values("last")),
        firms_reached=_count(
            SessionFirm.objects.filter(session__project=OuterRef("pk"), session__state__in=HELD), "organisation"
        ),
        disputes=_count(SupportSession.objects.filter(project=OuterRef("pk"), state="disputed")),
        lead_advisor=Subquery(active.values("advisor__person__name")[:1]),
        lead_advisor_id=Subquery(active.values("advisor_id")[:1]),
        sessions_overdue=_overdue(SupportSession),
        needs_overdue=_overdue(NeedsAssessment),
        actions_overdue=_overdue(Action),
    )


def ledger(project: Any) -> dict[str, Decimal]:
    """Days budgeted, logged, confirmed, approved and left; `project` comes from `with_figures`."""
    spent = {name: getattr(project, f"days_{name}") for name in ("logged", "confirmed", "approved")}
    return {"budgeted": Decimal(project.days_budget), **spent, "left": project.days_budget - sum(spent.values())}


def used(project: Any) -> Decimal:
    """Days logged, confirmed or approved."""
    return project.days_logged + project.days_confirmed + project.days_approved


def time_gone(project: Any, today: dt.date) -> float:
    """The share of the project's time that has passed, from 0 to 1."""
    whole = (project.ends_on - project.starts_on).days or 1
    return min(max((today - project.starts_on).days / whole, 0), 1)


def silent_days(project: Any, today: dt.date) -> int | None:
    """Days since the last session, or since the first meeting; None while nothing is expected."""
    since = project.last_held or project.kicked_off_on
    return (today - since).days if since and project.state == "in_support" else None


def flags(project: Any, today: dt.date) -> list[dict[str, str]]:
    """Why a project needs a look: [{"text", "tone"}], the worst first; `project` comes from `with_figures`."""
    found = []
    if project.has_tied_advisor:
        found.append({"text": _("An advisor has a conflict of interest"), "tone": "bad"})
    if project.disputes:
        said = ngettext("%(n)d session is disputed", "%(n)d sessions are disputed", project.disputes)
        found.append({"text": said % {"n": project.disputes}, "tone": "bad"})
    for is_late, text in (
        (project.sessions_overdue, _("A session waits too long for an answer")),
        (project.needs_overdue, _("The ranking of needs is overdue")),
        (project.actions_overdue, _("An action is overdue")),
    ):
        if is_late:
            found.append({"text": text, "tone": "bad"})
    if used(project) > project.days_budget:
        found.append({"text": _("More days are used than the budget has"), "tone": "bad"})
    silent = silent_days(project, today)
    if silent is not None and silent >= SILENT_DAYS:
        found.append({"text": _("Silent for %d days") % silent, "tone": "warn"})
    gone, share = time_gone(project, today), float(used(project)) / project.days_budget
    if project.state == "in_support" and gone - share > BEHIND:
        said = _("Behind on days: %(used)d %% used, %(gone)d %% of the time gone")
        found.append({"text": said % {"used": round(share * 100), "gone": round(gone * 100)}, "tone": "warn"})
    return found


def counts_by_form(project: Any) -> dict[str, int]:
    """How many sessions were held in each of the five forms, zeros too and in order (F16)."""
    return vocabulary("forms").tally(project.sessions.filter(state__in=HELD).values_list("form", flat=True))


def reach(project: Any) -> dict[str, int]:
    """Member firms and SMEs of the project's clusters, the target, and those that a held session has reached (F02)."""
    members = project.parties.aggregate(members=Sum("cluster__members_count"), smes=Sum("cluster__smes_count"))
    firms = Organisation.objects.filter(
        pk__in=SessionFirm.objects.filter(session__project=project, session__state__in=HELD).values("organisation_id")
    )
    reached = list(firms)
    return {
        "members": members["members"] or 0,
        "smes": members["smes"] or 0,
        "targeted": project.firms_targeted,
        "reached": len(reached),
        "smes_reached": sum(firm.is_sme() for firm in reached),
    }


def figures_of(project: Project) -> Project:
    """One project with its figures."""
    return with_figures(Project.objects.filter(pk=project.pk)).get()
