"""What an application holds, and what must be true of it before a step: columns and guards of `application.py`."""

from __future__ import annotations

import hashlib
import json
import zoneinfo
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils import formats
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.registry.cluster import Cluster
from facility.registry.programme import InProgramme
from facility.registry.vocabulary_data import vocabulary
from facility.roles import held, holders, manager_of, staff_of, who
from facility.workflow import clock
from facility.workflow.engine import Part
from facility.workflow.ids import uuid7
from facility.workflow.steps import guard

AREAS = [(term.id, term.label("en")) for term in vocabulary("areas")]
PARTNERS_AT_MOST = 4
INELIGIBLE = [
    ("not_registered", _("the lead cluster is not registered on the platform")),
    ("not_eu", _("the lead cluster is not established in a Member State")),
    ("incomplete", _("the application is incomplete")),
    ("double", _("the cluster applied more than once")),
    ("other", _("another reason, given in words")),
]


class Bid(InProgramme):
    """The guards of an application, and what others ask of it."""

    call: Any
    evaluations: Any
    lead_cluster: Any
    lead_cluster_id: Any
    needs: Any
    partners: Any
    before_review: str
    context: str
    has_signed: bool
    motivation: str
    reserve_position: int | None
    title_text: str
    training_needs: str

    class Meta:
        abstract = True

    @guard(_("The call is not open."))
    def is_before_closing(self) -> Any:
        """The call takes applications now, by its own clock."""
        open_now = self.call.state == "open" and self.call.opens_at <= clock.now() < self.call.closes_at
        return open_now or [
            _t("Applications can be submitted only while the call is open: until %s.") % _local(self.call)
        ]

    @guard(_("Write the motivation before you submit."))
    def has_motivation(self) -> bool:
        """Motivation is there."""
        return bool(self.motivation.strip())

    @guard(_("Describe the context of the cluster before you submit."))
    def has_context(self) -> bool:
        """Context is there (F11)."""
        return bool(self.context.strip())

    @guard(_("Name at least one need before you submit."))
    def has_needs(self) -> bool:
        """At least one need."""
        return self.needs.exists()

    @guard(_("Sign the declaration of honour before you submit."))
    def has_declaration(self) -> bool:
        """The declaration is signed."""
        return self.has_signed

    @guard(_("Close all evaluations that the call asks for first."))
    def has_enough_evaluations(self) -> Any:
        """As many evaluations are submitted as the call requires."""
        done = self.evaluations.filter(state="submitted").count()
        required = self.call.evaluations_required
        return done >= required or [
            _t("%(done)d of %(required)d evaluations are submitted.") % {"done": done, "required": required}
        ]

    @guard(_("A place must be free."))
    def has_free_place(self) -> Any:
        """The call has a place that nobody holds."""
        return bool(self.call.free_places()) or [_t("All %d places of the call are taken.") % self.call.places]

    @guard(_("The quota of the country must hold."))
    def is_within_quota(self) -> Any:
        """The country's cap leaves room."""
        cap = self.call.country_cap
        if cap is None:
            return True
        country = str(self.lead_cluster.country)
        there = self.call.applications.filter(state="selected", lead_cluster__country=country).count()
        return there < cap or [
            _t("%(country)s has %(n)d selected applications; the call allows %(cap)d.")
            % {"country": country, "n": there, "cap": cap}
        ]

    @guard(_("Promote in the order of the reserve list."))
    def is_next_in_order(self) -> Any:
        """No reserve before this one could be promoted under the quotas."""
        earlier = self.call.applications.filter(state="reserve", reserve_position__lt=self.reserve_position or 0)
        first = next((one for one in earlier.order_by("reserve_position") if one.is_within_quota() is True), None)
        return first is None or [_t("%s comes first on the reserve list.") % first.lead_cluster.name]

    @guard(_("A review can be asked for once."))
    def is_not_reviewed(self) -> bool:
        """No review before."""
        return not self.before_review

    def take(self, data: dict[str, Any]) -> None:
        """Sets the values, partners and needs of the form."""
        partners, needs = data.pop("partners"), data.pop("needs")
        for name, value in data.items():
            setattr(self, name, value)
        self.programme_id = self.call.programme_id
        self.partners.all().delete()
        ApplicationPartner.objects.bulk_create(
            ApplicationPartner(application_id=self.pk, cluster=row["cluster"]) for row in partners
        )
        self.needs.all().delete()
        ApplicationNeed.objects.bulk_create(
            ApplicationNeed(application_id=self.pk, rank=rank, **row) for rank, row in enumerate(needs, 1)
        )
        self.trail_also("partners", None, [row["cluster"].name for row in partners])
        self.trail_also("needs", None, [row["area"] for row in needs])

    def managers(self) -> Any:
        """The people who manage the lead cluster."""
        return holders("manager", scope="cluster", key=self.lead_cluster_id)

    def awaited_people(self) -> list[Any]:
        """The applicant while the application is with them, else the office."""
        return list(self.managers() if self.state in {"draft", "returned"} else staff_of(self.programme_id))

    def fingerprint(self) -> str:
        """SHA-256 over what was submitted."""
        content = [
            str(self.pk),
            self.title_text,
            self.motivation,
            self.context,
            self.training_needs,
            sorted(str(key) for key in self.partners.values_list("cluster_id", flat=True)),
            list(self.needs.order_by("rank").values_list("area", "text")),
        ]
        return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Partners; for those who take part the needs; for staff the evaluations."""
        partners = [[p.cluster.name, p.cluster.country.name] for p in self.partners.select_related("cluster")]
        needs = [[n.rank, n.get_area_display(), n.text] for n in self.needs.order_by("rank")]
        parts = [
            {
                "title": _("Partner clusters"),
                "columns": [_("Cluster"), _("Country")],
                "rows": partners,
                "empty": _("No partners."),
            },
            {
                "title": _("Needs"),
                "columns": [_("Rank"), _("Area"), _("In words")],
                "rows": needs,
                "empty": _("No needs yet."),
            },
        ]
        if face == "public":
            return parts[:1]
        if face == "staff":
            rows = [
                [str(e.evaluator), e.get_state_display(), e.total or ""]
                for e in self.evaluations.select_related("evaluator")
            ]
            columns = [_("Evaluator"), _("State"), _("Total")]
            parts.append(
                {"title": _("Evaluations"), "columns": columns, "rows": rows, "empty": _("Nobody is assigned yet.")}
            )
        return parts


class ApplicationPartner(Part):
    """A partner cluster of an application."""

    application = models.ForeignKey("facility.Application", on_delete=models.PROTECT, related_name="partners")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="partnerships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["application", "cluster"], name="partner_once_per_application")]

    def __str__(self) -> str:
        return self.cluster.name


class ApplicationNeed(Part):
    """A need as the applicant put it, in order of importance."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    application = models.ForeignKey("facility.Application", on_delete=models.PROTECT, related_name="needs")
    rank = models.PositiveSmallIntegerField()
    area = models.CharField(max_length=40, choices=AREAS)
    text = models.CharField(max_length=500)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["application", "rank"], name="need_rank_once_per_application")]

    def __str__(self) -> str:
        return self.text


# Who has to do with an application.
own_manager = manager_of("lead_cluster_id")
partner_manager = who(
    "partner manager",
    lambda person: Q(
        pk__in=ApplicationPartner.objects.filter(cluster_id__in=held(person, "manager", scope="cluster")).values(
            "application_id"
        )
    ),
    "manager",
)
assigned_evaluator = who(
    "assigned evaluator", lambda person: Q(pk__in=held(person, "evaluator", scope="application")), "evaluator"
)
on_public_list = who(
    "public",
    lambda person: Q(
        state="selected",
        call_id__in=apps.get_model("facility.Selection").objects.filter(state="released").values("call_id"),
    ),
)
own_advisor = who("own advisor", lambda person: Q(pk__in=held(person, "advisor", scope="application")), "advisor")


def _local(call: Any) -> str:
    return f"{formats.date_format(call.closes_at.astimezone(zoneinfo.ZoneInfo(call.zone)), 'j F Y, H:i')} ({call.zone})"
