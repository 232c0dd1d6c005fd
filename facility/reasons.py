"""The reasons of a ranking in words: for the office, and for applicants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from facility import ranking
from facility.registry.cluster import ECOSYSTEMS
from facility.registry.label import LEVELS

WORDS = {
    "in_order": _("Rank %(rank)s with a score of %(score)s."),
    "bonus": _("%(points)s points for the label are added."),
    "in_by_minimum": _("Taken before better scores because the minimum of %(n)s for %(group)s was not met yet."),
    "in_by_override": _("In by override: %(reason)s"),
    "out_by_override": _("Out by override: %(reason)s"),
    "override_blocked": _("The override could not be followed: places and caps come first."),
    "below_minimum_score": _("The score of %(score)s is below the minimum of %(minimum)s."),
    "below_threshold": _("%(score)s points on “%(criterion)s”; %(minimum)s are needed."),
    "cap": _("Displaced by the cap: %(group)s, %(taken)s of %(n)s."),
    "cap_passed": _("Over the cap: %(group)s, %(taken)s of %(n)s."),
    "kept_for_minimum": _("The places left are needed for the minimum of %(n)s for %(group)s."),
    "no_place": _("No place left (%(taken)s of %(n)s)."),
    "no_reserve_place": _("No place left on the reserve list (%(n)s)."),
    "tie": _("Same score as %(others)s; the rule is: %(rule)s."),
    "tie_open": _("Same score as %(others)s, and the rule leaves both equal: decide by an override."),
    "rule_places": _("There are %(n)s places."),
    "rule_minimum_score": _("The minimum score is %(minimum)s."),
    "rule_cap": _("At most %(n)s: %(group)s."),
    "rule_minimum": _("At least %(n)s: %(group)s."),
    "rule_in": _("Override: %(id)s is in."),
    "rule_out": _("Override: %(id)s is out."),
}
# What an applicant reads: nothing of ranks, of other applicants, or of the office's overrides.
TO_APPLICANTS = {
    "below_minimum_score": _("Your score of %(score)s is below the minimum of %(minimum)s."),
    "below_threshold": _("%(score)s points on “%(criterion)s”; %(minimum)s are needed to pass."),
    "cap": _(
        "The call takes at most %(n)s: %(group)s. These places went to applications that come before yours by the "
        "rules of the call."
    ),
    "kept_for_minimum": _("The places that were left are kept for: %(group)s, at least %(n)s."),
    "no_place": _("All %(n)s places went to applications that come before yours by the rules of the call."),
    "no_reserve_place": _(
        "The %(n)s places on the reserve list went to applications that come before yours by the rules of the call."
    ),
    "out_by_override": "%(reason)s",
}


def kept(reasons: Iterable[ranking.Reason]) -> list[dict[str, Any]]:
    """Reasons as JSON can hold them."""
    return [
        {
            "code": one.code,
            "values": {name: str(value) if isinstance(value, Decimal) else value for name, value in one.values.items()},
        }
        for one in reasons
    ]


def worded(reason: Any, names: Mapping[str, str] | None = None, words: Mapping[str, Any] = WORDS) -> str:
    """A reason in the reader's language; `names` say what to call the applications in it. Empty when not to be said."""
    if isinstance(reason, str):
        return reason  # as a ranking before version 0.3 kept it
    code, values = (
        (reason.code, reason.values) if isinstance(reason, ranking.Reason) else (reason["code"], reason["values"])
    )
    if code not in words:
        return ""
    said = {name: _shown(name, value, names or {}) for name, value in values.items()}
    return str(words[code]) % said


def _shown(name: str, value: Any, names: Mapping[str, str]) -> Any:
    if name == "group":
        return group_words(tuple(value))
    if name == "others":
        return ", ".join(names.get(key, key) for key in value.split(", "))
    if name == "id":
        return names.get(value, value)
    if name in {"score", "minimum", "points"}:
        return formats.number_format(Decimal(value), 2)
    return value


def group_words(group: tuple[str, str]) -> str:
    """A group in words: "Spain", "sector textiles", "label gold" …"""
    kind, value = group
    if kind == "country":
        return str(countries.name(value) or value)
    if kind == "countries":
        return _t("with a cluster from %(country)s") % {"country": countries.name(value) or value}
    if kind == "ecosystem":
        return _t("ecosystem %(name)s") % {"name": dict(ECOSYSTEMS).get(value, value)}
    if kind == "label":
        return _t("label %(level)s") % {"level": dict(LEVELS).get(value, value)}
    return _t("sector %(name)s") % {"name": value}
