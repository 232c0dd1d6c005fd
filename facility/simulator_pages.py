"""The simulator of a selection: sets of rules side by side (F03)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from facility.forms.selection import Simulation
from facility.letter_pages import of_staff, outcome_tag
from facility.quotas import Pool
from facility.reasons import group_words
from facility.registry.cluster import ECOSYSTEMS
from facility.simulation import Trial, trial_rules, tried
from facility.workflow.show import state_tag, step_url
from facility.workflow.steps import unmet

# Beside the present rules, which are set A.
SETS = ("b", "c")
# Fewer unchanged rows than this are not worth folding.
FOLDED_FROM = 4


@login_required
def simulator(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """Two or three sets of rules side by side: who comes in and goes out under which. Nothing is written."""
    record = of_staff(request, pk)
    forms = {
        name: Simulation(request.GET if f"{name}-places" in request.GET else None, record=record, by=None, prefix=name)
        for name in SETS
        if name == SETS[0] or request.GET.get("sets") == "3" or f"{name}-places" in request.GET
    }
    pool = Pool(record.call, "evaluated")
    names = pool.names()
    trials = [tried(pool, "A", record, forms[SETS[0]].standing)]
    for name, form in forms.items():
        if form.is_bound and form.is_valid():
            trials.append(
                tried(pool, name.upper(), trial_rules(record, form.cleaned_data), form.cleaned_data["overrides"])
            )
    main = trials[-1]
    show_all = "all" in request.GET
    kept_query = [(key, value) for key, values in request.GET.lists() for value in values if key not in {"all", "sets"}]
    context = {
        "record": record,
        "state": state_tag(record),
        "forms": [{"name": name.upper(), "form": form} for name, form in forms.items()],
        "trials": trials,
        "main": main,
        "rows": _rows(pool, trials, names, show_all=show_all),
        "number": len(pool.rows),
        "contradictions": [(one.name, said) for one in trials if (said := one.contradiction(names))],
        "pairs": [(names.get(out or ""), names.get(come or "")) for out, come in main.pairs],
        "spread": [_side_by_side(trials, "country"), _side_by_side(trials, "ecosystem")],
        "all_url": f"?{urlencode([*kept_query, ('all', '1')])}" if not show_all else f"?{urlencode(kept_query)}",
        "third_url": f"?{urlencode([*kept_query, ('sets', '3')])}" if len(forms) < len(SETS) else "",
        "next_steps": _next_steps(record, forms, kept_query),
        "selection_url": record.get_absolute_url(),
    }
    return render(request, "facility/simulator.html", context)


def _rows(pool: Pool, trials: list[Trial], names: dict[str, str], *, show_all: bool) -> list[dict[str, Any]]:
    """The ranking under the last set; what is the same under all is folded unless all is to be shown."""
    main = trials[-1]
    instead = {come: out for out, come in main.pairs if come and out}
    by_whom = {out: come for out, come in main.pairs if come and out}
    last_in = max((one.rank for one in main.proposal.placings if one.outcome == "selected"), default=0)
    rows: list[dict[str, Any]] = []
    same: list[dict[str, Any]] = []
    for placing in main.proposal.placings:
        key, row = placing.id, pool.rows[placing.id]
        outcomes = [trial.by_id[key] for trial in trials]
        why = main.why(key, names)
        if key in instead:
            why.append(_("Takes the place of %s.") % names[instead[key]])
        if key in by_whom:
            why.append(_("%s comes in instead.") % names[by_whom[key]])
        cells = {
            "rank": placing.rank,
            "score": row.score,
            "bonus": _bonus(main, key),
            "title": row.title(),
            "lang": row.lang,
            "number": row.number,
            "url": row.get_absolute_url(),
            "country": row.lead_cluster.country.code,
            "ecosystem": row.lead_cluster.get_ecosystem_display(),
            "outcomes": [outcome_tag(str(one.outcome), one.position) for one in outcomes],
            "why": why,
            "is_in": key in instead,
            "is_out": key in by_whom,
            "is_cut": placing.rank == last_in,
        }
        changed = key in instead or key in by_whom or key in main.limits.overrides
        is_same = not changed and len({(str(one.outcome), one.position) for one in outcomes}) == 1
        if is_same and not show_all and not cells["is_cut"]:
            same.append(cells)
            continue
        rows += _folded(same)
        same = []
        rows.append(cells)
    return rows + _folded(same)


def _bonus(trial: Trial, key: str) -> Any:
    """The points that a label adds to an application in a trial; none without."""
    return next(one.bonus for one in trial.candidates if one.id == key) or None


def _folded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(rows) < FOLDED_FROM:
        return rows
    return [{"folded": True, "first": rows[0]["rank"], "last": rows[-1]["rank"], "number": len(rows)}]


def _side_by_side(trials: list[Trial], kind: str) -> dict[str, Any]:
    counts = [trial.spread(kind) for trial in trials]
    values = sorted(set().union(*counts), key=lambda one: (-counts[-1][one], -counts[0][one], one))
    words = dict(ECOSYSTEMS) if kind == "ecosystem" else {one: group_words((kind, one)) for one in values}
    return {
        "title": _("By country of the lead") if kind == "country" else _("By ecosystem"),
        "columns": [_("Country") if kind == "country" else _("Ecosystem"), *(trial.name for trial in trials)],
        "rows": [[words.get(value, value), *(count[value] for count in counts)] for value in values],
    }


def _next_steps(record: Any, forms: dict[str, Any], query: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """The steps that would take a set over: first its rules, then the ranking with its overrides."""
    offered = {step.name: step for step in record.offered_steps()}
    steps = []
    for name, form in forms.items():
        if not (form.is_bound and form.is_valid()):
            continue
        mine = urlencode([("set", name), *((key, value) for key, value in query if key.startswith(f"{name}-"))])
        for step in ("set_quotas", "propose"):
            if step in offered:
                words = (
                    _("Take over the rules of %s") if step == "set_quotas" else _("Propose with the overrides of %s")
                )
                steps.append(
                    {
                        "label": words % name.upper(),
                        "url": f"{step_url(record, offered[step])}?{mine}",
                        "blocked_by": unmet(offered[step].guards, record),
                    }
                )
    return steps
