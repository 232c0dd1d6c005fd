"""Labels of cluster management excellence: bronze, silver and gold, with their history (G01)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from facility.roles import any_of, any_reader, holders, manager_of, public_when, system
from facility.workflow import clock
from facility.workflow.clock import At
from facility.workflow.engine import Faces, Workflow, state_field
from facility.workflow.steps import NEW, SYSTEM, step

from .cluster import Cluster, office_of
from .vocabulary_data import ecei_labels

# Lowest first, as the European Cluster Excellence Initiative ranks them.
LEVELS = [(one.id, one.label("en")) for one in ecei_labels()]
# A second benchmarking with its interview takes months, so managers hear of it half a year before.
REMIND_DAYS = 180

own_manager = manager_of("cluster_id")
own_office = office_of("cluster_id")


class Label(Workflow):
    """A label as it was awarded. What a manager enters counts once the office has seen the certificate."""

    class State(models.TextChoices):
        CLAIMED = "claimed", _("To be confirmed")
        VALID = "valid", _("Valid")
        RENEWAL_DUE = "renewal_due", _("Renewal due")
        EXPIRED = "expired", _("Expired")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        REFUSED = "refused", _("Not confirmed")

    RUNNING = (State.VALID, State.RENEWAL_DUE)
    CONFIRMED = (*RUNNING, State.EXPIRED, State.WITHDRAWN)

    records = "labels"
    lede = _("Labels of cluster management excellence, those that have ended too.")
    columns = ("cluster", "level", "awarded_on", "valid_until", "issuer")
    facts = columns
    filter_by = ("state", "level", "cluster")
    order_by = ("-awarded_on", "id")
    tones = {
        "claimed": "wait",
        "valid": "good",
        "renewal_due": "warn",
        "expired": "done",
        "withdrawn": "bad",
        "refused": "bad",
    }
    shape = {
        "cluster": "cluster_id",
        "level": "level",
        "awarded_on": "awarded_on",
        "valid_until": "valid_until",
        "issuer": "issuer",
        "withdrawn_on": "withdrawn_on",
    }
    faces = Faces(any_reader, participant=own_manager, public=public_when(state__in=CONFIRMED))
    door_related = ("cluster",)
    awaits = {"claimed": ("confirm",)}
    clocks = {"valid": (At("remind", "renewal_at"),), "renewal_due": (At("expire", "expires_at"),)}

    state = state_field(State)
    cluster = models.ForeignKey(
        Cluster, on_delete=models.PROTECT, related_name="labels", verbose_name=Cluster._meta.verbose_name
    )
    level = models.CharField(_("level"), max_length=10, choices=LEVELS)
    awarded_on = models.DateField(_("awarded on"))
    valid_until = models.DateField(_("valid until"))
    issuer = models.CharField(_("issuer"), max_length=200)
    withdrawn_on = models.DateField(_("withdrawn on"), null=True)

    class Meta:
        verbose_name = _("excellence label")
        verbose_name_plural = _("excellence labels")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__gte=models.F("awarded_on")), name="label_ends_after_its_award"
            )
        ]
        indexes = [models.Index(fields=["cluster", "valid_until"], name="label_by_cluster")]

    def __str__(self) -> str:
        return f"{self.get_level_display()}, {self.cluster.name}"

    @property
    def renewal_at(self) -> dt.datetime:
        """When its managers are reminded."""
        return self.expires_at - dt.timedelta(days=REMIND_DAYS)

    @property
    def expires_at(self) -> dt.datetime:
        """The first instant after its last day, in UTC."""
        return dt.datetime.combine(self.valid_until + dt.timedelta(days=1), dt.time(), dt.UTC)

    def standing(self) -> State:
        """The state that its dates say; an old label comes into the history without a reminder."""
        if self.expires_at <= clock.now():
            return self.State.EXPIRED
        return self.State.RENEWAL_DUE if self.renewal_at <= clock.now() else self.State.VALID

    @step(
        label=_("Enter a label"),
        source=NEW,
        target=RETURN_VALUE(State.CLAIMED, *RUNNING, State.EXPIRED),
        who=any_of(own_manager, own_office, system),
        form="LabelForm",
    )
    def record(self, *, by: Any, **data: Any) -> State:
        """Enters a label. One that a manager enters counts once the office has confirmed it."""
        for name, value in data.items():
            setattr(self, name, value)
        is_seen = by is SYSTEM or Cluster.objects.filter(office_of("pk").q(by), pk=self.cluster_id).exists()
        return self.standing() if is_seen else self.State.CLAIMED

    @step(label=_("Confirm"), source=State.CLAIMED, target=RETURN_VALUE(*RUNNING, State.EXPIRED), who=own_office)
    def confirm(self, *, by: Any) -> State:
        """The certificate was seen; from now on the label counts."""
        return self.standing()

    @step(
        label=_("Do not confirm"),
        source=State.CLAIMED,
        target=State.REFUSED,
        who=own_office,
        form="facility.workflow.input.ReasonForm",
    )
    def refuse(self, *, by: Any, reason: str) -> None:
        """The label could not be confirmed; its manager reads why."""
        self.tell(
            self.managers(),
            gettext_noop("The label of %(cluster)s was not confirmed: %(why)s"),
            why=reason,
            cluster=self.cluster.name,
        )

    @step(
        label=_("Withdraw"),
        source=RUNNING,
        target=State.WITHDRAWN,
        who=own_office,
        form="facility.workflow.input.ReasonForm",
    )
    def withdraw(self, *, by: Any, reason: str) -> None:
        """The issuer took the label back; from this day on it does not count, and it stays in the history."""
        self.withdrawn_on = clock.today()

    @step(label=_("Remind of the renewal"), source=State.VALID, target=State.RENEWAL_DUE, who=system, quiet=True)
    def remind(self, *, by: Any) -> None:
        """Tells the managers in time that the label ends."""
        said = gettext_noop("The %(level)s of %(cluster)s ends on %(day)s. Renewing it takes months; begin now.")
        self.tell(
            self.managers(),
            said,
            level=self.get_level_display(),
            cluster=self.cluster.name,
            day=self.valid_until.isoformat(),
        )

    @step(label=_("Expire"), source=State.RENEWAL_DUE, target=State.EXPIRED, who=system, quiet=True)
    def expire(self, *, by: Any) -> None:
        """Its last day has passed."""

    def managers(self) -> list[Any]:
        """The managers of its cluster."""
        return list(holders("manager", scope="cluster", key=self.cluster_id))


def level_on(cluster_ids: Iterable[Any], day: dt.date) -> dict[Any, str]:
    """The highest level (bronze, silver, gold) that each cluster held on a day, by its key; one query.

    A label counts from the day of its award to its last day, both included, if the office has confirmed it; one that
    was withdrawn counts to the day before. A cluster without a label on that day is left out.
    """
    held = Label.objects.filter(
        Q(withdrawn_on__isnull=True) | Q(withdrawn_on__gt=day),
        cluster_id__in=cluster_ids,
        state__in=Label.CONFIRMED,
        awarded_on__lte=day,
        valid_until__gte=day,
    )
    order = [id for id, _label in LEVELS]
    pairs = held.values_list("cluster_id", "level")
    return dict(sorted(pairs, key=lambda pair: order.index(pair[1])))


__all__ = ["LEVELS", "Label", "level_on"]
