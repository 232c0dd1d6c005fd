"""The input of steps on clusters, their members, and what is known of them: labels, assessments, cooperation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from facility.registry.assessment import SCHEMES
from facility.registry.cluster import ECO_SECTORS, ECOSYSTEMS, NACE, WAIVERS, Cluster, manages, office_of
from facility.registry.cooperation import Cooperation
from facility.registry.indicator import Indicator, IndicatorSet, Measurement
from facility.registry.label import LEVELS
from facility.registry.organisation import KINDS, ROLES, SIZES
from facility.registry.profile import is_region_of, size_class
from facility.roles import any_of
from facility.workflow import clock
from facility.workflow.input import Rows, StepForm
from facility.workflow.steps import SYSTEM

from .registry import SHORT, Edits, accepted, long_text

EARLIEST = 1800  # no cluster and no year of a measurement lies before
MOST_EUROS = 10**12


def day_field(label: Any, **more: Any) -> forms.DateField:
    """A day."""
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}), **more)


def several(label: Any, choices: Any, **more: Any) -> forms.MultipleChoiceField:
    """Any number of these."""
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple, **more
    )


class InTime(Edits):
    """A form whose days must make sense."""

    def not_after_today(self, name: str) -> None:
        """Says that what has happened cannot lie ahead."""
        day = self.cleaned_data.get(name)
        if day and day > clock.today():
            self.add_error(name, _t("This day lies ahead."))

    def in_order(self, first: str, last: str, said: str) -> None:
        """Says `said` at `last` where it lies before `first`."""
        one, other = self.cleaned_data.get(first), self.cleaned_data.get(last)
        if one and other and other < one:
            self.add_error(last, said)


class OrganisationForm(InTime):
    """A firm or another body, and its place in a cluster."""

    name = forms.CharField(label=_("Name"), max_length=SHORT)
    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS)
    country = forms.ChoiceField(label=_("Country"), choices=[("", "–"), *countries], required=False)
    cluster = forms.ModelChoiceField(
        label=_("Member of"), queryset=Cluster.objects.order_by("sort_name"), required=False
    )
    role = forms.ChoiceField(label=_("Role in the cluster"), choices=[("", "–"), *ROLES], required=False)
    joined_on = day_field(_("Joined on"), required=False)
    size = forms.ChoiceField(label=_("Size"), choices=[("", "–"), *SIZES], required=False)
    headcount = forms.IntegerField(
        label=_("Staff"),
        min_value=0,
        max_value=10**7,
        required=False,
        help_text=_("With one of the two figures below it gives the size. The figures themselves are not kept."),
    )
    turnover_eur = forms.IntegerField(
        label=_("Yearly turnover, euros"), min_value=0, max_value=MOST_EUROS, required=False
    )
    balance_eur = forms.IntegerField(
        label=_("Balance sheet total, euros"), min_value=0, max_value=MOST_EUROS, required=False
    )

    def clean(self) -> dict[str, Any]:
        """The size by Recommendation 2003/361/EC where its figures are given."""
        data = super().clean() or {}
        self.not_after_today("joined_on")
        staff, *money = (data.pop(name, None) for name in ("headcount", "turnover_eur", "balance_eur"))
        if staff is None and any(amount is not None for amount in money):
            self.add_error("headcount", _t("Give the staff too; the size is told by both."))
        elif staff is not None and all(amount is None for amount in money):
            self.add_error("turnover_eur", _t("Give the turnover or the balance sheet total."))
        elif staff is not None:
            data["size"] = size_class(staff, *money)
        return data


class EditOrganisation(OrganisationForm):
    """The same, with the membership that stands."""

    def narrow(self) -> None:
        """Role and day are those of the present membership."""
        now = self.record.membership()
        if now:
            self.initial.update(role=now.role, joined_on=now.joined_on)


class LeaveCluster(InTime):
    """When an organisation left."""

    left_on = day_field(_("Left on"))

    def clean(self) -> dict[str, Any]:
        """Not ahead, and not before it joined."""
        data = super().clean() or {}
        self.not_after_today("left_on")
        now = self.record.membership()
        if now and now.joined_on and data.get("left_on") and data["left_on"] < now.joined_on:
            self.add_error("left_on", _t("It joined after this day."))
        return data


class ClusterForm(Edits):
    """A cluster's identity."""

    name = forms.CharField(
        label=_("Name"), max_length=SHORT, help_text=_("As the cluster writes it; never translated.")
    )
    lang = forms.CharField(label=_("Language of the name"), max_length=5, initial="en")
    country = forms.ChoiceField(label=_("Country"), choices=list(countries))
    nuts = forms.CharField(
        label=_("Region (NUTS)"), max_length=5, required=False, help_text=_("Its code in NUTS 2024, as ES51.")
    )
    legal_form = forms.CharField(label=_("Legal form"), max_length=120, required=False)
    founded_in = forms.IntegerField(label=_("Founded in"), min_value=EARLIEST, required=False)
    sector = forms.CharField(label=_("Sector"), max_length=120)
    ecosystem = forms.ChoiceField(label=_("Industrial ecosystem"), choices=[("", "–"), *ECOSYSTEMS], required=False)
    members_count = forms.IntegerField(label=_("Members"), min_value=0)
    smes_count = forms.IntegerField(label=_("SMEs among them"), min_value=0)
    website = forms.URLField(label=_("Website"), required=False, assume_scheme="https")
    is_demo = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean_name(self) -> str:
        """As it is written, with single spaces."""
        return " ".join(self.cleaned_data["name"].split())

    def clean_nuts(self) -> str:
        """In capitals."""
        return self.cleaned_data["nuts"].strip().upper()

    def clean(self) -> dict[str, Any]:
        """SMEs are members; the region lies in the country; it was not founded ahead."""
        data = super().clean() or {}
        if data.get("smes_count", 0) > data.get("members_count", 0):
            self.add_error("smes_count", _t("There cannot be more SMEs than members."))
        if data.get("nuts") and data.get("country") and not is_region_of(data["nuts"], data["country"]):
            words = {"code": data["nuts"], "country": countries.name(data["country"])}
            self.add_error("nuts", _t("%(code)s is no region of %(country)s in NUTS 2024.") % words)
        if (data.get("founded_in") or 0) > clock.today().year:
            self.add_error("founded_in", _t("This year lies ahead."))
        twin = Cluster.objects.filter(name=data.get("name"), country=data.get("country")).exclude(pk=self.record.pk)
        if twin.exists():
            self.add_error("name", _t("A cluster of this name is registered in this country."))
        return data


