"""What if, and how a match run spreads: pages beside the run on which nothing is written."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_countries import countries

from advisory.advisor import KINDS
from advisory.equality import GENDERS
from advisory.forms.solving import WORDS, Changes
from advisory.matchrun import MatchRun
from advisory.parts import PARTS
from advisory.placing import Terms, changed_by, size_of, tried
from advisory.solver import told
from facility.figures import Figure
from facility.figures_pages import chart
from facility.registry.evaluator import LANGUAGES
from facility.workflow import sheets
from facility.workflow.show import carried, state_tag
from facility.workflow.steps import NotFound, unmet

# So many pairs are solved while somebody waits; a larger run takes a change over and is solved in the background.
AT_ONCE = 30_000
# Seconds that a page may take for it. A run of 300 advisors and 25 projects takes a tenth of one.
SECONDS = 3.0


def run_of(request: HttpRequest, pk: Any) -> Any:
    """A run that the person may read, with the steps that they may take."""
    rows = MatchRun.objects.visible_to(request.user).with_faces(request.user).with_offers(request.user)
    run = rows.filter(pk=pk).first()
    if run is None:
        raise NotFound(_("There is no such record."))
    return run


def points(value: Any) -> str:
    """Points as people read them, with a true minus."""
    return str(localize(round(float(value), 1))).replace("-", "\N{MINUS SIGN}")


@login_required
def what_if(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """Tries a change against the frozen points of a run: what it costs, who moves, or why it cannot be."""
    run = run_of(request, pk)
    # Links from the run fill in what they know; only the form itself names an advisor.
    asked = "advisor" in request.GET
    is_done = run.state == run.State.DONE and bool(run.scores)
    form = Changes(request.GET if asked else None, initial=request.GET.dict(), run=run)
    context: dict[str, Any] = {
        "run": run,
        "form": form,
        "state": state_tag(run),
        "is_done": is_done,
        "is_large": size_of(run.inputs) > AT_ONCE,
        "pair_fields": [form[name] for name in ("do", "advisor", "project")],
        "more": [
            (_("A capacity"), [form["capacity_of"], form["places"]]),
            (_("A language that a project demands"), [form["language_for"], form["language"]]),
        ],
    }
    if is_done and asked and form.is_valid():
        given = form.given()
        context["given"] = list(given.items())
        context["hidden"] = carried(run)
        context["take_over"] = may_adjust(run)
        if not context["is_large"]:
            context["answer"] = answer_of(run, given)
    return render(request, "advisory/what_if.html", context)


def may_adjust(run: Any) -> dict[str, Any] | None:
    """Whether the person may take a change over, and what blocks it; none for who only reads."""
    if not getattr(run, "_may_adjust", False):
        return None
    return {"blocked_by": unmet(MatchRun.step("adjust").guards, run)}


def terms_after(run: Any, given: dict[str, Any]) -> Terms:
    """The terms of the run with the changes."""
    terms: Terms = run.terms()
    rest = {name: value for name, value in given.items() if name not in {"pin", "forbid"}}
    changes = changed_by(run.changes, "", **rest)
    terms = Terms(terms.pins, terms.forbids, changes["capacity"], changes["languages"], terms.limits)
    if pair := given.get("pin"):
        return terms.with_pin(pair)
    return terms.with_forbid(given["forbid"]) if given.get("forbid") else terms


def answer_of(run: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What the page says of a change."""
    found = tried(run.inputs, run.scores, run.result, terms_after(run, given), SECONDS)
    if found["status"] == "infeasible":
        problem, keys = found["contradiction"]
        return {"reasons": told(problem, keys, say=_), "is_impossible": True}
    if found["after"]["sum"] is None:
        unsure = _("No assignment was found in the time that a page may take")
        return {"reasons": [unsure, _("Take the change over: the run has more time, in the background.")]}
    before, after = found["before"], found["after"]
    return {
        "is_proven": found["status"] == "proven",
        "sentence": cost_sentence(found["cost"]),
        "needed": needed_sentence(run, given, found),
        "rows": [
            [_("All projects together"), points(before["sum"]), points(after["sum"])],
            [_("The weakest project"), points(before["min"]), points(after["min"])],
        ],
        "moves": [
            [
                {"value": one["project"]["label"], "lang": one["project"]["lang"]},
                [f"{name} ({dict(KINDS)[kind]})" for name, _key, kind in one["out"]],
                [f"{name} ({dict(KINDS)[kind]})" for name, _key, kind in one["in"]],
            ]
            for one in found["moves"]
        ],
        "count": len(found["moves"]),
    }


