"""What a ranking would be under one set of rules or another; nothing is written (F03)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from facility import ranking
from facility.quotas import RULES, Pool, SelectionQuota
from facility.reasons import group_words, worded
from facility.selection import Selection, as_overrides

FILLED_AT_MOST = 8


@dataclass
class Trial:
    """One set of rules with what comes of it."""

    name: str
    rules: Selection
    proposal: ranking.Proposal
    candidates: list[ranking.Candidate]
    limits: ranking.Rules
    # Who goes out and who comes in against the bare order of points.
    pairs: tuple[tuple[str | None, str | None], ...] = ()
    by_id: dict[str, ranking.Placing] = field(init=False)

    def __post_init__(self) -> None:
        self.by_id = {placing.id: placing for placing in self.proposal.placings}

    def selected(self) -> list[ranking.Candidate]:
        """Those who come in."""
        chosen = set(self.proposal.ids(ranking.Outcome.SELECTED))
        return [one for one in self.candidates if one.id in chosen]

    def fills(self) -> list[dict[str, Any]]:
        """How full the places and caps are, and how far the minima are met; the fullest first."""
        counts = Counter(group for one in self.selected() for group in one.groups)
        rules: list[dict[str, Any]] = [
            {"group": group, "taken": counts[group], "n": n, "least": least}
            for least, limits in ((False, self.limits.caps), (True, self.limits.minima))
            for group, n in limits.items()
            if counts[group] or least
        ]
        rules.sort(key=lambda one: (not one["least"], -one["taken"] / max(one["n"], 1), one["group"]))
        places: dict[str, Any] = {"group": None, "taken": len(self.selected()), "n": self.limits.places, "least": False}
        return [
            one | {"words": group_words(one["group"]) if one["group"] else "", "width": _width(one["taken"], one["n"])}
            for one in [places, *rules[:FILLED_AT_MOST]]
        ]

    def spread(self, kind: str) -> Counter[str]:
        """How many of those who come in each country, ecosystem … has."""
        return Counter(value for one in self.selected() for group, value in one.groups if group == kind)

    def contradiction(self, names: Mapping[str, str]) -> list[str]:
        """The rules that cannot all hold, as sentences."""
        return [worded(reason, names) for reason in self.proposal.contradiction]

    def why(self, key: str, names: Mapping[str, str]) -> list[str]:
        """Why an application stands where it does, beyond its place in the order."""
        said = [worded(one, names) for one in self.by_id[key].reasons if one.code not in {"in_order", "no_place"}]
        return [one for one in said if one]


def tried(pool: Pool, name: str, rules: Selection, overrides: list[dict[str, Any]]) -> Trial:
    """What comes of these rules and overrides, and who displaces whom against the bare order."""
    candidates = pool.candidates(rules)
    limits = rules.rules(candidates, as_overrides(overrides))
    proposal = ranking.rank(candidates, limits)
    bare = ranking.Rules(
        places=rules.places,
        minimum_score=rules.minimum_score,
        fewest_of_country_first=limits.fewest_of_country_first,
        reserve_places=rules.reserve_places,
    )
    pairs = ranking.displaced(ranking.rank([replace(one, bonus=Decimal(0)) for one in candidates], bare), proposal)
    return Trial(name, rules, proposal, candidates, limits, pairs)


def trial_rules(selection: Selection, cleaned: Mapping[str, Any]) -> Selection:
    """An unsaved selection under the rules of a cleaned form."""
    trial = Selection(call=selection.call, **{name: cleaned[name] for name in RULES})
    trial._limits = [SelectionQuota(**row) for row in cleaned["quotas"]]
    return trial


def _width(taken: int, of: int) -> float:
    return round(200 * min(taken / of, 1), 1) if of else 200