class ClassifyCluster(Edits):
    """What the members of a cluster do."""

    eco_sector = forms.ChoiceField(
        label=_("Eco-sector"),
        choices=[("", "–"), *ECO_SECTORS],
        required=False,
        help_text=_("Core: the members live by environmental goods and services. No sector is barred from a call."),
    )
    demand_drivers = forms.CharField(
        label=_("What drives the demand for green solutions"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    strategic_focus = forms.IntegerField(
        label=_("Strategic focus on green, 1 to 5"), min_value=1, max_value=5, required=False
    )
    further_ecosystems = several(_("Further industrial ecosystems"), ECOSYSTEMS)
    nace = several(_("Economic activities (NACE Rev. 2)"), NACE)

    def clean(self) -> dict[str, Any]:
        """Drivers belong to a sector that is marked."""
        data = super().clean() or {}
        if data.get("eco_sector") == "core" and not data.get("demand_drivers"):
            self.add_error("demand_drivers", _t("A core eco-sector is pulled by demand; say by which."))
        return data


class ManageCluster(Edits):
    """How a cluster is managed."""

    management_fte = forms.DecimalField(
        label=_("Management, full-time equivalents"),
        min_value=0,
        max_value=999,
        max_digits=5,
        decimal_places=2,
        required=False,
    )
    has_english_website = forms.NullBooleanField(label=_("The website is in English too"), required=False)
    committed_members = forms.IntegerField(label=_("Members with a written commitment"), min_value=0, required=False)
    member_types = several(_("Kinds of members"), KINDS)
    waived_for = forms.ChoiceField(
        label=_("Criteria are waived for"), choices=[("", _("nothing")), *WAIVERS], required=False
    )
    waiver_note = forms.CharField(label=_("Recognised by"), max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        """A waiver names who recognised the cluster."""
        data = super().clean() or {}
        if data.get("waived_for") and not data.get("waiver_note"):
            self.add_error("waiver_note", _t("Name the programme or the body that recognised the cluster."))
        return data


class OfCluster(InTime):
    """A form on something that belongs to a cluster: one may choose those that one manages or looks after."""

    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name"))

    def narrow(self) -> None:
        """Own clusters only."""
        if self.by is not None and self.by is not SYSTEM and not self.is_consequence:
            mine = any_of(manages, office_of("pk")).q(self.by)
            self.narrow_to("cluster", Cluster.objects.filter(mine).order_by("sort_name"))


class LabelForm(OfCluster):
    """A label as its certificate says it."""

    level = forms.ChoiceField(label=_("Level"), choices=LEVELS)
    awarded_on = day_field(_("Awarded on"))
    valid_until = day_field(_("Valid until"), help_text=_("The last day, as the certificate has it."))
    issuer = forms.CharField(label=_("Issuer"), max_length=SHORT)

    def clean(self) -> dict[str, Any]:
        """Awarded already, and days in order."""
        data = super().clean() or {}
        self.not_after_today("awarded_on")
        self.in_order("awarded_on", "valid_until", _t("The label ends before it was awarded."))
        return data


class OutsideAssessmentForm(OfCluster):
    """What an outside scheme found."""

    scheme = forms.ChoiceField(label=_("Scheme"), choices=SCHEMES)
    scheme_name = forms.CharField(label=_("Name of the scheme"), max_length=120, required=False)
    result = forms.CharField(label=_("Result"), max_length=SHORT, help_text=_("In the words of the document."))
    assessor = forms.CharField(label=_("Assessed by"), max_length=SHORT)
    assessed_on = day_field(_("Assessed on"))
    valid_until = day_field(_("Valid until"), required=False)
    file = forms.FileField(
        label=_("Document"),
        max_length=200,
        required=False,
        help_text=_("A certificate or report that everybody may read."),
    )

    def clean_file(self) -> Any:
        """Size and kind as for every file."""
        return accepted(self.cleaned_data["file"])

    def clean(self) -> dict[str, Any]:
        """Made already, days in order, and a name for a scheme that is not listed."""
        data = super().clean() or {}
        self.not_after_today("assessed_on")
        self.in_order("assessed_on", "valid_until", _t("It ends before the assessment."))
        if data.get("scheme") == "other" and not data.get("scheme_name"):
            self.add_error("scheme_name", _t("Name the scheme."))
        return data


class CooperationForm(OfCluster):
    """Two clusters that work together."""

    other = forms.ModelChoiceField(label=_("Works with"), queryset=Cluster.objects.order_by("sort_name"))
    since = day_field(_("Since"))
    until = day_field(_("Until"), required=False, help_text=_("Empty while it lasts."))
    result = long_text(_("What came of it"), required=False, limit=1000)

    def narrow(self) -> None:
        """Whoever edits may stand on either side."""
        if self.record._state.adding:
            super().narrow()

    def clean(self) -> dict[str, Any]:
        """Two clusters, days in order, and once while it lasts."""
        data = super().clean() or {}
        self.not_after_today("since")
        self.in_order("since", "until", _t("It ends before it began."))
        pair = [data.get("cluster"), data.get("other")]
        if None in pair:
            return data
        if pair[0] == pair[1]:
            self.add_error("other", _t("A cluster does not cooperate with itself."))
        lasting = Cooperation.objects.filter(cluster__in=pair, other__in=pair, until__isnull=True)
        if not data.get("until") and lasting.exclude(pk=self.record.pk).exists():
            self.add_error("other", _t("This cooperation is entered already."))
        return data


class IndicatorRow(forms.Form):
    """One indicator."""

    code = forms.CharField(label=_("Code"), max_length=20)
    text = forms.CharField(label=_("Indicator"), max_length=300)
    unit = forms.CharField(label=_("Unit"), max_length=40, required=False)


class IndicatorSetForm(Edits):
    """A version of a set of indicators."""

    name = forms.CharField(label=_("Name"), max_length=120)
    version_text = forms.CharField(label=_("Version"), max_length=40)
    level = forms.ChoiceField(label=_("Level"), choices=[("", "–"), *LEVELS], required=False)
    in_force_from = forms.DateField(label=_("In force from"), widget=forms.DateInput(attrs={"type": "date"}))
    source_text = forms.CharField(label=_("Source"), max_length=300)
    indicators = Rows(IndicatorRow, minimum=1, maximum=60, label=_("Indicators"))

    def narrow(self) -> None:
        """The indicators as they stand."""
        if not self.record._state.adding:
            self.initial["indicators"] = list(self.record.indicators.values("code", "text", "unit"))

    def clean(self) -> dict[str, Any]:
        """Each version once, and each code once in it."""
        data = super().clean() or {}
        codes = [row["code"] for row in data.get("indicators") or []]
        if len(set(codes)) < len(codes):
            self.add_error("indicators", _t("Give each code once."))
        same = IndicatorSet.objects.filter(name=data.get("name"), version_text=data.get("version_text"))
        if same.exclude(pk=self.record.pk).exists():
            self.add_error("version_text", _t("This version of the set is there already."))
        return data


class MeasurementForm(OfCluster):
    """Who is measured, by what, and for which year."""

    indicator_set = forms.ModelChoiceField(
        label=_("Set of indicators"), queryset=IndicatorSet.objects.order_by("name", "-in_force_from")
    )
    year = forms.IntegerField(label=_("Year"), min_value=EARLIEST)

    def clean(self) -> dict[str, Any]:
        """A year that has begun, measured once by a set."""
        data = super().clean() or {}
        if (data.get("year") or 0) > clock.today().year:
            self.add_error("year", _t("This year lies ahead."))
        same = Measurement.objects.filter(**{n: data.get(n) for n in ("cluster", "indicator_set", "year")})
        if not self.errors and same.exists():
            self.add_error("year", _t("The cluster was measured by this set in this year; enter its values there."))
        return data


class ValueRow(forms.Form):
    """The value of one indicator."""

    indicator = forms.ModelChoiceField(label=_("Indicator"), queryset=Indicator.objects.all())
    value = forms.DecimalField(label=_("Value"), max_digits=14, decimal_places=2, required=False)


class IndicatorValues(StepForm):
    """A row for each indicator of the measurement's own set."""

    values = Rows(ValueRow, maximum=60, label=_("Values"))

    def prepare(self) -> None:
        """The indicators of the set, with the values that stand."""
        if self.record._state.adding:
            return
        indicators = self.record.indicator_set.indicators.all()
        self.fields["values"].row_context = {"indicator": indicators}  # type: ignore[attr-defined]
        given = {one.indicator_id: one.value for one in self.record.values.all()}
        self.initial["values"] = [{"indicator": one.pk, "value": given.get(one.pk)} for one in indicators]

    def clean_values(self) -> list[dict[str, Any]]:
        """No indicator twice."""
        rows = self.cleaned_data["values"]
        named = [row["indicator"] for row in rows]
        if len(set(named)) < len(named):
            raise ValidationError(_t("Give each indicator once."))
        return rows
