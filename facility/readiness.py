"""What must be true of an application before a step: its guards."""

from __future__ import annotations

import zoneinfo
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Q
from django.utils import formats
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.bid import Bid, tied
from facility.workflow import clock
from facility.workflow.steps import guard


class Ready(Bid):
    """The guards of an application."""

    class Meta(Bid.Meta):
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
        """As many evaluations count as the call requires."""
        done = len(self.totals())
        required = self.call.evaluations_required
        return done >= required or [
            _t("%(done)d of %(required)d evaluations are submitted.") % {"done": done, "required": required}
        ]

    def totals(self) -> list[Decimal]:
        """The totals that make up the score: those submitted by evaluators who are not tied to the application."""
        tied_one = tied(OuterRef(OuterRef("evaluator_id")), "application__lead_cluster_id", "application_id")
        given = self.evaluations.filter(~Q(tied_one), state="submitted", total__isnull=False)
        return list(given.values_list("total", flat=True))

    def spread_warning(self) -> str:
        """A sentence where the evaluators are further apart than the call lets pass without a word."""
        totals = self.totals() if self.state == "eligible" else []
        apart, limit = (max(totals) - min(totals) if totals else 0), self.call.spread_threshold
        if apart <= limit:
            return ""
        said = _t("The evaluators are %(spread)s points apart, more than %(limit)s.")
        return said % {"spread": formats.number_format(apart, 0), "limit": formats.number_format(limit, 0)}

    spread_warning.label = _("far apart")  # type: ignore[attr-defined]

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


def _local(call: Any) -> str:
    return f"{formats.date_format(call.closes_at.astimezone(zoneinfo.ZoneInfo(call.zone)), 'j F Y, H:i')} ({call.zone})"
