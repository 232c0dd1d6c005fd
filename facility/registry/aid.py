"""The register of de minimis aid, for programmes that a Member State pays (Regulation (EU) 2023/2831).

A programme switches it on; elsewhere there is no page and no step of it. Support paid by the Commission itself is not
State aid as such.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_countries.fields import Country, CountryField

from facility.roles import any_of, manager_of, office, readers
from facility.workflow import clock
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.shape import Many
from facility.workflow.show import labelled
from facility.workflow.steps import NEW, guard, step

from .ceiling import heaviest
from .organisation import Organisation
from .programme import InProgramme
from .vocabulary_data import de_minimis

IS_ON = {"programme__de_minimis": True}
own_manager = manager_of("organisation__cluster_id").when(**IS_ON)


class Aid(InProgramme):
    """A grant of aid to an undertaking: planned, then declared, then granted within the ceiling."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Waits for the declaration")
        DECLARED = "declared", _("Declared")
        GRANTED = "granted", _("Granted")
        DROPPED = "dropped", _("Dropped")
        REVOKED = "revoked", _("Revoked")

    records = "aids"
    lede = _("De minimis aid by undertaking and Member State, each checked against the ceiling before it is granted.")
    columns = ("organisation", "member_state", "amount_eur", "granted_on")
    facts = (*columns, "programme", "source_line")
    filter_by = ("state", "member_state")
    tones = {"planned": "wait", "declared": "active", "granted": "good", "dropped": "idle", "revoked": "bad"}
    shape = {
        "programme": "programme_id",
        "organisation": "organisation_id",
        "member_state": "member_state",
        "amount_eur": "amount_eur",
        "granted_on": "granted_on",
        "declared": Many(
            "facility.DeclaredAid",
            "aid",
            {
                "grantor": "grantor",
                "member_state": "member_state",
                "granted_on": "granted_on",
                "amount_eur": "amount_eur",
            },
            order=("granted_on", "pk"),
        ),
    }
    faces = Faces(readers.when(**IS_ON), participant=own_manager)
    door_related = ("organisation", "programme")
    awaits = {"planned": ("declare",), "declared": ("grant",)}

    state = state_field(State)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="aids", verbose_name=_("undertaking")
    )
    member_state: models.Field[Any, Country] = CountryField(_("Member State that pays"))
    amount_eur = models.DecimalField(_("amount, euros gross"), max_digits=12, decimal_places=2)
    granted_on = models.DateField(_("the legal right arises on"))
    declared_at = models.DateTimeField(_("declared"), null=True)

    class Meta:
        verbose_name = _("de minimis aid")
        verbose_name_plural = _("de minimis aid")

    def __str__(self) -> str:
        return f"{self.organisation.name}, {self.amount_eur} EUR"

    @labelled(_("ceiling"))
    def source_line(self) -> str:
        """The rule with its source."""
        rule = de_minimis()
        return _t("%(ceiling)s euros in %(years)d years; %(title)s of %(dated)s") % {
            "ceiling": number_format(rule.ceiling_eur, force_grouping=True),
            "years": rule.window_years,
            "title": rule.source.title,
            "dated": rule.source.dated,
        }

    @guard(_("The aid would exceed the ceiling."))
    def is_within_ceiling(self) -> Any:
        """What was granted here and declared from elsewhere, with this, in the fullest window."""
        rule = de_minimis()
        total, last = heaviest([*self.others(), (self.granted_on, self.amount_eur)], self.granted_on, rule.window_years)
        if total <= rule.ceiling_eur:
            return True
        said = _t(
            "With this aid %(firm)s would have %(total)s euros from %(state)s in the %(years)d years to %(day)s; the "
            "ceiling is %(ceiling)s. At most %(left)s euros are left."
        )
        euros: dict[str, Decimal | int] = {
            "total": total,
            "ceiling": rule.ceiling_eur,
            "left": max(rule.ceiling_eur - total + self.amount_eur, Decimal()),
        }
        words = {
            "firm": self.organisation.name,
            "state": self.member_state.name,
            "years": rule.window_years,
            "day": date_format(last, "j M Y"),
        }
        return [said % (words | {name: number_format(sum_, 2, force_grouping=True) for name, sum_ in euros.items()})]

    def others(self) -> list[tuple[Any, Decimal]]:
        """Day and amount of every other grant that counts with this one: those of this register, and those declared."""
        here = Aid.objects.filter(
            organisation_id=self.organisation_id, member_state=self.member_state, state=self.State.GRANTED
        ).exclude(pk=self.pk)
        declared = self.declared.filter(member_state=self.member_state)
        return [*here.values_list("granted_on", "amount_eur"), *declared.values_list("granted_on", "amount_eur")]

    @step(label=_("Plan aid"), source=NEW, target=State.PLANNED, who=office.when(**IS_ON), form="AidForm")
    def plan(self, *, by: Any, **data: Any) -> None:
        """Names undertaking, amount and day; the undertaking then declares what it has received elsewhere."""
        for name, value in data.items():
            setattr(self, name, value)

    @step(
        label=_("Declare other aid"),
        source=[State.PLANNED, State.DECLARED],
        target=State.DECLARED,
        who=any_of(own_manager, office.when(**IS_ON)),
        form="DeclareAid",
        edits=True,
    )
    def declare(self, *, by: Any, rows: list[dict[str, Any]], is_complete: bool) -> None:
        """Declares all other de minimis aid to the single undertaking in the window, firms linked to it included."""
        self.declared.all().delete()
        for row in rows:
            DeclaredAid(aid_id=self.pk, **row).save()
        self.declared_at = clock.now()
        self.trail_also("declared", None, [[str(row["granted_on"]), str(row["amount_eur"])] for row in rows])

    @step(
        label=_("Grant"),
        source=State.DECLARED,
        target=State.GRANTED,
        who=office.when(**IS_ON),
        guards=[is_within_ceiling],
        locks="organisation",
    )
    def grant(self, *, by: Any) -> None:
        """The legal right arises on the day given; from now on the aid counts against the ceiling."""

    @step(label=_("Drop"), source=[State.PLANNED, State.DECLARED], target=State.DROPPED, who=office.when(**IS_ON))
    def drop(self, *, by: Any) -> None:
        """It is not granted."""

    @step(
        label=_("Revoke"),
        source=State.GRANTED,
        target=State.REVOKED,
        who=office.when(**IS_ON),
        form="facility.workflow.input.ReasonForm",
    )
    def revoke(self, *, by: Any, reason: str) -> None:
        """The right is taken back; the aid no longer counts."""

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """What was declared, and what this register holds of the undertaking."""
        other = [[one.grantor, one.member_state.name, one.granted_on, one.amount_eur] for one in self.declared.all()]
        return [
            {
                "title": _t("Declared by the undertaking"),
                "columns": [_t("Granted by"), _t("Member State"), _t("Day"), _t("Euros")],
                "rows": other,
                "empty": _t("No other aid in the window.") if self.declared_at else _t("Nothing is declared yet."),
            }
        ]


class DeclaredAid(Part):
    """Other de minimis aid in the window, as the undertaking declares it."""

    aid = models.ForeignKey(Aid, on_delete=models.PROTECT, related_name="declared")
    grantor = models.CharField(max_length=200)
    member_state: models.Field[Any, Country] = CountryField()
    granted_on = models.DateField()
    amount_eur = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        ordering = ["granted_on", "pk"]

    def __str__(self) -> str:
        return f"{self.grantor} {self.amount_eur}"


__all__ = ["Aid", "DeclaredAid"]
