"""The input of the steps of a consortium."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.papers import PARTNERS_AT_MOST, ApplicationPartner
from facility.registry.cluster import Cluster
from facility.registry.people import Person
from facility.roles import held, holders
from facility.workflow.input import ReasonForm, StepForm

from .registry import SHORT, long_text


class AskPartner(StepForm):
    """A partner cluster; an address only where nobody of it has an account here."""

    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name"))
    role = forms.CharField(
        label=_("Its role"), max_length=SHORT, required=False, help_text=_("Its manager confirms or changes it.")
    )
    name = forms.CharField(label=_("Name of its manager"), max_length=SHORT, required=False)
    email = forms.EmailField(
        label=_("E-mail of its manager"),
        required=False,
        help_text=_("Only where the cluster has no manager with an account here: a link to confirm is sent there."),
    )

    def prepare(self) -> None:
        """Any cluster but the lead itself."""
        self.narrow_to("cluster", Cluster.objects.exclude(pk=self.record.lead_cluster_id).order_by("sort_name"))

    def clean(self) -> dict[str, Any]:
        """Four partners at most, and somebody who can answer."""
        data = super().clean() or {}
        cluster = data.get("cluster")
        if cluster is None:
            return data
        others = self.record.partners.exclude(cluster=cluster)
        if others.count() >= PARTNERS_AT_MOST:
            self.add_error("cluster", _t("At most %d partners can take part.") % PARTNERS_AT_MOST)
        managers = list(holders("manager", scope="cluster", key=cluster.pk))
        email = (data.get("email") or "").strip().lower()
        if email and any(one.can_sign_in() for one in managers):
            self.add_error(
                "email", _t("This cluster has a manager with an account here, who is asked. Leave it empty.")
            )
        elif email and not data.get("name"):
            self.add_error("name", _t("Give the name as well."))
        elif email and self._is_own(email):
            self.add_error("email", _t("The part is confirmed by the partner, not by your own cluster."))
        elif not email and not managers and not self.record.partners.filter(cluster=cluster, contact__isnull=False):
            self.add_error(
                "email", _t("Nobody of this cluster has an account here. Give name and address of its manager.")
            )
        return data

    def _is_own(self, email: str) -> bool:
        person = Person.objects.filter(email=email).first()
        return person is not None and (person == self.by or person in self.record.managers())


class PartnerForm(StepForm):
    """Which partner."""

    partner = forms.ModelChoiceField(label=_("Partner"), queryset=ApplicationPartner.objects.none())

    def prepare(self) -> None:
        """Those of the application."""
        self.narrow_to("partner", self.partners())

    def partners(self) -> Any:
        """All of them."""
        return self.record.partners.select_related("cluster").order_by("cluster__sort_name", "pk")


class RemovePartner(PartnerForm):
    """The partner that goes."""


class OwnPart(PartnerForm):
    """A part that the person answers for."""

    def partners(self) -> Any:
        """Of own clusters, or where one was named as the contact."""
        if not getattr(self.by, "pk", None):
            return super().partners().none()
        own = Q(cluster_id__in=held(self.by, "manager", scope="cluster")) | Q(contact=self.by)
        return super().partners().filter(own)

    def prepare(self) -> None:
        """With one part there is nothing to choose."""
        super().prepare()
        rows = list(self.partners()[:2])
        if len(rows) == 1:
            self.fields["partner"].widget = forms.HiddenInput()
            self.initial["partner"] = rows[0].pk
            self.initial = {**self.initial, "role": rows[0].role, "contribution": rows[0].contribution}


class ConfirmPart(OwnPart):
    """Role and contribution, in the partner's own words."""

    role = forms.CharField(label=_("Role of your cluster"), max_length=SHORT)
    contribution = long_text(_("What your cluster contributes"), limit=2000)


class RefusePart(OwnPart, ReasonForm):
    """Why not."""
