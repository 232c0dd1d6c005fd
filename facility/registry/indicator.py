"""Indicators of cluster management: sets with a version, and the values of a cluster in a year (G02)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.roles import any_of, any_office, any_reader, anywhere, manager_of
from facility.workflow.engine import Faces, Part, Record
from facility.workflow.shape import Many
from facility.workflow.steps import guard, step

from .cluster import Cluster, office_of
from .label import LEVELS

own_manager = manager_of("cluster_id")
own_office = office_of("cluster_id")


class IndicatorSet(Record):
    """The indicators behind a label, version by version. Once used a version stays as it is."""

    records = "indicator-sets"
    lede = _("The indicators behind a label, version by version.")
    columns = ("name", "version_text", "level", "in_force_from")
    facts = (*columns, "source_text")
    filter_by = ("level",)
    shape = {
        "name": "name",
        "version_text": "version_text",
        "level": "level",
        "in_force_from": "in_force_from",
        "source": "source_text",
        "indicators": Many(
            "facility.Indicator",
            "indicator_set",
            {"id": "pk", "code": "code", "text": "text", "unit": "unit"},
            order=("order",),
        ),
    }
    faces = Faces(any_reader, participant=anywhere("manager"))

    name = models.CharField(_("name"), max_length=120)
    version_text = models.CharField(_("version"), max_length=40)
    level = models.CharField(_("level"), max_length=10, choices=LEVELS, blank=True, default="")
    in_force_from = models.DateField(_("in force from"))
    source_text = models.CharField(_("source"), max_length=300)

    class Meta:
        verbose_name = _("set of indicators")
        verbose_name_plural = _("sets of indicators")
        constraints = [models.UniqueConstraint(fields=["name", "version_text"], name="indicator_set_version_once")]

    def __str__(self) -> str:
        return f"{self.name}, {self.version_text}"

    @guard(_("Values stand under this set; make a new version instead."))
    def is_unused(self) -> bool:
        """Whether nobody was measured by it."""
        return not self.measurements.exists()

    @step(label=_("New set or version"), new=True, who=any_office, form="IndicatorSetForm")
    def create(self, *, by: Any, **data: Any) -> None:
        """Makes a set, or a new version of one; values entered before keep theirs."""
        self.take(data)

    @step(label=_("Edit"), who=any_office, guards=[is_unused], form="IndicatorSetForm", edits=True)
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes the set while nobody was measured by it."""
        self.take(data)

    def take(self, data: dict[str, Any]) -> None:
        """Sets the values of the form and the indicators in their order."""
        rows = data.pop("indicators")
        for name, value in data.items():
            setattr(self, name, value)
        before = list(self.indicators.values_list("code", flat=True))
        self.indicators.all().delete()
        for order, row in enumerate(rows, 1):
            Indicator(indicator_set_id=self.pk, order=order, **row).save()
        self.trail_also("indicators", before, [row["code"] for row in rows])

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The indicators."""
        rows = [[one.code, one.text, one.unit] for one in self.indicators.all()]
        columns = [_t("Code"), _t("Indicator"), _t("Unit")]
        return [{"title": _t("Indicators"), "columns": columns, "rows": rows, "empty": _t("There are none.")}]


class Indicator(Part):
    """One indicator of a set."""

    indicator_set = models.ForeignKey(IndicatorSet, on_delete=models.PROTECT, related_name="indicators")
    order = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=20)
    text = models.CharField(max_length=300)
    unit = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        ordering = ["order"]
        constraints = [models.UniqueConstraint(fields=["indicator_set", "code"], name="indicator_code_once_per_set")]

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Measurement(Record):
    """The values of a cluster in a year, under the version of the set that held then."""

    records = "measurements"
    lede = _("Values of indicators by cluster and year, each under the version of its set.")
    columns = ("cluster", "indicator_set", "year")
    facts = columns
    filter_by = ("indicator_set", "year", "cluster")
    order_by = ("-year", "id")
    shape = {
        "cluster": "cluster_id",
        "indicator_set": {
            "id": "indicator_set_id",
            "name": "indicator_set__name",
            "version_text": "indicator_set__version_text",
        },
        "year": "year",
        "values": Many(
            "facility.IndicatorValue",
            "measurement",
            {"code": "indicator__code", "value": "value"},
            order=("indicator__order",),
        ),
    }
    faces = Faces(any_reader, participant=own_manager)
    door_related = ("cluster", "indicator_set")

    cluster = models.ForeignKey(
        Cluster, on_delete=models.PROTECT, related_name="measurements", verbose_name=Cluster._meta.verbose_name
    )
    indicator_set = models.ForeignKey(
        IndicatorSet,
        on_delete=models.PROTECT,
        related_name="measurements",
        verbose_name=IndicatorSet._meta.verbose_name,
    )
    year = models.PositiveSmallIntegerField(_("year"))

    class Meta:
        verbose_name = _("measurement")
        verbose_name_plural = _("measurements")
        constraints = [
            models.UniqueConstraint(fields=["cluster", "indicator_set", "year"], name="measured_once_a_year_by_a_set")
        ]

    def __str__(self) -> str:
        return f"{self.cluster.name}, {self.indicator_set.name} {self.year}"

    @step(label=_("Begin a measurement"), new=True, who=any_of(own_manager, own_office), form="MeasurementForm")
    def begin(self, *, by: Any, **data: Any) -> None:
        """Chooses cluster, set and year; the values are entered next, in as many sittings as you like."""
        for name, value in data.items():
            setattr(self, name, value)

    @step(label=_("Enter values"), who=any_of(own_manager, own_office), form="IndicatorValues", edits=True)
    def enter(self, *, by: Any, values: list[dict[str, Any]]) -> None:
        """Enters the values of the indicators; one that is left empty is not known."""
        before = {one.indicator.code: str(one.value) for one in self.values_with_indicator()}
        self.values.all().delete()
        kept = [row for row in values if row["value"] is not None]
        for row in kept:
            IndicatorValue(measurement=self, indicator=row["indicator"], value=row["value"]).save()
        self.trail_also("values", before, {row["indicator"].code: str(row["value"]) for row in kept})

    def values_with_indicator(self) -> models.QuerySet[IndicatorValue]:
        """Its values in the order of the set."""
        return self.values.select_related("indicator").order_by("indicator__order")

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Each indicator of its own set, with the value where there is one."""
        given = {one.indicator_id: one.value for one in self.values.all()}
        rows = [
            [one.code, one.text, "" if given.get(one.pk) is None else given[one.pk], one.unit]
            for one in self.indicator_set.indicators.all()
        ]
        columns = [_t("Code"), _t("Indicator"), _t("Value"), _t("Unit")]
        return [{"title": _t("Values"), "columns": columns, "rows": rows, "empty": _t("The set has no indicators.")}]


class IndicatorValue(Part):
    """The value of one indicator."""

    measurement = models.ForeignKey(Measurement, on_delete=models.PROTECT, related_name="values")
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="+")
    value = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["measurement", "indicator"], name="indicator_valued_once")]

    def __str__(self) -> str:
        return f"{self.indicator}: {self.value}"


__all__ = ["Indicator", "IndicatorSet", "IndicatorValue", "Measurement"]
