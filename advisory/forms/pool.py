"""The input of the steps on shortlists, notes and the sentences of CVs, and the filters of the pool."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.advisor import Advisor
from advisory.shortlist import MOST, Shortlist
from advisory.speaking import LEVELS
from facility.forms import Edits, long_text
from facility.workflow.input import StepForm

from .advisors import own_programmes, programme_field

NOTE_LENGTH = 4000
SORTS = [
    ("", _("Best fit, then name")),
    ("name", _("Name")),
    ("years", _("Most years first")),
    ("free", _("Soonest available first")),
    ("places", _("Most places left first")),
]


class IndexSentences(StepForm):
    """From the embedder: sentences with their place, hash and vector."""

    sentences = forms.JSONField(required=False)

    def clean_sentences(self) -> list[Any]:
        """None is an empty list."""
        return self.cleaned_data["sentences"] or []


def advisors_field(**kwargs: Any) -> forms.ModelMultipleChoiceField:
    """Several advisors; narrowed to a programme by the form."""
    return forms.ModelMultipleChoiceField(label=_("Advisors"), queryset=Advisor.objects.all(), **kwargs)


def by_name(rows: Any) -> Any:
    """Advisors as a list offers them."""
    return rows.select_related("person").order_by("person__sort_name", "pk")


class NamesList(StepForm):
    """A name that no other list of the programme has, and what the list is for."""

    name = forms.CharField(label=_("Name"), max_length=120)
    purpose = forms.CharField(
        label=_("What for"),
        max_length=500,
        required=False,
        help_text=_("As “Water projects in the spring”. No remarks on people: those are notes."),
    )

    def programme_of(self, data: dict[str, Any]) -> Any:
        """The programme that the list is in."""
        return self.record.programme_id

    def clean(self) -> dict[str, Any]:
        """No two lists of one name."""
        data = super().clean() or {}
        programme = self.programme_of(data)
        if programme and data.get("name"):
            same = Shortlist.objects.filter(programme=programme, name__iexact=data["name"]).exclude(pk=self.record.pk)
            if same.exists():
                self.add_error("name", _t("There is a list of this name already."))
        return data


class CreateShortlist(NamesList):
    """A new list, empty or with advisors of its programme."""

    programme = programme_field()
    advisors = advisors_field(required=False)
    field_order = ("programme", "name", "purpose", "advisors")

    def prepare(self) -> None:
        """Own programmes and their advisors."""
        programmes = own_programmes(self.by)
        self.narrow_to("programme", programmes)
        self.narrow_to("advisors", by_name(Advisor.objects.filter(programme__in=programmes)))

    def programme_of(self, data: dict[str, Any]) -> Any:
        """The one chosen."""
        return data.get("programme")

    def clean(self) -> dict[str, Any]:
        """Everybody of the programme of the list."""
        data = super().clean()
        programme = data.get("programme")
        chosen = list(data.get("advisors") or [])
        strangers = [one for one in chosen if programme and one.programme_id != programme.pk]
        if strangers:
            said = _t("Of another programme: %s.") % ", ".join(map(str, strangers))
            self.add_error("advisors", said)
        return data | {"advisors": chosen}


class RenameShortlist(NamesList, Edits):
    """Another name."""


class AddToShortlist(StepForm):
    """Who comes on the list."""

    advisors = advisors_field()

    def prepare(self) -> None:
        """The advisors of the list's programme who are not on it."""
        rows = Advisor.objects.filter(programme=self.record.programme_id)
        if not self.is_bound:
            rows = rows.exclude(shortlist_entries__shortlist=self.record.pk)
        self.narrow_to("advisors", by_name(rows))

    def clean_advisors(self) -> list[Advisor]:
        """As many as a list holds."""
        chosen = list(self.cleaned_data["advisors"])
        if self.record.entry_count + len(chosen) > MOST:
            raise forms.ValidationError(_t("A list holds at most %d advisors.") % MOST)
        return chosen


class RemoveFromShortlist(StepForm):
    """Who goes off the list."""

    advisors = advisors_field(widget=forms.CheckboxSelectMultiple)

    def prepare(self) -> None:
        """Those on it."""
        rows = Advisor.objects.filter(shortlist_entries__shortlist=self.record.pk)
        self.narrow_to("advisors", by_name(rows))

    def clean_advisors(self) -> list[Advisor]:
        """As a list."""
        return list(self.cleaned_data["advisors"])


NOTE_HINT = _(
    "The office sees it, with your name and the day; the advisor does not. Keep to facts: who asks what the Facility "
    "holds on them is given these notes too."
)


class EditNote(Edits):
    """The words of a note."""

    text = long_text(_("Note"), limit=NOTE_LENGTH, help_text=NOTE_HINT)


class WriteNote(StepForm):
    """A note on an advisor of an own programme."""

    advisor = forms.ModelChoiceField(label=_("Advisor"), queryset=Advisor.objects.all())
    text = long_text(_("Note"), limit=NOTE_LENGTH, help_text=NOTE_HINT)

    def prepare(self) -> None:
        """The advisors of own programmes."""
        self.narrow_to("advisor", by_name(Advisor.objects.filter(programme__in=own_programmes(self.by))))


class PoolLimits(forms.Form):
    """The filters of the pool that are no choices: the least of something, a day, and the order."""

    level = forms.ChoiceField(
        label=_("Language at least"), choices=[("", _("Any level")), *((one, one) for one in LEVELS)], required=False
    )
    years = forms.IntegerField(label=_("Years at least"), min_value=0, max_value=70, required=False)
    free_from = forms.DateField(label=_("Available on"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    places = forms.IntegerField(label=_("Projects that can be taken on"), min_value=0, max_value=20, required=False)
    days = forms.IntegerField(label=_("Days left at least"), min_value=0, max_value=1000, required=False)
    sort = forms.ChoiceField(label=_("Order"), choices=SORTS, required=False)

    def kept(self) -> dict[str, Any]:
        """What is right of it; what is not filters nothing."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}


__all__ = [
    "AddToShortlist",
    "CreateShortlist",
    "EditNote",
    "IndexSentences",
    "PoolLimits",
    "RemoveFromShortlist",
    "RenameShortlist",
    "WriteNote",
]
