"""What an advisor has in hand: each assignment with its days, and what waits for the advisor's answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from advisory.agreement import Agreement
from advisory.assignment import Assignment, own_assignment
from advisory.checks import HOURS_PER_DAY
from advisory.session import SupportSession
from facility.workflow.steps import Step

TOLD = ("offered", "accepted", "active", "completed", "declined", "lapsed", "replaced", "withdrawn")


@dataclass
class Held:
    """An assignment as its advisor sees it."""

    assignment: Any
    used: Decimal
    steps: list[tuple[Any, Step]] = field(default_factory=list)

    @property
    def state(self) -> str:
        """The state of the assignment."""
        return self.assignment.state

    @property
    def waits(self) -> bool:
        """Whether a step of the advisor is waited for."""
        return bool(self.steps)

    @property
    def left(self) -> Decimal:
        """Days agreed that are not used."""
        return (self.assignment.days or 0) - self.used

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state not in {"offered", "accepted", "active"}

    @property
    def sees_project(self) -> bool:
        """Whether the project file can be opened."""
        return self.state in {"active", "completed"} and self.assignment.conflicted_at is None


def in_hand(person: Any) -> list[Held]:
    """The person's assignments that they have been told of, the newest first; three statements at any number."""
    held = SupportSession.objects.filter(project=OuterRef("project_id"), advisor=OuterRef("advisor_id"))
    worked = held.exclude(state__in=["planned", "cancelled"]).order_by().values("project")
    hours = worked.annotate(hours=Sum(F("contact_hours") + F("preparation_hours"))).values("hours")
    rows: Any = Assignment.objects.filter(own_assignment.q(person), state__in=TOLD).with_offers(person)
    rows = rows.annotate(hours=Coalesce(Subquery(hours, output_field=DecimalField()), Decimal(0)))
    rows = rows.select_related("project__application__lead_cluster", "advisor__person").defer("parts")
    found = [Held(one, one.hours / HOURS_PER_DAY, _awaited(one)) for one in rows.order_by("-pk")]
    agreements = Agreement.objects.filter(assignment__in=[one.assignment for one in found]).visible_to(person)
    mine = {one.assignment_id: one for one in agreements.with_offers(person).filter(state=Agreement.State.OPEN)}
    for one in found:
        if (agreement := mine.get(one.assignment.pk)) is not None:
            one.steps += [(agreement, step) for step in _awaited_steps(agreement)]
    return found


def _awaited(record: Any) -> list[tuple[Any, Step]]:
    if record.state == "offered":  # two answers, both one's own
        return [(record, step) for step in record.offered_steps() if step.name in {"accept", "decline"}]
    return [(record, step) for step in _awaited_steps(record)]


def _awaited_steps(record: Any) -> list[Step]:
    wanted = type(record).awaits.get(record.state, ())
    return [step for step in record.offered_steps() if step.name in wanted]


__all__ = ["Held", "in_hand"]
