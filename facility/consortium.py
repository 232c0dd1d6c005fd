"""The consortium of an application: each partner's manager confirms its part in person."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.bid import State, own_manager, partner_manager
from facility.drafting import Drafting
from facility.papers import ApplicationPartner
from facility.registry.people import Person
from facility.roles import holders
from facility.workflow import clock
from facility.workflow.steps import step

OPEN = [State.DRAFT, State.RETURNED]


class Consortium(Drafting):
    """The steps by which partners come, confirm and go."""

    class Meta(Drafting.Meta):
        abstract = True

    @step(label=_("Ask a partner"), source=OPEN, target=None, who=own_manager, form="AskPartner")
    def ask_partner(self, *, by: Any, cluster: Any, role: str, email: str = "", name: str = "") -> None:
        """Adds a cluster, from anywhere in the world, and asks its manager to confirm its part; or asks once more."""
        partner = self.partners.filter(cluster=cluster).first() or ApplicationPartner(
            application_id=self.pk, cluster=cluster
        )
        partner.role, partner.asked_at = role or partner.role, clock.now()
        if email:
            partner.contact = Person.objects.known_or_new(email, name)
        partner.save()
        managers = list(holders("manager", scope="cluster", key=cluster.pk))
        asked = {one.pk: one for one in [*managers, partner.contact] if one}.values()
        self.tell(
            [one for one in asked if one.can_sign_in()],
            gettext_noop("%(lead)s asks you to confirm the part of %(cluster)s in its application."),
            lead=self.lead_cluster.name,
            cluster=cluster.name,
        )
        # Whoever has no account here gets a link by mail; it stands in the mail only.
        for person in [one for one in asked if not one.can_sign_in()]:
            self.queue("facility.ask_partner", person=str(person.pk), partner=str(partner.pk), version=self.version)
        self.trail_also("partner", None, cluster.name)

    @step(label=_("Remove a partner"), source=OPEN, target=None, who=own_manager, form="RemovePartner")
    def remove_partner(self, *, by: Any, partner: ApplicationPartner) -> None:
        """The cluster takes no part; what the others have confirmed stays."""
        self.tell(
            holders("manager", scope="cluster", key=partner.cluster_id),
            gettext_noop("%(lead)s no longer names %(cluster)s as a partner."),
            lead=self.lead_cluster.name,
            cluster=partner.cluster.name,
        )
        self.trail_also("partner", partner.cluster.name, None)
        partner.delete()

    @step(label=_("Confirm our part"), source=OPEN, target=None, who=partner_manager, form="ConfirmPart")
    def confirm_part(self, *, by: Any, partner: ApplicationPartner, role: str, contribution: str) -> None:
        """You confirm for your cluster that it takes part, in which role and with what."""
        partner.role, partner.contribution = role, contribution
        self.answer(partner, "yes", by)
        self.tell(self.managers(), gettext_noop("%(cluster)s has confirmed its part."), cluster=partner.cluster.name)

    @step(label=_("We do not take part"), source=OPEN, target=None, who=partner_manager, form="RefusePart")
    def refuse_part(self, *, by: Any, partner: ApplicationPartner, reason: str) -> None:
        """Says no, or takes a confirmation back. The application cannot be handed in with your cluster then."""
        self.answer(partner, "no", by)
        self.tell(
            self.managers(),
            gettext_noop("%(cluster)s does not take part: %(reason)s"),
            cluster=partner.cluster.name,
            reason=reason,
        )

    def answer(self, partner: ApplicationPartner, said: str, by: Any) -> None:
        """Writes down who answered what, and when."""
        self.trail_also("partner", [partner.cluster.name, partner.answer], [partner.cluster.name, said])
        partner.answer, partner.answered_by, partner.answered_at = said, by, clock.now()
        partner.save()
