"""Notes of the office on an advisor, dated; told to the advisor on request (F06; Regulation 2018/1725, art. 17)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from advisory.advisor import Advisor
from facility.registry.programme import InProgramme
from facility.roles import any_of, office, parent_step
from facility.workflow import clock
from facility.workflow.engine import Faces, state_field
from facility.workflow.steps import NEW, step
from facility.workflow.trail import Entry


class AdvisorNote(InProgramme):
    """What the office has noted on an advisor on a day. Nobody else sees it; its words are no part of the trail."""

    class State(models.TextChoices):
        KEPT = "kept", _("Kept")
        STRUCK = "struck", _("Struck out")

    records = "advisor-notes"
    lede = _("Notes on advisors, for the office only. An advisor who asks what is held on them gets these notes too.")
    columns = ("advisor", "noted_at", "text")
    facts = ("advisor", "noted_at", "text")
    list_related = ("advisor__person",)
    door_related = ("advisor__person", "programme")
    search_in = ("advisor__person__name", "text")
    filter_by = ("state",)
    untrailed = frozenset({"text"})
    tones = {"kept": "active", "struck": "idle"}
    shape = {"advisor": "advisor_id", "noted_at": "noted_at", "text": "text"}
    faces = Faces(office)

    state = state_field(State)
    advisor = models.ForeignKey(Advisor, on_delete=models.PROTECT, related_name="notes", verbose_name=_("advisor"))
    noted_at = models.DateTimeField(_("noted"), null=True)
    text = models.TextField(_("note"), blank=True, default="")

    class Meta:
        verbose_name = _("note on an advisor")
        verbose_name_plural = _("notes on advisors")
        indexes = [models.Index(fields=["advisor", "noted_at"], name="note_by_advisor")]

    def __str__(self) -> str:
        return self.advisor.person.name

    @step(label=_("New note"), source=NEW, target=State.KEPT, who=office, form="WriteNote")
    def write(self, *, by: Any, advisor: Advisor, text: str) -> None:
        """Notes what the office should remember. Keep to facts: the advisor may ask to read it."""
        self.advisor, self.programme_id = advisor, advisor.programme_id
        self.text, self.noted_at = text, clock.now()

    @step(label=_("Edit"), source=State.KEPT, target=None, who=office, form="EditNote", edits=True)
    def edit(self, *, by: Any, text: str) -> None:
        """Changes the words of the note."""
        self.text = text

    @step(label=_("Move"), source=list(State), target=None, who=parent_step, quiet=True, form="ToAdvisor")
    def move(self, *, by: Any, advisor: Advisor) -> None:
        """Its advisor was merged with another record."""
        self.advisor = advisor

    @step(label=_("Strike out"), source=State.KEPT, target=State.STRUCK, who=any_of(office, parent_step))
    def strike(self, *, by: Any) -> None:
        """Takes the words of the note away for good; that there was one stays in the trail."""
        self.text = ""


def authors_of(notes: Collection[AdvisorNote]) -> dict[Any, str]:
    """Who wrote each note, by its key; the trail knows it."""
    entries = Entry.objects.filter(record_id__in=[note.pk for note in notes], step="write").select_related("actor")
    return {entry.record_id: str(entry.actor) if entry.actor else "" for entry in entries}
