"""The rules of a ranking, as a call declares and a selection applies them, and bids as candidates (F03, G03)."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, cast

from django.apps import apps
from django.db import models
from django.db.models import Avg
from django.utils import formats
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility import ranking
from facility.reasons import group_words, worded
from facility.registry.label import LEVELS, level_on
from facility.workflow.engine import Part
from facility.workflow.show import labelled

KINDS = [
    ("country", _("Country of the lead cluster")),
    ("countries", _("Country of any cluster taking part")),
    ("sector", _("Sector of the lead cluster")),
    ("ecosystem", _("Ecosystem of the lead cluster")),
    ("label", _("Label of the lead cluster")),
]
# What share of its weight a level earns: each step up is worth the same.
SHARE = {level: Decimal(at) / len(LEVELS) for at, (level, _word) in enumerate(LEVELS, 1)}
CENT = Decimal("0.01")


class TieRule(models.TextChoices):
    """Who comes first of those with the same score."""

    RECEIVED = "received", _("the application received first")
    CRITERION = "criterion", _("the higher score on the named criterion, then the application received first")
    COUNTRY = (
        "country",
        _("the lead country with fewer selected among the better scores, then the application received first"),
    )


class RuleSet(models.Model):
    """The rules of a ranking beside places, minimum score and the cap that holds for each country."""

    places: Any
    minimum_score: Any
    country_cap: Any
    reserve_places: Any
    quotas: Any

    tie_rule = models.CharField(
        _("of equal scores comes first"), max_length=10, choices=TieRule.choices, default="received"
    )
    tie_criterion = models.CharField(_("criterion that decides equal scores"), max_length=120, blank=True, default="")
    label_weight = models.PositiveSmallIntegerField(_("points for a label"), default=0)

    class Meta:
        abstract = True

    @labelled(_("of equal scores comes first"))
    def tie_sentence(self) -> str:
        """How equal scores are put in order, in words."""
        if self.tie_rule == TieRule.CRITERION:
            return _t("the higher score on “%(criterion)s”, then the application received first") % {
                "criterion": self.tie_criterion
            }
        return str(TieRule(self.tie_rule).label)

    def limits(self) -> list[Any]:
        """The rows of its quotas; read once for a record that is in hand."""
        if "_limits" not in self.__dict__:
            self._limits = [] if self._state.adding else list(self.quotas.order_by("kind", "value"))
        return self._limits

    def rules(self, candidates: Iterable[ranking.Candidate], overrides: Any = None) -> ranking.Rules:
        """As the ranking takes them. What holds for each country, sector … becomes a cap on each that occurs."""
        occurring = {group for one in candidates for group in one.groups}
        caps: dict[ranking.Group, int] = {}
        minima: dict[ranking.Group, int] = {}
        if self.country_cap is not None:
            caps = {group: self.country_cap for group in occurring if group[0] == "country"}
        # What is said of all comes first, so that what is said of one of them holds for that one.
        for limit in sorted(self.limits(), key=lambda one: bool(one.value)):
            named = [(limit.kind, limit.value)] if limit.value else [g for g in occurring if g[0] == limit.kind]
            for group in named:
                if limit.at_most is not None:
                    caps[group] = limit.at_most
                if limit.at_least:
                    minima[group] = limit.at_least
        return ranking.Rules(
            places=self.places,
            minimum_score=self.minimum_score,
            caps=caps,
            minima=minima,
            overrides=overrides or {},
            tie_rule=self.tie_sentence(),
            fewest_of_country_first=self.tie_rule == TieRule.COUNTRY,
            reserve_places=self.reserve_places,
        )

    def declared(self) -> list[str]:
        """Every rule as a sentence."""
        said = [
            _t("There are %(n)d places and %(reserve)d places on the reserve list.")
            % {"n": self.places, "reserve": self.reserve_places},
            _t("The minimum score is %(n)s of 100.") % {"n": formats.number_format(self.minimum_score)},
        ]
        if self.country_cap is not None:
            said.append(_t("At most %(n)d from each country of the lead cluster.") % {"n": self.country_cap})
        said += [str(limit) for limit in self.limits()]
        if self.label_weight:
            said.append(
                _t("A label of the lead cluster on the closing day adds up to %(n)d points: %(levels)s.")
                % {
                    "n": self.label_weight,
                    "levels": ", ".join(
                        f"{level} {formats.number_format(bonus(level, self.label_weight))}" for level in SHARE
                    ),
                }
            )
        return [*said, _t("Of equal scores comes first: %(rule)s.") % {"rule": self.tie_sentence()}]

    def quota_part(self) -> list[dict[str, Any]]:
        """The quotas as a table of its page; none without quotas."""
        rows = [[str(limit)] for limit in self.limits()]
        return [{"title": _("Quotas"), "columns": [_("Rule")], "rows": rows, "empty": ""}] if rows else []


class CallRules(RuleSet):
    """What a call declares beyond the ranking: the review, and what those who are not selected read."""

    review_days = models.PositiveSmallIntegerField(_("days to ask for a review"), default=14)
    shares_comments = models.BooleanField(_("evaluators’ comments are sent to those not selected"), default=False)

    class Meta:
        abstract = True


RULES = ("places", "minimum_score", "country_cap", "reserve_places", "tie_rule", "tie_criterion", "label_weight")
LIMIT = ("kind", "value", "at_least", "at_most")


class Quota(Part):
    """At least, at most, or both, for one country, sector … or, with an empty value, for each of them."""

    kind = models.CharField(max_length=10, choices=KINDS)
    value = models.CharField(max_length=120, blank=True, default="")
    at_least = models.PositiveSmallIntegerField(null=True)
    at_most = models.PositiveSmallIntegerField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        what = (
            group_words((self.kind, self.value))
            if self.value
            else _t("each: %(kind)s") % {"kind": dict(KINDS)[self.kind]}
        )
        parts = []
        if self.at_least:
            parts.append(_t("at least %(n)d") % {"n": self.at_least})
        if self.at_most is not None:
            parts.append(_t("at most %(n)d") % {"n": self.at_most})
        return f"{what}: {', '.join(parts)}."


class CallQuota(Quota):
    """A quota that a call declares."""

    call = models.ForeignKey("facility.Call", on_delete=models.PROTECT, related_name="quotas")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "kind", "value"], name="quota_once_per_call")]


class SelectionQuota(Quota):
    """A quota that a selection applies."""

    selection = models.ForeignKey("facility.Selection", on_delete=models.PROTECT, related_name="quotas")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["selection", "kind", "value"], name="quota_once_per_selection")]


def keep_quotas(owner: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    """Inside a step: these are now the quotas of a call or selection."""
    before = [str(limit) for limit in owner.limits()]
    owner.quotas.all().delete()
    owner._limits = [owner.quotas.model(**{owner.quotas.field.name: owner}, **row) for row in rows]
    owner.quotas.model.objects.bulk_create(owner._limits)
    owner.trail_also("quotas", before, [str(limit) for limit in owner._limits])


def bonus(level: str, weight: int) -> Decimal:
    """The points that a label of this level adds under a weight; none without a label."""
    return (SHARE.get(level, Decimal(0)) * weight).quantize(CENT)


class Pool:
    """The applications of a call in some states, with what a ranking needs to know of them; read once."""

    def __init__(self, call: Any, *states: str) -> None:
        self.call = call
        found = call.applications.filter(state__in=states).select_related("lead_cluster")
        self.rows = {str(row.pk): row for row in found.prefetch_related("partners__cluster")}
        day = call.closes_at.astimezone(zoneinfo.ZoneInfo(call.zone)).date()
        held = level_on([row.lead_cluster_id for row in self.rows.values()], day)
        self.levels = {key: held.get(row.lead_cluster_id, "") for key, row in self.rows.items()}
        self._means: dict[str, dict[Any, Decimal]] = {}
        self._shortfalls: dict[Any, tuple[tuple[str, Decimal, Decimal], ...]] | None = None

    def candidates(self, rules: RuleSet) -> list[ranking.Candidate]:
        """The bids as the ranking takes them under these rules."""
        means = self.means(rules.tie_criterion) if rules.tie_rule == TieRule.CRITERION else {}
        return [
            ranking.Candidate(
                id=key,
                score=cast("Decimal", row.score),
                bonus=bonus(self.levels[key], rules.label_weight),
                tie=(-means.get(row.pk, Decimal(0)), row.submitted_at, key),
                country=str(row.lead_cluster.country),
                countries=tuple(sorted({str(p.cluster.country) for p in row.partners.all()})),
                sector=row.lead_cluster.sector,
                ecosystem=row.lead_cluster.ecosystem,
                label=self.levels[key],
                below=self.shortfalls().get(row.pk, ()),
            )
            for key, row in self.rows.items()
        ]

    def means(self, criterion: str) -> dict[Any, Decimal]:
        """The mean score of each application on the criterion of this name, by its key."""
        if criterion not in self._means:
            scores = apps.get_model("facility.Score").objects.filter(
                evaluation__state="submitted",
                evaluation__application__in=list(self.rows),
                criterion__name=criterion,
            )
            pairs = scores.values_list("evaluation__application").annotate(mean=Avg("value"))
            self._means[criterion] = dict(pairs.order_by("evaluation__application"))
        return self._means[criterion]

    def shortfalls(self) -> dict[Any, tuple[tuple[str, Decimal, Decimal], ...]]:
        """By the key of each application the criteria on which its mean is below the points needed to pass."""
        if self._shortfalls is None:
            scores = apps.get_model("facility.Score").objects.filter(
                evaluation__state="submitted",
                evaluation__application__in=list(self.rows),
                criterion__threshold__isnull=False,
            )
            named = ("evaluation__application", "criterion__order", "criterion__name", "criterion__threshold")
            self._shortfalls = {}
            for key, _order, name, needed, mean in (
                scores.values_list(*named).annotate(mean=Avg("value")).order_by(*named)
            ):
                if mean < needed:
                    self._shortfalls[key] = (*self._shortfalls.get(key, ()), (name, mean.quantize(CENT), needed))
        return self._shortfalls

    def names(self) -> dict[str, str]:
        """What to call each application in a sentence."""
        return {key: f"{row.lead_cluster.name} ({row.number})" for key, row in self.rows.items()}

    def rank(self, rules: RuleSet, overrides: Any = None) -> ranking.Proposal:
        """The proposal under these rules."""
        candidates = self.candidates(rules)
        return ranking.rank(candidates, rules.rules(candidates, overrides))


def in_force(call: Any) -> Any:
    """The rules that hold for promotions: those of the released selection, or the call's own while there is none."""
    return call.selections.filter(state="released").first() or call