def cost_sentence(cost: dict[str, float]) -> str:
    """What a change costs or gains."""
    if not cost["sum"] and not cost["min"]:
        return _("It costs nothing: sum and weakest project stay as they are.")
    parts = []
    if cost["min"] > 0:
        parts.append(_("The weakest project loses %s points.") % points(cost["min"]))
    elif cost["min"] < 0:
        parts.append(_("The weakest project gains %s points.") % points(-cost["min"]))
    else:
        parts.append(_("The weakest project keeps its points."))
    if cost["sum"] > 0:
        parts.append(_("All together lose %s points.") % points(cost["sum"]))
    elif cost["sum"] < 0:
        parts.append(_("All together gain %s points.") % points(-cost["sum"]))
    return " ".join(parts)


def needed_sentence(run: Any, given: dict[str, Any], found: dict[str, Any]) -> str:
    """What it would take for an advisor who is not proposed to be as good a choice."""
    pair = given.get("pin", "")
    here = {f"{one['advisor']['id']}:{one['project']['id']}" for one in run.result["pairs"]}
    if not pair or pair in here or found["status"] != "proven" or len(given) > 1:
        return ""
    names = {one["id"]: one["label"] for kind in ("advisors", "projects") for one in run.inputs[kind]}
    advisor, _colon, project = pair.partition(":")
    said = _("%(advisor)s would need %(n)s points more for %(project)s to be as good a choice.")
    if found["cost"]["min"] > 0:
        said = _(
            "%(advisor)s would need at least %(n)s points more for %(project)s: the weakest project comes first, and "
            "it stands lower with this pair."
        )
    most = max(found["cost"]["sum"], found["cost"]["min"])
    if most <= 0:
        return ""
    return said % {"advisor": names[advisor], "project": names[project], "n": points(most)}


