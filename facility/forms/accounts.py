"""The input of the pages on one's own account. Nothing here is a record: no step is taken."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.utils.translation import gettext_lazy as _

from facility.registry.people import SCOPES, Person
from facility.workflow.jobs import Job


class ResetPassword(allauth_forms.ResetPasswordForm):
    """Asks for a new password. The mail is a job, and an address that nobody has costs a job as well."""

    def save(self, request: Any, **kwargs: Any) -> str:
        """Queues the letter; for an unknown address one that finds nobody to write to."""
        person = self.users[0] if self.users else Person()
        Job.about(person, "facility.mail_new_password").save(force_insert=True)
        email: str = self.cleaned_data["email"]
        return email


class NewPassword(allauth_forms.ResetPasswordKeyForm):
    """A first password, typed twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = _("Password")
        self.fields["password2"].label = _("The same again")


class Language(forms.ModelForm):
    """The language of mails and pages."""

    class Meta:
        model = Person
        fields = ["language"]
        labels = {"language": _("Language of your mails")}


class NewToken(forms.Form):
    """A token for a program."""

    label = forms.CharField(label=_("What it is for"), max_length=80, help_text=_("As “planning sheet” or “backup”."))
    scope = forms.ChoiceField(label=_("It may"), choices=SCOPES, initial="read")
    days = forms.TypedChoiceField(
        label=_("It ends after"),
        coerce=int,
        choices=[(7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (365, _("a year"))],
        initial=90,
    )
