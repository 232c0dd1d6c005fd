"""The input of steps on declarations, contacts and aid: what people sign, agree to or declare."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from facility.instruments.signature import texts_of
from facility.registry.cluster import Cluster
from facility.registry.contact import Contact
from facility.registry.matrix import EU_MEMBERS
from facility.registry.organisation import Organisation
from facility.registry.programme import Programme
from facility.registry.vocabulary_data import de_minimis
from facility.roles import held
from facility.workflow import clock
from facility.workflow.input import Rows, StepForm, choices_of
from facility.workflow.steps import SYSTEM

from .cluster import OfCluster, day_field
from .registry import SHORT, Edits, long_text

MEMBER_STATES = [(code, name) for code, name in countries if code in EU_MEMBERS]


class SignatoryRow(forms.Form):
    """An organisation, and who signs for it."""

    organisation = forms.ModelChoiceField(
        label=_("Organisation"), queryset=Organisation.objects.select_related("cluster").order_by("sort_name")
    )
    name = forms.CharField(label=_("Name of the person"), max_length=SHORT)
    email = forms.EmailField(label=_("E-mail"))


class EngagementText(StepForm):
    """A text and who signs it."""

    title_text = forms.CharField(label=_("Title"), max_length=SHORT)
    text = long_text(_("Text"), limit=20_000, rows=14)
    signatories = Rows(
        SignatoryRow,
        minimum=1,
        maximum=60,
        label=_("Signatories"),
        help_text=_("Organisations of the cluster. Each person gets a mail with a link to read and sign."),
    )

    def clean(self) -> dict[str, Any]:
        """Members of the cluster, each once."""
        data = super().clean() or {}
        cluster: Any = data.get("cluster") if self.record._state.adding else self.record.cluster
        rows = data.get("signatories") or []
        strange = [row["organisation"].name for row in rows if cluster and row["organisation"].cluster_id != cluster.pk]
        if strange:
            said = _t("%(names)s: no member of %(cluster)s.") % {"names": ", ".join(strange), "cluster": cluster.name}
            self.add_error("signatories", said)
        if len({row["organisation"].pk for row in rows}) < len(rows):
            self.add_error("signatories", _t("Name each organisation once."))
        return data


class EngagementForm(EngagementText, OfCluster):
    """A new declaration."""

    field_order = ["cluster", "title_text", "text", "signatories"]

    def narrow(self) -> None:
        """Own clusters, and their members."""
        super().narrow()
        members = Organisation.objects.filter(cluster__in=self.fields["cluster"].queryset)  # type: ignore[attr-defined]
        self.fields["signatories"].row_context = {  # type: ignore[attr-defined]
            "organisation": members.select_related("cluster").order_by("sort_name")
        }


class ReviseEngagement(EngagementText, Edits):
    """A changed text, or other signatories."""

    def narrow(self) -> None:
        """Members of the cluster, and those who are named."""
        if self.record._state.adding:
            return
        members = Organisation.objects.filter(cluster=self.record.cluster_id).select_related("cluster")
        context = {"organisation": members.order_by("sort_name")}
        self.fields["signatories"].row_context = context  # type: ignore[attr-defined]
        rows = self.record.signatories.select_related("person").order_by("organisation__sort_name", "pk")
        self.initial["signatories"] = [
            {"organisation": one.organisation_id, "name": one.person.name, "email": one.person.email} for one in rows
        ]


class SignEngagement(StepForm):
    """A signature, under the text that was read."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64, label=_("Digest of the text that you read"))
    has_read = forms.BooleanField(label=_("I have read the text above and sign it."))

    def prepare(self) -> None:
        """The digest of the text that stands on the page."""
        if self.record._state.adding:
            return
        text = texts_of(self.record).first()
        self.initial["seen"] = text.sha256 if text else ""

    def clean(self) -> dict[str, Any]:
        """The tick is no value of its own."""
        data = super().clean() or {}
        data.pop("has_read", None)
        return data


