"""An errand: a small workflow with every feature of the kernel."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.db import models
from django.db.models import Q

from facility.workflow.clock import At, Due
from facility.workflow.engine import Faces, Part, Workflow, perform_many, state_field
from facility.workflow.input import Rows, StepForm
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, any_of, guard, parent_step, step, system, who

own_runner = who("runner", lambda person: Q(runner=person))
own_giver = who("giver", lambda person: Q(giver=person))


class StopRow(forms.Form):
    place = forms.CharField(max_length=40)
    minutes = forms.IntegerField(min_value=1)


class ErrandForm(StepForm):
    runner = forms.ModelChoiceField(queryset=None)
    what = forms.CharField(max_length=80)
    stops = Rows(StopRow, maximum=3)
    parent = forms.UUIDField(required=False)

    def prepare(self) -> None:
        from facility.registry.people import Person

        self.fields["runner"].queryset = Person.objects.all()


class EditForm(StepForm):
    what = forms.CharField(max_length=80)


class StopForm(StepForm):
    job = forms.UUIDField()


class Errand(Workflow):
    """Somebody runs an errand for somebody."""

    class State(models.TextChoices):
        GIVEN = "given", "Given"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        LAPSED = "lapsed", "Lapsed"

    records = "errands"
    lede = "Errands."
    columns = ("what", "runner")
    facts = ("what", "runner")
    search_in = ("what",)
    filter_by = ("state",)
    clocks = {"given": (Due(10), At("lapse", "lapse_at")), "running": (Due(4),)}
    awaits = {"given": ("begin",), "running": ("finish",)}
    outside_words = {"given": "On its way"}
    shape = {
        "what": "what",
        "staff:note": "note",
        "runner": {"id": "runner_id"},
        "stops": Many("tests.Stop", "errand", {"place": "place", "minutes": "minutes"}, ("order",)),
    }
    faces = Faces(own_giver, own_runner, who("public", lambda person: Q(state="done")))

    state = state_field(State)
    giver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    runner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    what = models.CharField(max_length=80)
    note = models.CharField(max_length=80, blank=True, default="")
    lapse_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.what

    @guard("Take an umbrella first.")
    def has_umbrella(self) -> bool:
        return "rain" not in self.what

    @step(label="Give errand", source=NEW, target=State.GIVEN, who=own_giver, form="tests.errands.models.ErrandForm")
    def give(self, *, by: Any, stops: list[dict[str, Any]], **data: Any) -> None:
        self.giver = by
        self.runner, self.what, self.parent_id = data["runner"], data["what"], data["parent"]
        Stop.objects.bulk_create(Stop(errand=self, order=at, **row) for at, row in enumerate(stops))

    @step(
        label="Edit", source=State.GIVEN, target=None, who=own_giver, form="tests.errands.models.EditForm", edits=True
    )
    def edit(self, *, by: Any, what: str) -> None:
        self.what = what

    @step(label="Begin", source=State.GIVEN, target=State.RUNNING, who=own_runner, guards=[has_umbrella])
    def begin(self, *, by: Any) -> None:
        """Sets off."""

    @step(label="Finish", source=State.RUNNING, target=State.DONE, who=any_of(own_runner, parent_step))
    def finish(self, *, by: Any) -> None:
        """Comes back; everything that hangs on it is finished too."""
        self.tell(self.giver, "The errand %(what)s is done.", what=self.what)
        self.queue("tests.thank", key=f"thank:{self.pk}")
        perform_many(list(self.children.filter(state="running")), "finish", by=by)

    @step(label="Lapse", source=State.GIVEN, target=State.LAPSED, who=system)
    def lapse(self, *, by: Any) -> None:
        """Nobody went."""

    @step(label="Thank", source=State.DONE, target=None, who=system, quiet=True)
    def thank(self, *, by: Any) -> None:
        self.note = "thanked"

    @step(label="Stop", source=State.RUNNING, target=None, who=system, form="tests.errands.models.StopForm", quiet=True)
    def stop(self, *, by: Any, job: Any) -> None:
        """Not safe to repeat, on purpose: a job that is done twice leaves two stops and two entries."""
        Stop(errand=self, order=0, place=str(job), minutes=1).save()
        self.trail_also("stop", None, str(job))

    def awaited_people(self) -> list[Any]:
        return [self.runner]

    def overseers(self) -> list[Any]:
        return [self.giver]


class Stop(Part):
    errand = models.ForeignKey(Errand, on_delete=models.PROTECT, related_name="stops")
    order = models.PositiveSmallIntegerField()
    place = models.CharField(max_length=40)
    minutes = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return self.place
