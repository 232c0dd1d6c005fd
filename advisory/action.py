"""Actions: what is done about a need, by whom, until when, and what proves that it was done (F12, F15, E08)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext_lazy as _

from facility.registry.documents import Document
from facility.registry.matrix import matrix
from facility.registry.programme import InProgramme
from facility.registry.vocabulary_data import vocabulary
from facility.roles import any_of, office, parent_step, readers
from facility.workflow import clock
from facility.workflow.clock import Due
from facility.workflow.engine import Faces, state_field
from facility.workflow.show import labelled
from facility.workflow.steps import NEW, guard, step

from .needs import Need
from .project import SUPPORTED, Project
from .voices import REASON, advisor_on, manager_on, untied_advisor_on

FORMS = [(term.id, term.label("en")) for term in vocabulary("forms")]
MODES = [(mode.id, mode.label("en")) for mode in matrix().modes]
_AXES = {one.id: one.label("en") for axis in (matrix().themes, matrix().challenges, matrix().functions) for one in axis}
CELLS = [(cell.id, " · ".join(_AXES[part] for part in cell.id.split("."))) for cell in matrix().cells()]
AIMS = [
    ("knowledge", _("close a gap of knowledge")),
    ("uptake", _("speed up uptake")),
    ("supply_chain", _("measure along the supply chain")),
]
HELD = ("logged", "confirmed", "approved")


class Action(InProgramme):
    """A planned piece of support: it serves a need, has a form and a place in the toolkit, an owner and a date."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        UNDER_WAY = "under_way", _("Under way")
        DONE = "done", _("Done")
        DROPPED = "dropped", _("Dropped")

    records = "actions"
    lede = _("Planned support, by the need it serves.")
    columns = ("project", "need", "owner", "due_on")
    list_related = ("project__application__lead_cluster",)
    facts = (
        "project",
        "need",
        "title_text",
        "forms_in_words",
        "cells_in_words",
        "mode",
        "aim",
        "owner",
        "due_on",
        "document",
    )
    search_in = ("title_text", "project__name")
    filter_by = ("state", "project", "need")
    order_by = ("-id", "due_on")
    door_related = ("programme", "project__application__lead_cluster", "need", "owner", "document")
    tones = {"planned": "idle", "under_way": "active", "done": "good", "dropped": "idle"}
    clocks = {"planned": (Due("days_until_due"),), "under_way": (Due("days_until_due"),)}
    awaits = {"planned": ("begin",), "under_way": ("finish",)}
    shape = {
        "project": "project_id",
        "need": {"id": "need_id", "text": "need__text", "area": "need__area"},
        "title": "title_text",
        "forms": "forms",
        "cells": "cells",
        "mode": "mode",
        "aim": "aim",
        "owner": {"name": "owner__name"},
        "due_on": "due_on",
        "document": "document_id",
    }
    faces = Faces(readers, any_of(untied_advisor_on(), manager_on()))

    state = state_field(State)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="actions", verbose_name=_("project"))
    need = models.ForeignKey(Need, on_delete=models.PROTECT, related_name="actions", verbose_name=_("need"))
    title_text = models.CharField(_("action"), max_length=200)
    forms = models.JSONField(_("forms of support"), default=list)
    cells = models.JSONField(_("fields of the toolkit"), default=list)
    mode = models.CharField(_("way of working"), max_length=30, choices=MODES)
    aim = models.CharField(_("aim"), max_length=20, choices=AIMS)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("responsible")
    )
    due_on = models.DateField(_("due"))
    document = models.ForeignKey(
        Document, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("document that proves it")
    )

    class Meta:
        verbose_name = _("action")
        verbose_name_plural = _("actions")

    def __str__(self) -> str:
        return self.title_text

    @property
    def days_until_due(self) -> int:
        """For the clock; an action that is due today or late is due in a day."""
        return max((self.due_on - clock.today(self.programme.tz())).days, 1)

    @labelled(_("forms of support"))
    def forms_in_words(self) -> list[str]:
        """The labels of its forms."""
        return [vocabulary("forms")[one].label(get_language() or "en") for one in self.forms]

    @labelled(_("fields of the toolkit"))
    def cells_in_words(self) -> list[str]:
        """The names of its fields of the toolkit."""
        words = dict(CELLS)
        return [words[one] for one in self.cells]

    @guard(_("The project is not running."))
    def is_running(self) -> bool:
        """The project is neither paused nor over."""
        return self.project.state in SUPPORTED

    @guard(_("Log a session for this action, or attach the document that proves it."))
    def has_proof(self) -> bool:
        """A session was held for it, or a document is attached (F15)."""
        return self.document_id is not None or self.sessions.filter(session__state__in=HELD).exists()

    @step(
        label=_("Plan an action"), source=NEW, target=State.PLANNED, who=any_of(advisor_on(), office), form="ActionForm"
    )
    def plan(self, *, by: Any, need: Any, **data: Any) -> None:
        """What will be done about a need: in which form, with which aim, by whom and until when."""
        self.take(need=need, **data)
        self.tell(self.owner, gettext_noop("An action is yours: %(title)s."), title=self.title_text)

    @step(
        label=_("Edit"),
        source=[State.PLANNED, State.UNDER_WAY],
        target=None,
        who=any_of(advisor_on(), office),
        guards=[is_running],
        form="ActionForm",
        edits=True,
    )
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes the action; the clock runs to the new date."""
        self.take(**data)

    def take(self, *, need: Any, **data: Any) -> None:
        """Sets the values of the form; the need says of which project the action is."""
        self.need, self.project, self.programme = need, need.project, need.project.programme
        for name, value in data.items():
            setattr(self, name, value)

    @step(
        label=_("Pass on"),
        source=[State.PLANNED, State.UNDER_WAY],
        target=None,
        who=parent_step,
        quiet=True,
        form="PassOn",
    )
    def pass_on(self, *, by: Any, owner: Any) -> None:
        """Another advisor has taken over from its owner."""
        self.owner = owner

    @step(
        label=_("Begin"),
        source=State.PLANNED,
        target=State.UNDER_WAY,
        who=any_of(advisor_on(), office),
        guards=[is_running],
    )
    def begin(self, *, by: Any) -> None:
        """Work on it has started."""

    @step(
        label=_("Attach the proof"),
        source=[State.PLANNED, State.UNDER_WAY],
        target=None,
        who=any_of(advisor_on(), office),
        form="ProofForm",
    )
    def prove(self, *, by: Any, document: Any) -> None:
        """Attaches a document of the project that shows what was done."""
        self.document = document

    @step(
        label=_("Finish"),
        source=State.UNDER_WAY,
        target=State.DONE,
        who=any_of(advisor_on(), office),
        guards=[has_proof],
    )
    def finish(self, *, by: Any) -> None:
        """It is done, and a session or a document proves it."""

    @step(
        label=_("Drop"),
        source=[State.PLANNED, State.UNDER_WAY],
        target=State.DROPPED,
        who=any_of(advisor_on(), office),
        form=REASON,
    )
    def drop(self, *, by: Any, reason: str) -> None:
        """It will not be done; the reason stays in the trail."""

    def awaited_people(self) -> list[Any]:
        """Whoever is responsible."""
        return [self.owner]

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The sessions that served it."""
        served = self.sessions.select_related("session").order_by("-session__held_on", "pk")
        rows = [[s.session.held_on, s.session.get_form_display(), s.session.state_word(face)] for s in served]
        columns = [_("Day"), _("Form"), _("State")]
        return [{"title": _("Sessions"), "columns": columns, "rows": rows, "empty": _("No session served it yet.")}]
