"""What people who want to advise write, on the open form and on their own page; and what the office sets for it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.advisorcall import AdvisorCall
from advisory.forms.advisors import CV_ENDINGS, AvailabilityFields, own_programmes, programme_field
from facility.forms import SHORT, Edits, accepted, long_text
from facility.registry.people import Person
from facility.workflow.input import StepForm


class AdvisorCallForm(Edits):
    """A call for advisors."""

    programme = programme_field()
    text = long_text(_("Whom you look for"), required=False)
    closes_on = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: until you close it."),
    )
    consent_text = long_text(
        _("What an advisor agrees to"),
        help_text=_(
            "Say who keeps the CV, for what, who reads it, and how to have it erased. A change is a new version."
        ),
    )
    retention_months = forms.IntegerField(
        label=_("Months a CV is kept"),
        min_value=1,
        max_value=120,
        initial=24,
        help_text=_("Of candidates and of those who have left; counted from the consent."),
    )

    def narrow(self) -> None:
        """Own programmes; of an existing call it stays."""
        if not self.record._state.adding:
            del self.fields["programme"]
            return
        self.narrow_to("programme", own_programmes(self.by))

    def clean(self) -> dict[str, Any]:
        """One call for each programme."""
        data = super().clean() or {}
        programme = data.get("programme")
        if programme and AdvisorCall.objects.filter(programme=programme).exists():
            self.add_error("programme", _t("This programme has a call for advisors; edit that one."))
        return data


class Apply(forms.Form):
    """Who wants to advise, and the CV."""

    name = forms.CharField(label=_("Name"), max_length=SHORT, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    file = forms.FileField(
        label=_("CV"), max_length=200, help_text=_("PDF, DOCX, ODT, Europass XML, JSON Resume or text, up to 10 MB.")
    )

    def clean_file(self) -> Any:
        """Size and kind as for every CV."""
        file = accepted(self.cleaned_data["file"])
        if file.name.rpartition(".")[2].lower() not in CV_ENDINGS:
            said = _t("A CV is taken as PDF, DOCX, ODT, Europass XML, JSON Resume or text, not as %s.")
            raise ValidationError(said % file.name)
        return file


class Availability(StepForm, AvailabilityFields):
    """The step of the same name."""

    def prepare(self) -> None:
        """As it stands."""
        self.initial.update({name: getattr(self.record, name) for name in self.fields})


class AboutYou(AvailabilityFields):
    """What a CV does not say: availability, consent and interests."""

    interests = long_text(
        _("Interests"),
        limit=2000,
        help_text=_("Clusters and firms in which you have a share, a post or family. Write “none” if there are none."),
    )
    consent = forms.BooleanField(label=_("I agree to the text above"))


class AskErasure(StepForm):
    """One step, confirmed."""

    sure = forms.BooleanField(label=_("Erase everything that is kept on me"))


class EraseAdvisor(StepForm):
    """One step, confirmed."""

    sure = forms.BooleanField(label=_("This cannot be taken back: erase this person"))


class TakeOut(StepForm):
    """Who is taken out of a match run."""

    advisor = forms.CharField(max_length=40)


class ToApplicant(StepForm):
    """Whose upload a CV is."""

    applicant = forms.ModelChoiceField(label=_("Applicant"), queryset=Person.objects.all())


__all__ = [
    "AdvisorCallForm",
    "AskErasure",
    "Availability",
    "EraseAdvisor",
    "TakeOut",
    "ToApplicant",
]
