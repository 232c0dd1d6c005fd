"""What must be true of an application before a step: its guards."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.bid import Bid, in_zone
from facility.quotas import Line
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
            _t("Applications can be submitted only while the call is open: until %s.")
            % in_zone(self.call.closes_at, self.call)
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

    @guard(_("Promote in the order of the reserve list."))
    def is_next_in_line(self) -> Any:
        """The first on the reserve list that fits the caps and minima; the list shows the same."""
        if not self.call.free_places():
            return True  # said by the other guard
        return Line(self.call).why_not(self.pk) or True

    @guard(_("Release the selection of the call first."))
    def has_released_selection(self) -> bool:
        """The call's selection is out, so this application was not in it."""
        return self.call.selections.filter(state="released").exists()

    @guard(_("A review can be asked for once."))
    def is_not_reviewed(self) -> bool:
        """No review before."""
        return not self.before_review

    @guard(_("The time to ask for a review is over."))
    def is_in_time_for_review(self) -> Any:
        """The days that the call gives have not passed since the decision."""
        until = self.review_until()
        if until is None or clock.now() < until:
            return True
        return [_t("A review could be asked for until %s.") % in_zone(until, self.call)]