@login_required
def fairness(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """How scores and places spread, with charts and tables; each table as CSV, all of them as XLSX."""
    run = run_of(request, pk)
    report = run.result.get("fairness") if run.state == run.State.DONE else None
    figures = figures_of(report) if report else []
    kind = request.GET.get("as")
    if kind == "xlsx" and figures:
        return sheets.answer(kind, "fairness", [sheets.Table(one.name, one.head, one.rows) for one in figures])
    if kind == "csv":
        found = next((one for one in figures if one.name == request.GET.get("table")), None)
        if found is None:
            raise NotFound(_("There is no such table."))
        return sheets.answer("csv", found.name, [sheets.Table(found.name, found.head, found.rows)])
    shown = [{"figure": one, "chart": chart(one), "csv_url": f"?as=csv&table={one.name}"} for one in figures]
    context = {"run": run, "figures": shown, "report": report, "gender": gender_note(report) if report else ""}
    return render(request, "advisory/fairness.html", context)


def figures_of(report: dict[str, Any]) -> list[Figure]:
    """The tables of a report in words; that of gender only as far as it can be told."""
    genders = {key: str(label) for key, label in GENDERS}
    bands = {"0-4": _("0 to 4 years"), "5-9": _("5 to 9 years"), "10-19": _("10 to 19 years"), "20+": _("20 or more")}
    tongues = dict(LANGUAGES)
    titles = {
        "country": (_("By country"), _("Country"), {code: str(name) for code, name in countries}),
        "language": (_("By language spoken"), _("Language"), tongues),
        "written": (_("By language of the CV"), _("Language"), tongues),
        "years": (_("By years of experience"), _("Years"), bands),
    }
    made = [
        _figure(name, *titles[name], rows=report["tables"][name], report=report)
        for name in titles
        if report["tables"].get(name)
    ]
    if report.get("gender") and report["gender"]["rows"]:
        made.append(
            _figure("gender", _("By gender"), _("Gender"), genders, rows=report["gender"]["rows"], report=report)
        )
    return made


def _figure(
    name: str, title: str, head: str, words: dict[str, str], *, rows: list[list[Any]], report: dict[str, Any]
) -> Figure:
    columns = [head, _("Advisors"), _("Proposed"), _("Places"), _("Mean of best points")]
    cells = [[words.get(row[0], row[0]) or _("not given"), *(_cell(value) for value in row[1:])] for row in rows]
    known = [(row[4], cell[0]) for row, cell in zip(rows, cells, strict=True) if row[4] is not None]
    said = _("%(n)d advisors could be placed, %(proposed)d are proposed.")
    sentence = said % {"n": report["advisors"], "proposed": report["proposed"]}
    if len({value for value, _name in known}) > 1:
        high, low = max(known, key=lambda one: one[0]), min(known, key=lambda one: one[0])
        told_ = _("The mean of best points goes from %(low)s (%(last)s) to %(high)s (%(first)s).")
        sentence += " " + told_ % {"low": points(low[0]), "last": low[1], "high": points(high[0]), "first": high[1]}
    if name == "gender":
        columns, cells = [*columns[:3], columns[4]], [[*row[:3], row[4]] for row in cells]
    return Figure(name, title, sentence, columns, cells)


def _cell(value: Any) -> Any:
    return "–" if value is None else value


def gender_note(report: dict[str, Any]) -> str:
    """What is not shown, and why."""
    gender = report.get("gender")
    if gender is None:
        return _("Nobody of this run has told a gender. Advisors may tell it for reports only; no match sees it.")
    hidden = gender["hidden"]
    if not hidden:
        return _("Gender is told by the advisors for reports only; no match sees it.")
    return ngettext(
        "Gender is told by the advisors for reports only. %(n)d group is not shown: too few people are in it.",
        "Gender is told by the advisors for reports only. %(n)d groups are not shown: too few people are in them.",
        hidden,
    ) % {"n": hidden}


# -- what the page of the run shows of its solution


def figures_sentence(result: dict[str, Any]) -> str:
    """Sum and worst case beside their bounds."""
    if result.get("sum") is None:
        return ""
    said = _("%(sum)s of at most %(sum_bound)s points; the weakest project has %(min)s of at most %(min_bound)s.")
    return said % {name: points(result[name]) for name in ("sum", "sum_bound", "min", "min_bound")}


def greedy_sentence(result: dict[str, Any]) -> str:
    """What taking the best pair that is left would have given."""
    greedy = result.get("greedy")
    if not greedy:
        return ""
    values = {"sum": points(greedy["sum"]), "min": points(greedy["min"])}
    said = _("Taking the best pair that is left, again and again: %(sum)s points, the weakest project %(min)s.")
    if greedy["empty"]:
        empty = ngettext("%(n)d place stays empty then.", "%(n)d places stay empty then.", greedy["empty"])
        return f"{said % values} {empty % {'n': greedy['empty']}}"
    return said % values


def loss_of(pair: dict[str, Any]) -> tuple[str, str]:
    """What forbidding a pair costs when all are placed anew: for the table, and in a sentence."""
    without = pair.get("without")
    if not without:
        return "–", _("What forbidding this pair would cost was not calculated in the time given.")
    if without["status"] == "infeasible":
        return _("no way"), _("Without this pair there is no assignment at all.")
    if without["sum"] is None:
        return "–", _("What forbidding this pair would cost was not found in the time given.")
    sure = "" if without["status"] == "proven" else " " + _("At most: the proof was not finished in time.")
    sentence = _("Forbidding it and placing everybody anew: %s") % cost_sentence(without) + sure
    if without["min"] > 0:
        return _("weakest %s") % points(-without["min"]), sentence
    return points(without["sum"]), sentence


def conditions_of(run: Any) -> list[dict[str, Any]]:
    """The limits and changes that a run keeps; a change has the key by which it is taken back."""
    names = {one["id"]: one["label"] for kind in ("advisors", "projects") for one in run.inputs.get(kind, ())}
    limits = run.parameters.get("limits", {})
    rows = [{"text": f"{WORDS[name]}: {limits[name]}", "free": ""} for name in WORDS if limits.get(name)]
    if limits.get("language"):
        rows.insert(0, {"text": _("An advisor of each project speaks a language of its country."), "free": ""})
    if run.state == run.State.FAILED:  # a done run shows its pins among the pairs
        for pair in run.pins:
            advisor, _colon, project = pair.partition(":")
            said = _("%(advisor)s is pinned to %(project)s.")
            text = said % {"advisor": names.get(advisor, "–"), "project": names.get(project, "–")}
            rows.append({"text": text, "free": pair})
    for advisor, places in run.changes.get("capacity", {}).items():
        said = _("%(name)s takes at most %(n)d of these projects.") % {"name": names.get(advisor, "–"), "n": places}
        rows.append({"text": said, "free": f"capacity:{advisor}"})
    for project, codes in run.changes.get("languages", {}).items():
        for code in codes:
            said = _("An advisor of %(name)s speaks %(code)s.") % {"name": names.get(project, "–"), "code": code}
            rows.append({"text": said, "free": f"language:{project}:{code}"})
    return rows


def pairs_table(run: Any) -> sheets.Table:
    """The proposed pairs as a table for a file, with their parts and losses."""
    pairs = sorted(run.result.get("pairs", []), key=lambda pair: pair["points"])
    known = [name for name, _label in PARTS if any(part["name"] == name for pair in pairs for part in pair["parts"])]
    labels = dict(PARTS)
    head = [_("Project"), _("Country"), _("Advisor"), _("Kind"), _("Lead"), _("Points")]
    head += [str(labels[name]) for name in known]
    head += [_("Runner-up"), _("Loss with the runner-up"), _("Loss if forbidden"), _("Loss of the weakest project")]
    rows = []
    for pair in pairs:
        points_of = {part["name"]: part["points"] for part in pair["parts"]}
        runner, without = pair.get("runner_up") or {}, pair.get("without") or {}
        row = [pair["project"]["label"], pair["project"]["country"], pair["advisor"]["label"]]
        row += [str(dict(KINDS)[pair["kind"]]), bool(pair.get("is_lead")), pair["points"]]
        row += [points_of.get(name) for name in known]
        rows.append([*row, runner.get("label"), pair.get("loss"), without.get("sum"), without.get("min")])
    return sheets.Table("pairs", head, rows)


def kind_chips(run: Any, pairs: list[dict[str, Any]], chosen: str) -> list[dict[str, Any]]:
    """Links that narrow the pairs to one kind; none where there is only one."""
    kinds = [kind for kind in ("business", "sustainability") if any(pair["kind"] == kind for pair in pairs)]
    if len(kinds) < 2:  # noqa: PLR2004 (a choice)
        return []
    rows = [{"label": f"{_('All')} {len(pairs)}", "url": "?", "current": not chosen}]
    for kind in kinds:
        number = sum(pair["kind"] == kind for pair in pairs)
        rows.append({"label": f"{dict(KINDS)[kind]} {number}", "url": f"?kind={kind}", "current": chosen == kind})
    return rows


def try_url(run: Any, **given: str) -> str:
    """The page on which a change is tried."""
    return f"{reverse('what-if', kwargs={'pk': run.pk})}?{urlencode(given)}"


__all__ = ["fairness", "what_if"]
