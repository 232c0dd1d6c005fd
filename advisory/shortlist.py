"""Shortlists: named lists of advisors that the office keeps for itself, as for a kind of project (F06)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from advisory.advisor import Advisor
from facility.registry.programme import InProgramme
from facility.roles import office
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.shape import Many
from facility.workflow.show import state_tag
from facility.workflow.steps import NEW, step

MOST = 500


class Shortlist(InProgramme):
    """A named list of advisors within a programme. Being on it gives nobody anything; advisors are not told."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    records = "shortlists"
    lede = _("Named lists of advisors, for the office only. Advisors are put on them from the pool.")
    columns = ("purpose", "entry_count")
    facts = ("purpose", "programme")
    list_related = ("programme",)
    door_related = ("programme",)
    search_in = ("name",)
    filter_by = ("state",)
    tones = {"open": "active", "closed": "done"}
    shape = {
        "name": "name",
        "purpose": "purpose",
        "programme": "programme_id",
        "advisors": Many(
            "advisory.ShortlistEntry", "shortlist", {"id": "advisor_id", "name": "advisor__person__name"}, ("pk",)
        ),
    }
    faces = Faces(office)

    state = state_field(State)
    name = models.CharField(_("name"), max_length=120)
    purpose = models.CharField(_("what for"), max_length=500, blank=True, default="")
    # Counted by its steps, so that a list of lists asks for no rows.
    entry_count = models.PositiveSmallIntegerField(_("advisors"), default=0)

    class Meta:
        verbose_name = _("list of advisors")
        verbose_name_plural = _("lists of advisors")
        constraints = [
            models.UniqueConstraint(
                models.functions.Lower("name"), "programme", name="shortlist_name_once_per_programme"
            )
        ]

    def __str__(self) -> str:
        return self.name

    # -- steps

    @step(label=_("New list"), source=NEW, target=State.OPEN, who=office, form="CreateShortlist")
    def create(self, *, by: Any, programme: Any, name: str, purpose: str, advisors: list[Advisor]) -> None:
        """Begins a named list, empty or with the advisors that were ticked."""
        self.programme, self.name, self.purpose = programme, name, purpose
        self.put_on(advisors)

    @step(label=_("Put on the list"), source=State.OPEN, target=None, who=office, form="AddToShortlist")
    def add(self, *, by: Any, advisors: list[Advisor]) -> None:
        """Puts advisors on the list; who is on it already stays."""
        self.put_on(advisors)

    @step(label=_("Take off the list"), source=State.OPEN, target=None, who=office, form="RemoveFromShortlist")
    def remove(self, *, by: Any, advisors: list[Advisor]) -> None:
        """Takes advisors off the list; nothing else about them changes."""
        keys = [one.pk for one in advisors]
        self.entries.filter(advisor__in=keys).delete()
        self.count_anew({"off": [str(key) for key in keys]})

    @step(label=_("Rename"), source=State.OPEN, target=None, who=office, form="RenameShortlist", edits=True)
    def rename(self, *, by: Any, name: str, purpose: str) -> None:
        """Another name or purpose."""
        self.name, self.purpose = name, purpose

    @step(label=_("Close"), source=State.OPEN, target=State.CLOSED, who=office)
    def close(self, *, by: Any) -> None:
        """The list stays as it is and is no longer offered."""

    @step(label=_("Open again"), source=State.CLOSED, target=State.OPEN, who=office)
    def reopen(self, *, by: Any) -> None:
        """The list can be changed again."""

    # -- what the steps use

    def put_on(self, advisors: list[Advisor]) -> None:
        """New entries for those who are not on it."""
        there = set(self.entries.values_list("advisor_id", flat=True))
        new = [one for one in advisors if one.pk not in there]
        ShortlistEntry.objects.bulk_create(ShortlistEntry(shortlist=self, advisor=one) for one in new)
        self.count_anew({"on": [str(one.pk) for one in new]})

    def count_anew(self, change: dict[str, list[str]]) -> None:
        """The count, and for the trail whose entry came or went."""
        self.entry_count = self.entries.count()
        for name, keys in change.items():
            self.trail_also(name, None, keys)

    # -- what others ask

    def in_words(self) -> str:
        """Its name with the number of advisors."""
        number = ngettext("%(n)d advisor", "%(n)d advisors", self.entry_count) % {"n": self.entry_count}
        return f"{self.name} ({number})"

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Who is on it."""
        entries = self.entries.select_related("advisor__person").order_by("advisor__person__sort_name", "pk")
        rows = [
            [
                {"value": one.advisor.person.name, "url": one.advisor.get_absolute_url()},
                state_tag(one.advisor),
                one.advisor.get_kind_display(),
                one.advisor.area_words(),
                one.advisor.language_words(),
            ]
            for one in entries
        ]
        columns = [_("Advisor"), _("State"), _("Kind"), _("Areas"), _("Languages")]
        empty = _t("Nobody is on this list yet. Tick advisors in the pool and put them here.")
        way = {"label": _t("Show in the pool"), "url": f"{reverse('pool')}?{urlencode({'shortlist': self.pk})}"}
        return [{"title": _("Advisors"), "columns": columns, "rows": rows, "empty": empty, "add": way}]


class ShortlistEntry(Part):
    """An advisor on a list."""

    shortlist = models.ForeignKey(Shortlist, on_delete=models.PROTECT, related_name="entries")
    advisor = models.ForeignKey(Advisor, on_delete=models.PROTECT, related_name="shortlist_entries")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shortlist", "advisor"], name="advisor_once_per_shortlist")]

    def __str__(self) -> str:
        return str(self.advisor_id)