class Line:
    """The reserve list of a call: who stands on it, and who moves up when a place is free."""

    def __init__(self, call: Any) -> None:
        self.call, rules = call, in_force(call)
        self.pool = Pool(call, "selected", "reserve")
        by_id = {one.id: one for one in self.pool.candidates(rules)}
        waiting = [row for row in self.pool.rows.values() if row.state == "reserve"]
        self.waiting = sorted(waiting, key=lambda row: (row.reserve_position or 0, row.number))
        self.selected = [by_id[key] for key, row in self.pool.rows.items() if row.state == "selected"]
        self.free = max(0, rules.places - len(self.selected))
        reserves = [by_id[str(row.pk)] for row in self.waiting]
        self.promotion = ranking.next_promotion(reserves, self.selected, rules.rules(by_id.values()))

    def why_not(self, key: Any) -> list[str]:
        """Why an application on the list does not move up now; empty when it does."""
        if self.promotion.id == str(key):
            return []
        skipped = dict(self.promotion.skipped)
        if str(key) in skipped:
            return [worded(reason) for reason in skipped[str(key)]]
        first = self.pool.rows.get(self.promotion.id or "")
        return [_t("%s comes first on the reserve list.") % first.lead_cluster.name] if first else []


def what_is_missing(bid: Any) -> tuple[ranking.Reason, ...]:
    """What an evaluated application lacks to be taken under the rules in force; empty when it lacks nothing."""
    rules = in_force(bid.call)
    (one,) = (one for one in Pool(bid.call, bid.state).candidates(rules) if one.id == str(bid.pk))
    return ranking.short_of(one, rules.minimum_score)


def joined(bid: Any) -> tuple[int, dict[Any, int]]:
    """The position that an application's score gives it on the reserve list, and the new positions of those who move.

    It stands right after the last who comes before it by the rules in force; only those whose position is then taken
    move down, each by one.
    """
    rules = in_force(bid.call)
    pool = Pool(bid.call, "reserve", bid.state)
    waiting = {key: row for key, row in pool.rows.items() if row.state == "reserve" and row.reserve_position}
    # Others in the state of this one, such as those under review, stand on no list and may have no score.
    standing = [one for one in pool.candidates(rules) if one.id in waiting or one.id == str(bid.pk)]
    order = {one.id: at for at, one in enumerate(ranking.in_order(standing))}
    better = [row.reserve_position for key, row in waiting.items() if order[key] < order[str(bid.pk)]]
    position = max(better, default=0) + 1
    held = {row.reserve_position: row.pk for row in waiting.values()}
    moved, at = {}, position
    while at in held:
        moved[held[at]] = at = at + 1
    return position, moved