class ContactForm(StepForm):
    """Who is a contact, for what and until when."""

    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.order_by("-starts_on"))
    about = forms.ChoiceField(label=_("Contact for"), choices=choices_of(Contact, "about"))
    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name"), required=False)
    activity = forms.CharField(label=_("Activity"), max_length=SHORT, required=False)
    name = forms.CharField(label=_("Name"), max_length=SHORT)
    email = forms.EmailField(label=_("E-mail"))
    role_text = forms.CharField(label=_("Role"), max_length=120, required=False)
    until_on = day_field(_("Until"), help_text=_("The last day on which the contact is shown."))

    def prepare(self) -> None:
        """A manager names contacts of their own clusters only."""
        if self.by is None or self.by is SYSTEM or self.is_consequence:
            return
        if not held(self.by, "lead", "coordinator"):
            mine = Cluster.objects.filter(pk__in=held(self.by, "manager", scope="cluster"))
            self.narrow_to("cluster", mine.order_by("sort_name"))
            self.fields["cluster"].required = True

    def clean(self) -> dict[str, Any]:
        """What the contact is for, and a day that is to come."""
        data = super().clean() or {}
        about = data.get("about")
        if about == "project" and not data.get("cluster"):
            self.add_error("cluster", _t("Say of which cluster the project is."))
        if about == "activity" and not data.get("activity"):
            self.add_error("activity", _t("Say for which activity."))
        if data.get("until_on") and data["until_on"] < clock.today():
            self.add_error("until_on", _t("This day has passed."))
        return data


class AgreeToContact(StepForm):
    """The consent of the person named."""

    consent = forms.BooleanField(
        label=_("I agree that my name, e-mail address and role are shown in public to the day given.")
    )


class AidForm(StepForm):
    """Aid that is planned."""

    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.filter(de_minimis=True))
    organisation = forms.ModelChoiceField(
        label=_("Undertaking"), queryset=Organisation.objects.filter(kind="firm").order_by("sort_name")
    )
    member_state = forms.ChoiceField(label=_("Member State that pays"), choices=[("", "–"), *MEMBER_STATES])
    amount_eur = forms.DecimalField(
        label=_("Amount, euros gross"), min_value=1, max_value=10**9, max_digits=12, decimal_places=2
    )
    granted_on = day_field(
        _("The legal right arises on"), help_text=_("Not the day of payment: the day on which the right arises.")
    )

    def prepare(self) -> None:
        """The programmes that the person works for."""
        if self.by is not None and self.by is not SYSTEM and not self.is_consequence:
            own = Programme.objects.filter(de_minimis=True, pk__in=held(self.by, "lead", "coordinator"))
            self.narrow_to("programme", own)

    def clean_granted_on(self) -> Any:
        """While the Regulation applies."""
        day, rule = self.cleaned_data["granted_on"], de_minimis()
        if not rule.applies_from <= day <= rule.applies_to:
            words = {"act": rule.source.title, "first": rule.applies_from, "last": rule.applies_to}
            raise forms.ValidationError(_t("%(act)s applies from %(first)s to %(last)s.") % words)
        return day


class AidRow(forms.Form):
    """Aid from elsewhere."""

    grantor = forms.CharField(label=_("Granted by"), max_length=SHORT)
    member_state = forms.ChoiceField(label=_("Member State"), choices=MEMBER_STATES)
    granted_on = forms.DateField(label=_("The legal right arose on"), widget=forms.DateInput(attrs={"type": "date"}))
    amount_eur = forms.DecimalField(label=_("Euros"), min_value=0, max_digits=12, decimal_places=2)


class DeclareAid(StepForm):
    """All other de minimis aid in the window."""

    rows = Rows(
        AidRow,
        maximum=100,
        label=_("Other de minimis aid"),
        help_text=_("What others granted in the last three years. What this register holds is counted already."),
    )
    is_complete = forms.BooleanField(
        label=_("This is all other de minimis aid to the undertaking and the firms linked to it.")
    )

    def prepare(self) -> None:
        """What was declared before."""
        if not self.record._state.adding:
            declared = self.record.declared.values("grantor", "member_state", "granted_on", "amount_eur")
            self.initial["rows"] = list(declared)
