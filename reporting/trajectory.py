"""Trajectories: the public face of a project, told entry by entry and released entry by entry (F32)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from advisory.project import Project
from advisory.voices import advisor_on, manager_on
from facility.registry.programme import InProgramme
from facility.roles import any_of, office, public_when, readers, staff_of
from facility.workflow import clock
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, guard, step

OF_THE_PROJECT = any_of(advisor_on(), manager_on())
ENTRY = {"id": "pk", "date": "happened_on", "title": "title", "text": "text"}
IN_ORDER = ("happened_on", "pk")
RELEASED = models.Q(released_at__isnull=False)


class Trajectory(InProgramme):
    """What happened in a project, for everybody to read. An entry is nowhere outside before it is released."""

    class State(models.TextChoices):
        OPEN = "open", _("Being written")
        PUBLISHED = "published", _("Published")

    records = "trajectories"
    lede = _("The way of each project, as it is shown to everybody.")
    columns = ("project", "published_at")
    list_related = ("project__application__lead_cluster",)
    facts = ("project", "published_at")
    search_in = ("project__name",)
    filter_by = ("state", "programme")
    door_related = ("programme", "project__application__lead_cluster")
    tones = {"open": "active", "published": "done"}
    awaits = {"open": ("publish",)}
    shape = {
        "project": {"id": "project_id", "name": "project__name"},
        "cluster": {
            "name": "project__application__lead_cluster__name",
            "country": "project__application__lead_cluster__country",
        },
        "published_at": "published_at",
        "entries": Many("reporting.TrajectoryEntry", "trajectory", ENTRY, IN_ORDER, RELEASED),
        # Those of the project and the office read every entry, and which of them are released.
        "participant:entries": Many(
            "reporting.TrajectoryEntry", "trajectory", ENTRY | {"released_at": "released_at"}, IN_ORDER
        ),
    }
    faces = Faces(readers, OF_THE_PROJECT, public_when(state="published"))

    state = state_field(State)
    project = models.OneToOneField(
        Project, on_delete=models.PROTECT, related_name="trajectory", verbose_name=_("project")
    )
    published_at = models.DateTimeField(_("published"), null=True)

    class Meta:
        verbose_name = _("trajectory")
        verbose_name_plural = _("trajectories")

    def __str__(self) -> str:
        return self.project.name

    @property
    def lang(self) -> str:
        """The language of the name it is shown under."""
        return self.project.lang

    @guard(_("Add an entry first."))
    def has_unreleased(self) -> bool:
        """Something can be released."""
        return self.entries.filter(released_at__isnull=True).exists()

    @guard(_("Release at least one entry first."))
    def has_released(self) -> bool:
        """Something can be read."""
        return self.entries.filter(RELEASED).exists()

    @step(label=_("Open a trajectory"), source=NEW, target=State.OPEN, who=office, form="OpenTrajectory")
    def open(self, *, by: Any, project: Project) -> None:
        """Begins the public account of a project; nothing of it is public yet."""
        self.project, self.programme = project, project.programme

    @step(
        label=_("Add an entry"),
        source=[State.OPEN, State.PUBLISHED],
        target=None,
        who=any_of(office, OF_THE_PROJECT),
        form="TrajectoryEntryForm",
    )
    def add_entry(self, *, by: Any, happened_on: dt.date, title: str, text: str) -> None:
        """Something that happened, in words for outside. The office releases it."""
        TrajectoryEntry(trajectory=self, happened_on=happened_on, title=title, text=text).save(force_insert=True)
        self.trail_also("entry", None, title)

    @step(
        label=_("Release an entry"),
        source=[State.OPEN, State.PUBLISHED],
        target=None,
        who=office,
        guards=[has_unreleased],
        form="ReleaseEntry",
    )
    def release_entry(self, *, by: Any, entry: TrajectoryEntry) -> None:
        """Everybody can read this entry once the trajectory is published."""
        entry.released_at = clock.now()
        entry.save(update_fields=["released_at"])
        self.trail_also("released", None, entry.title)

    @step(
        label=_("Hold an entry back"),
        source=[State.OPEN, State.PUBLISHED],
        target=None,
        who=any_of(office, manager_on()),
        guards=[has_released],
        form="HoldEntry",
    )
    def hold_entry(self, *, by: Any, entry: TrajectoryEntry, reason: str) -> None:
        """Takes a released entry off the public pages again."""
        entry.released_at = None
        entry.save(update_fields=["released_at"])
        self.trail_also("held back", None, entry.title)

    @step(label=_("Publish"), source=State.OPEN, target=State.PUBLISHED, who=office, guards=[has_released])
    def publish(self, *, by: Any) -> None:
        """Shows the released entries to everybody; others follow as they are released."""
        self.published_at = clock.now()
        self.tell(
            self.project.managers(), gettext_noop("The trajectory of %(name)s is public."), name=self.project.name
        )

    @step(
        label=_("Take off the public pages"),
        source=State.PUBLISHED,
        target=State.OPEN,
        who=office,
        form="facility.workflow.input.ReasonForm",
    )
    def withdraw(self, *, by: Any, reason: str) -> None:
        """Nothing of it is public any more; the entries stay."""
        self.published_at = None

    def shown_entries(self, face: str) -> Any:
        """The entries that a face may read, in order."""
        return self.entries.filter(RELEASED if face == "public" else models.Q()).order_by(*IN_ORDER)

    def awaited_people(self) -> list[Any]:
        """The office."""
        return list(staff_of(self.programme_id))

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The entries; those who take part see which are released."""
        columns = [_("Day"), _("What happened"), _("In words")]
        rows = [[one.happened_on, one.title, one.text] for one in self.shown_entries(face)]
        if face != "public":
            columns.append(_("Released"))
            rows = [[*row, one.released_at] for row, one in zip(rows, self.shown_entries(face), strict=True)]
        return [{"title": _("Entries"), "columns": columns, "rows": rows, "empty": _("Nothing is told yet.")}]


class TrajectoryEntry(Part):
    """One thing that happened, in words for outside; public from its release."""

    trajectory = models.ForeignKey(Trajectory, on_delete=models.PROTECT, related_name="entries")
    happened_on = models.DateField()
    title = models.CharField(max_length=200)
    text = models.TextField()
    released_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.happened_on}: {self.title}"
