"""What must be true of an application before a step: its guards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef
from django.utils import formats
from django.utils.translation import get_language
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.bid import tied
from facility.call_parts import worded
from facility.consortium import Consortium
from facility.drafting import ANSWER, TEXTS
from facility.papers import PARTNERS_AT_MOST
from facility.questions import wording
from facility.quotas import Line
from facility.registry import declaration
from facility.workflow import clock
from facility.workflow.show import label_of, labelled
from facility.workflow.steps import guard


@dataclass(frozen=True)
class Problem:
    """What stands in the way of handing in, and the field where it is mended; a note alone does not block."""

    field: str
    sentence: str
    blocks: bool = True


class Ready(Consortium):
    """The guards of an application."""

    class Meta(Consortium.Meta):
        abstract = True

    @guard(_("The call is not open."))
    def is_before_closing(self) -> Any:
        """The call takes applications now, by its own clock."""
        return self.call.takes_now() or [
            _t("Applications can be submitted only while the call is open: until %s.") % self.call.closes()
        ]

    @guard(_("Something is missing."))
    def is_complete(self) -> Any:
        """Nothing stands in the way of handing it in; the same list is shown before."""
        return [problem.sentence for problem in self.problems() if problem.blocks] or True

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
        given = self.evaluations.filter(~tied_one, state="submitted", total__isnull=False)
        return list(given.values_list("total", flat=True))

    @labelled(_("far apart"))
    def spread_warning(self) -> str:
        """A sentence where the evaluators are further apart than the call lets pass without a word."""
        totals = self.totals() if self.state == "eligible" else []
        apart, limit = (max(totals) - min(totals) if totals else 0), self.call.spread_threshold
        if apart <= limit:
            return ""
        said = _t("The evaluators are %(spread)s points apart, more than %(limit)s.")
        return said % {"spread": formats.number_format(apart, 0), "limit": formats.number_format(limit, 0)}

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

    # -- what stands in the way of handing in, field by field

    def problems(self) -> list[Problem]:
        """Everything at once, in the order of the page. It decides whether the application can be handed in."""
        found = [*self._of_texts(), *self._of_needs(), *self._of_questions(), *self._of_documents()]
        return [*found, *self._of_partners(), *self._of_declaration(), *self._of_kept_texts()]

    def _of_texts(self) -> Iterator[Problem]:
        missing = {
            "title_text": _t("Give a title before you submit."),
            "motivation": _t("Write the motivation before you submit."),
            "context": _t("Describe the context of the cluster before you submit."),
        }
        for name, limit in TEXTS.items():
            text = getattr(self, name).strip()
            if not text and name in missing:
                yield Problem(name, missing[name])
            if len(text) > limit:
                said = {"field": self.field_label(name), "over": len(text) - limit, "limit": limit}
                yield Problem(name, _t("%(field)s: shorten this by %(over)d characters; %(limit)d are allowed.") % said)
        if not self.lead_cluster.is_in_eu():
            said = {"cluster": self.lead_cluster.name, "country": self.lead_cluster.country.name}
            text = _t(
                "%(cluster)s is in %(country)s. Only clusters of a Member State can lead; others can be partners. "
                "Expect that the office finds this application not eligible."
            )
            yield Problem("lead_cluster", text % said, blocks=False)

    def _of_needs(self) -> Iterator[Problem]:
        rows = list(self.needs.filter(source="applicant").order_by("rank"))
        if not rows:
            yield Problem("needs", _t("Name at least one need before you submit."))
        for row in rows:
            if not row.area or not row.text.strip():
                yield Problem("needs", _t("Need %d: choose an area and say it in your words.") % row.rank)
        areas = [row.area for row in rows if row.area]
        if len(set(areas)) < len(areas):
            yield Problem("needs", _t("Name each area once."))

    def _of_questions(self) -> Iterator[Problem]:
        for key, sentences in self.asks.problems(self.all_answers()).items():
            label = wording(self.asks.questions[key].label, get_language() or "en")
            for sentence in sentences:
                yield Problem(f"{ANSWER}{key}", f"{label}: {worded(sentence)}")

    def _of_documents(self) -> Iterator[Problem]:
        for paper in self.files().filter(document__state="rejected"):
            said = {"name": paper.document.name, "why": paper.document.why_rejected}
            yield Problem("documents", _t("The file %(name)s was not accepted: %(why)s") % said)

    def _of_partners(self) -> Iterator[Problem]:
        rows = list(self.partners.select_related("cluster").order_by("cluster__sort_name", "pk"))
        if len(rows) > PARTNERS_AT_MOST:
            yield Problem("partners", _t("At most %d partners can take part.") % PARTNERS_AT_MOST)
        for row in rows:
            if row.answer == "no":
                yield Problem(
                    "partners", _t("%s does not take part; remove it, or ask it once more.") % row.cluster.name
                )
            elif row.answer != "yes":
                yield Problem("partners", _t("%s has not confirmed its part yet.") % row.cluster.name)

    def _of_declaration(self) -> Iterator[Problem]:
        if self.signed_version is None:
            yield Problem("declaration", _t("Sign the declaration of honour before you submit."))
        elif self.state == self.State.DRAFT and self.signed_version != declaration.in_force(self.programme_id).number:
            yield Problem("declaration", _t("The declaration of honour has a new text; read and sign it."))

    def _of_kept_texts(self) -> Iterator[Problem]:
        for name in self.kept_texts.order_by("field").values_list("field", flat=True).distinct():
            yield Problem(name, _t("%s: two texts stand beside each other; choose one.") % self.field_label(name))

    def field_label(self, name: str) -> str:
        """How a field of the application is called."""
        words = {"needs": _t("Needs"), "documents": _t("Documents"), "strategic_focus": _t("Strategic focus")}
        if name.startswith(ANSWER):
            question = self.asks.questions.get(name.removeprefix(ANSWER))
            return wording(question.label, get_language() or "en") if question else name.removeprefix(ANSWER)
        return words.get(name) or label_of(type(self), name)

    @guard(_("The time to ask for a review is over."))
    def is_in_time_for_review(self) -> Any:
        """The days that the call gives have not passed since the decision."""
        until = self.review_until()
        if until is None or clock.now() < until:
            return True
        return [_t("A review could be asked for until %s.") % self.call.in_its_zone(until)]
