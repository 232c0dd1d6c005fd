"""The selection of a call: ranked proposal, approval, release (F03, F05)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility import letter, ranking
from facility.application import Application
from facility.outcome import Outcome, SelectionLine, State, with_outcome
from facility.quotas import LIMIT, RULES, Pool, keep_quotas
from facility.reasons import kept, worded
from facility.registry.cluster import Cluster
from facility.registry.matrix import EU_MEMBERS
from facility.roles import lead, office
from facility.workflow import clock
from facility.workflow.engine import perform_many
from facility.workflow.steps import NEW, guard, step


class Selection(Outcome):
    """Who comes in: computed from scores and rules, approved by the lead, released to everybody at one moment."""

    class Meta(Outcome.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["call"], condition=Q(state="released"), name="one_released_selection_per_call"
            )
        ]

    # -- guards

    @guard(_("The call is still open."))
    def is_closed_call(self) -> bool:
        """The call takes nothing any more."""
        return self.call.state == "closed"

    @guard(_("Close the evaluation of every eligible application first."))
    def has_all_evaluated(self) -> Any:
        """No application waits for eligibility or evaluation."""
        left = self.call.applications.filter(state__in=["submitted", "returned", "eligible", "under_review"]).count()
        return left == 0 or [_t("%d applications are not evaluated yet.") % left]

    @guard(_("More are selected than there are places."))
    def is_within_capacity(self) -> bool:
        """Never more than the places."""
        return self.lines.filter(outcome="selected").count() <= self.call.places

    @guard(_("The caps do not hold."))
    def is_within_quotas(self) -> Any:
        """Every cap holds for those who come in."""
        pool = Pool(self.call, "evaluated")
        candidates = pool.candidates(self)
        chosen = {str(key) for key in self.lines.filter(outcome="selected").values_list("application_id", flat=True)}
        counts = Counter(group for one in candidates if one.id in chosen for group in one.groups)
        caps = self.rules(candidates).caps
        over = [
            worded(ranking.Reason("cap_passed", {"group": group, "taken": counts[group], "n": n}))
            for group, n in sorted(caps.items())
            if counts[group] > n
        ]
        return over or True

    @guard(_("Give a reason for every override."))
    def has_reasons(self) -> bool:
        """Overrides carry reasons."""
        return not self.lines.exclude(override="").filter(override_reason="").exists()

    @guard(_("The applications have changed since the ranking was made; propose it again."))
    def is_up_to_date(self) -> bool:
        """The ranking holds exactly the evaluated applications with their present scores."""
        now = set(self.call.applications.filter(state="evaluated").values_list("pk", "score"))
        return now == set(self.lines.values_list("application_id", "score"))

    @guard(_("Draft the letters again: the people who manage the clusters have changed since."))
    def has_letters_for_all(self) -> bool:
        """There is a letter for each manager of each application, and for nobody else."""
        applications = [line.application for line in self.lines.select_related("application")]
        wanted = {(key, person.pk) for key, people in letter.recipients(applications).items() for person in people}
        return wanted == set(self.staged().values_list("application_id", "to_id"))

    @guard(_("A merge field of a letter is not filled."))
    def has_filled_letters(self) -> Any:
        """No letter holds a field that is unknown or empty."""
        return letter.open_fields(self.staged()) or True

    # -- steps

    @step(label=_("New selection"), source=NEW, target=State.DRAFT, who=office, form="SelectionForm")
    def create(self, *, by: Any, call: Any) -> None:
        """Starts the selection of a call under the rules that the call declared."""
        self.call, self.programme_id = call, call.programme_id
        for name in RULES:
            setattr(self, name, getattr(call, name))
        keep_quotas(self, [{name: getattr(limit, name) for name in LIMIT} for limit in call.limits()])

    @step(
        label=_("Change the rules"),
        source=[State.DRAFT, State.PROPOSED],
        target=State.DRAFT,
        who=office,
        form="SelectionRules",
        edits=True,
    )
    def set_quotas(self, *, by: Any, quotas: list[dict[str, Any]], reason: str, **rules: Any) -> None:
        """Departs from the rules that the call declared, with a reason; a ranking is proposed anew under them."""
        for name, value in rules.items():
            setattr(self, name, value)
        keep_quotas(self, quotas)
        self.lines.all().delete()
        self.contradiction, self.checksum = [], ""

    @step(
        label=_("Propose ranking"),
        source=[State.DRAFT, State.PROPOSED],
        target=State.PROPOSED,
        who=office,
        guards=[is_closed_call, has_all_evaluated],
        form="ProposeSelection",
        edits=True,
    )
    def propose(self, *, by: Any, overrides: list[dict[str, Any]]) -> None:
        """Ranks the evaluated applications by score and rules. Propose again to change an override."""
        chosen = {row["application"]: row for row in overrides}
        pool = Pool(self.call, "evaluated")
        proposal = pool.rank(self, as_overrides(overrides))
        by_id = {one.id: one for one in pool.candidates(self)}
        self.lines.all().delete()
        SelectionLine.objects.bulk_create(
            SelectionLine(
                selection=self,
                application=pool.rows[placing.id],
                rank=placing.rank,
                score=by_id[placing.id].score,
                points=by_id[placing.id].points,
                label=by_id[placing.id].label,
                outcome=str(placing.outcome),
                position=placing.position,
                reasons=kept(placing.reasons),
                override=chosen[placing.id]["decision"] if placing.id in chosen else "",
                override_reason=chosen[placing.id]["reason"] if placing.id in chosen else "",
            )
            for placing in proposal.placings
        )
        self.contradiction = kept(proposal.contradiction)
        self.checksum = self.digest()
        self.trail_also("ranking", None, [[str(one.outcome), pool.rows[one.id].number] for one in proposal.placings])

    @step(
        label=_("Approve ranking"),
        source=State.PROPOSED,
        target=State.APPROVED,
        who=lead,
        guards=[is_up_to_date, is_within_capacity, is_within_quotas, has_reasons],
    )
    def approve(self, *, by: Any) -> None:
        """You have seen who comes in and why. The letters are drafted; nobody is told anything before the release."""
        self.draft()

    @step(
        label=_("Return"),
        source=State.APPROVED,
        target=State.PROPOSED,
        who=lead,
        form="facility.workflow.input.ReasonForm",
    )
    def send_back(self, *, by: Any, reason: str) -> None:
        """Takes the approval back, and the letters that were drafted with it."""
        self.staged().delete()

    @step(label=_("Draft the letters again"), source=State.APPROVED, target=None, who=office)
    def draft_letters(self, *, by: Any) -> None:
        """Drafts all letters anew from their wording. What was changed in single letters is lost."""
        self.draft()

    @step(label=_("Edit a letter"), source=State.APPROVED, target=None, who=office, form="EditLetter", quiet=True)
    def edit_letter(self, *, by: Any, letter: Any, subject: str, body: str) -> None:
        """Changes one letter before it leaves."""
        letter.subject, letter.body, letter.is_edited = subject, body, True
        letter.save()

    @step(
        label=_("Word the letters"),
        source=[State.DRAFT, State.PROPOSED, State.APPROVED, State.RELEASED],
        target=None,
        who=office,
        form="WordLetter",
    )
    def word_letter(self, *, by: Any, kind: str, language: str, subject: str, body: str) -> None:
        """Sets what letters of a kind say in a language. Those that wait are drafted anew, unless edited singly."""
        letter.LetterText.objects.update_or_create(
            call=self.call, kind=kind, language=language, defaults={"subject": subject, "body": body}
        )
        if self.state == self.State.APPROVED:
            self.draft(keep_edited=True)

    @step(
        label=_("Release the decisions"),
        source=State.APPROVED,
        target=State.RELEASED,
        who=lead,
        guards=[
            is_closed_call,
            has_all_evaluated,
            is_up_to_date,
            is_within_capacity,
            is_within_quotas,
            has_letters_for_all,
            has_filled_letters,
        ],
        locks="call",
    )
    def release(self, *, by: Any) -> None:
        """Moves all applications at once, sends their letters, and puts the list of the selected before the public."""
        self.released_at = clock.now()
        lines = list(self.lines.select_related("application__lead_cluster").order_by("rank"))
        letters = list(self.staged())
        places = {str(one.application_id): place for place, one in enumerate(with_outcome(lines, "selected"), 1)}
        positions = {str(one.application_id): one.position for one in with_outcome(lines, "reserve")}
        with translation.override("en"):  # what the page keeps; the letters are in the language of their readers
            why = self.reasons_for(with_outcome(lines, "rejected"))
        perform_many([one.application for one in with_outcome(lines, "selected")], "select", by=by, places=places)
        perform_many([one.application for one in with_outcome(lines, "reserve")], "reserve", by=by, places=positions)
        perform_many([one.application for one in with_outcome(lines, "rejected")], "reject", by=by, reasons=why)
        letter.send(letters)


def as_overrides(rows: list[dict[str, Any]]) -> dict[str, ranking.Override]:
    """The overrides of a form as the ranking takes them."""
    return {row["application"]: ranking.Override(row["decision"] == "in", row["reason"]) for row in rows}


def spread_by_country(programmes: Any) -> dict[str, int]:
    """How many selected clusters, leads and partners, each country has, most first (F04). `programmes`: their keys."""
    selected = Application.objects.filter(programme__in=programmes, state="selected")
    part = Q(applications__in=selected) | Q(partnerships__application__in=selected)
    found = Cluster.objects.filter(part).values("country").annotate(n=models.Count("pk", distinct=True))
    return {str(row["country"]): row["n"] for row in found.order_by("-n", "country")}


def member_states(programmes: Any) -> int:
    """From how many Member States the selected clusters come; a country outside the EU is none (F04)."""
    return len(EU_MEMBERS & spread_by_country(programmes).keys())


__all__ = ["Selection", "SelectionLine", "as_overrides", "member_states", "spread_by_country"]
