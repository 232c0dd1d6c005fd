"""What makes one of two: an advisor takes over the record of the same person. How it is done stands in `joining.py`."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from advisory.rights import WithRights
from facility.roles import parent_step
from facility.workflow.steps import step

# States in which an advisor's record can still change.
OPEN = ("candidate", "shortlisted", "pool", "suspended")


class Joinable(WithRights):
    """The steps by which two records of one person become one."""

    areas: Any
    countries: Any
    sectors: Any
    languages: Any
    interests: Any

    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="merged", verbose_name=_("merged into")
    )

    class Meta:
        abstract = True

    @step(
        label=_("Take over another record"), source=list(OPEN), target=None, who=parent_step, quiet=True, form="Absorb"
    )
    def absorb(self, *, by: Any, other: Any) -> None:
        """CVs, assignments, sessions, interests and lists of another record of the same person become this one's."""
        from advisory.joining import carry_over

        for name in ("areas", "countries", "sectors"):
            setattr(self, name, list(dict.fromkeys([*getattr(self, name), *getattr(other, name)])))
        spoken = {one["code"] for one in self.languages}
        self.languages = [*self.languages, *(one for one in other.languages if one["code"] not in spoken)]
        said = [one.strip() for one in (self.interests, other.interests) if one.strip()]
        self.interests = "\n".join(dict.fromkeys(said))
        keep: Any = self
        self.trail_also("moved", None, carry_over(other, keep, by=by))
        other.perform("be_merged", by=by, advisor=str(self.pk))

    @step(label=_("Merge"), source=list(OPEN), target="merged", who=parent_step, quiet=True, form="ToAdvisor")
    def be_merged(self, *, by: Any, advisor: Any) -> None:
        """Another record of the same person has taken everything over."""
        self.merged_into = advisor

    def live_projects(self) -> list[tuple[Any, str]]:
        """(key, name) of the projects on which the advisor has a place."""
        live = self.assignments.filter(state__in=["approved", "offered", "accepted", "active"])
        return list(live.values_list("project_id", "project__name"))
