"""The pages of advisors and match runs that differ from those that every record has."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from advisory.advisor import KINDS, Advisor
from advisory.forms.solving import AdjustMatch
from advisory.matchrun import MatchRun
from advisory.parts import PARTS
from advisory.web.solving import (
    conditions_of,
    figures_sentence,
    greedy_sentence,
    kind_chips,
    loss_of,
    pairs_table,
    try_url,
)
from advisory.web.ways import WithWays
from advisory.weighing import WEIGHTS
from facility.roles import office
from facility.workflow import door, sheets
from facility.workflow.jobs import Job
from facility.workflow.once import fingerprint, once
from facility.workflow.show import carried
from facility.workflow.web import DetailPage, ListPage, page_of

from .pool_parts import office_parts

BINS = 10
NEXT_DOOR = {
    "curricula": gettext_lazy("CVs"),
    "cv-intakes": gettext_lazy("Upload many CVs"),
    "duplicates": gettext_lazy("Possible duplicates"),
    "advisor-calls": gettext_lazy("Calls for advisors"),
}


@page_of(Advisor)
class AdvisorList(ListPage):
    """Fellows in a project read names and kinds; the other columns are for the office and the advisor."""

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """For the office: the pool, the calls for advisors, their CVs and what came twice stand next door."""
        if self.person.roles_held() & office.roles:
            here = {"label": _("List"), "url": self.request.path, "current": True}
            context["views"] = [{"label": _("Pool"), "url": reverse("pool")}, here]
            for records, label in NEXT_DOOR.items():
                url = reverse("records", kwargs={"records": records})
                context["exports"] += [{"label": label, "url": url}]
        return super().page(context, status)


@page_of(Advisor)
class AdvisorPage(DetailPage):
    """An advisor; how somebody came to the pool is nothing for fellows in a project."""

    def timeline(self, record: Any) -> list[dict[str, Any]]:
        """What happened, for the office and the advisor."""
        return [] if record.face == "public" else super().timeline(record)

    def context(self, record: Any) -> dict[str, Any]:
        """With notes and shortlists for the office, and for the advisor what is theirs to tell and to take away."""
        context = super().context(record)
        return context | {"parts": [*context["parts"], *office_parts(record), *self.own_parts(record)]}

    def own_parts(self, record: Any) -> list[dict[str, Any]]:
        """The way to what is told for reports on equality, and to all that is kept."""
        parts = []
        if record.person_id == self.request.user.pk:
            link = {"value": _("Tell, read, change or take back"), "url": reverse("records", args=["equality"])}
            title = _("For reports on equality only")
            row = [link, _("Kept apart from this record. Nobody else reads it, and no match sees it.")]
            parts.append({"title": title, "columns": [_("What"), _("Who reads it")], "rows": [row]})
        if record.face != "public" and record.state != Advisor.State.ERASED:
            url = reverse("advisor-kept", kwargs={"pk": record.pk})
            rows = [[{"value": _("All that is kept on the person, to see and to take away"), "url": url}]]
            parts.append({"title": _("Rights"), "columns": [_("Page")], "rows": rows, "empty": ""})
        return parts


@page_of(MatchRun)
class MatchRunList(WithWays):
    """The runs, without the bulk of what they hold."""

    def rows(self) -> QuerySet:
        """The rows without inputs and results."""
        return super().rows().defer("inputs", "result", "scores")


@page_of(MatchRun)
class MatchRunPage(DetailPage):
    """A match run: the proof, the pairs with their reasons, and what if."""

    template = "advisory/match_run.html"

    def get(self, request: HttpRequest, pk: Any) -> Any:
        """The page, its pairs as a file, or with `?live` the sentence that says how far the run is."""
        if "live" in request.GET:
            return self.live(self.find(pk))
        if (kind := request.GET.get("as", "")) in {"csv", "xlsx"}:
            return sheets.answer(kind, "match-run", [pairs_table(self.find(pk))])
        return super().get(request, pk)

    def live(self, run: MatchRun) -> HttpResponse:
        """Progress as text; the page is loaded anew when the run has ended."""
        if run.state not in {run.State.REQUESTED, run.State.RUNNING}:
            return HttpResponse(headers={"HX-Refresh": "true"})
        job = Job.objects.filter(record_id=run.pk).order_by("-id").first()
        if job is None or not job.total:
            return HttpResponse(_("The run waits for its turn."))
        projects = run.project_count()
        if job.progress < projects:
            said = _("%(done)d of %(total)d projects are read; then the pairs are solved.")
            return HttpResponse(said % {"done": job.progress, "total": projects})
        said = _("The pairs are solved; %(done)d of %(total)d are weighed.")
        return HttpResponse(said % {"done": job.progress - projects, "total": max(job.total - 1 - projects, 0)})

    def post(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Pins, forbids or frees a pair; the run starts again."""
        run = self.find(pk)
        given = {name: request.POST[name] for name in AdjustMatch.base_fields if request.POST.get(name)}
        token = request.POST.get("_token", "")[:60]

        def act() -> tuple[int, Any]:
            door.perform([run], "adjust", by=request.user, raw=given, via="web")
            return 200, {}

        once(request.user, f"web:{token}" if token else "", fingerprint(request.path, given), act)
        return HttpResponseRedirect(run.get_absolute_url())

    def context(self, record: Any) -> dict[str, Any]:
        """What the template asks for."""
        result = record.result if record.state == record.State.DONE else {}
        every = sorted(result.get("pairs", []), key=lambda pair: pair["points"])
        chosen = self.request.GET.get("kind", "")
        pairs = [pair for pair in every if pair["kind"] == chosen] if chosen in dict(KINDS) else every
        used = {part["name"] for pair in pairs for part in pair["parts"]}
        is_live = record.state in {record.State.REQUESTED, record.State.RUNNING}
        list_url = reverse("records", kwargs={"records": record.records})
        return {
            "lede": record.why or self.model.lede,
            "crumbs": [{"label": _("Match runs"), "url": list_url}],
            "hidden": carried(record),
            "live_url": f"{record.get_absolute_url()}?live=1" if is_live else None,
            "proof": proof_of(result) if result else "",
            "figures": [said for said in (figures_sentence(result), greedy_sentence(result)) if said],
            "spread": spread_of(pairs) if pairs else None,
            "load": load_of(record.inputs, every) if pairs else None,
            "fairness": reverse("fairness", kwargs={"pk": record.pk}) if result.get("fairness") else "",
            "what_if": reverse("what-if", kwargs={"pk": record.pk}) if result.get("pairs") else "",
            "conditions": conditions_of(record),
            "kinds": kind_chips(record, every, chosen),
            "views": [],
            "parts": weighted(record.parameters.get("weights", WEIGHTS), used),
            "pairs": [
                *(shown_pair(record, pair) for pair in pairs),
                *(forbidden_pair(record, key) for key in record.forbids),
            ],
            "may": getattr(record, "_may_adjust", False) and not is_live,
        }


def proof_of(result: dict[str, Any]) -> str:
    """What is proven, in a sentence or two."""
    if result["status"] == "proven":
        said = _(
            "Proven: no other assignment serves the weakest project better, and none as good for it adds up to more."
        )
    else:
        said = _("The best that was found in the time given; a better assignment may exist.")
    lacking = result["without_vector"]
    if unknown := sorted({one["project"] for one in result.get("unknown_language", [])}):
        told = _("The model of meaning does not know the language of %(projects)s: there, words alone were compared.")
        said = f"{said} {told % {'projects': ', '.join(unknown)}}"
    if not lacking:
        return said
    note = ngettext("%(n)d CV was compared by its words only.", "%(n)d CVs were compared by their words only.", lacking)
    return f"{said} {note % {'n': lacking}}"


def weighted(weights: dict[str, float], used: set[str]) -> list[str]:
    """The terms of a score with their weights, those that are switched off left out; wishes have none of their own."""
    said = _("%(term)s, weight %(weight)s")
    return [
        said % {"term": label, "weight": number_format(weights[name])} if name in weights else str(label)
        for name, label in PARTS
        if weights.get(name) or (name not in weights and name in used)
    ]


def spread_of(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """How many pairs have how many points."""
    counts = Counter(min(int(max(pair["points"], 0) // (100 / BINS)), BINS - 1) for pair in pairs)
    low, high = pairs[0]["points"], pairs[-1]["points"]
    text = _("%(n)d pairs, from %(low)s to %(high)s points.") % {"n": len(pairs), "low": low, "high": high}
    return {"values": [counts[at] for at in range(BINS)], "label": text, "text": text}


def load_of(inputs: dict[str, Any], pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """How many advisors got how many projects in this run."""
    taken = Counter(pair["advisor"]["id"] for pair in pairs)
    counts = Counter(taken.get(one["id"], 0) for one in inputs["advisors"])
    values = [counts[n] for n in range(max(counts) + 1)]
    text = _("%(used)d of %(all)d advisors are proposed.") % {"used": len(taken), "all": len(inputs["advisors"])}
    return {"values": values, "label": text, "text": text}


def shown_pair(run: MatchRun, pair: dict[str, Any]) -> dict[str, Any]:
    """A pair of the result as the table shows it."""
    advisor, project = pair["advisor"], pair["project"]
    key = f"{advisor['id']}:{project['id']}"
    labels, runner = dict(PARTS), pair["runner_up"]
    evidence = [
        {"text": one["text"], "source": ", ".join(map(str, filter(None, (labels.get(one.get("part")), one["place"]))))}
        for one in pair["quotes"]
        if one["text"]
    ]
    why_not = ""
    if runner:
        said = _("With %(runner)s instead this place would have %(loss)s points less.")
        why_not = said % {"runner": runner["label"], "loss": pair["loss"]}
    spoken = ", ".join(one["code"] for one in advisor["languages"])
    loss, forbidden = loss_of(pair)
    roles = [str(dict(KINDS)[pair["kind"]]), *([_("lead")] if pair.get("is_lead") else []), spoken]
    return {
        "id": key,
        "project": {
            "title": project["label"],
            "url": reverse("record", kwargs={"records": "projects", "pk": project["id"]}),
            "lang": project["lang"],
            "country": project["country"],
        },
        "advisor": {
            "title": advisor["label"],
            "url": reverse("record", kwargs={"records": "advisors", "pk": advisor["id"]}),
            "languages": ", ".join(roles),
        },
        "parts": [{"label": term_of(part, labels), "value": part["points"]} for part in pair["parts"]],
        "total": pair["points"],
        "runner_up": runner and {"title": runner["label"], "total": round(pair["points"] - pair["loss"], 1)},
        "loss": loss,
        "mark": "pinned" if key in run.pins else None,
        "why": {
            "sentences": evidence,
            "runner_up": why_not,
            "forbidden": forbidden,
            "forbid_url": try_url(run, do="forbid", advisor=advisor["id"], project=project["id"]),
            "other_url": try_url(run, do="pin", project=project["id"]),
            "intake": intake_of(run, project["id"]),
        },
    }


def term_of(part: dict[str, Any], labels: dict[str, Any]) -> str:
    """The name of a term, with what stands in for it."""
    if not part.get("stand_in"):
        return str(labels[part["name"]])
    said = _("%(term)s (not known; %(other)s stands in)")
    return said % {"term": labels[part["name"]], "other": str(labels[part["stand_in"]]).lower()}


def intake_of(run: MatchRun, project: str) -> list[dict[str, str]]:
    """Context and training needs as the applicant wrote them, so that an advisor is not chosen without them (F11)."""
    told: dict[str, str] = next((one for one in run.inputs.get("projects", []) if one["id"] == project), {})
    said = [(_("Context"), told.get("context", "")), (_("Training needs"), told.get("training_needs", ""))]
    return [{"label": label, "text": text} for label, text in said if text]


def forbidden_pair(run: MatchRun, key: str) -> dict[str, Any]:
    """A pair that was forbidden, so that it can be freed."""
    names = {one["id"]: one for kind in ("advisors", "projects") for one in run.inputs.get(kind, [])}
    advisor, _colon, project = key.partition(":")
    of_project = names.get(project, {})
    return {
        "id": key,
        "project": {
            "title": of_project.get("label", "–"),
            "url": reverse("record", kwargs={"records": "projects", "pk": project}),
            "lang": of_project.get("lang", ""),
            "country": of_project.get("country", ""),
        },
        "advisor": {
            "title": names.get(advisor, {}).get("label", "–"),
            "url": reverse("record", kwargs={"records": "advisors", "pk": advisor}),
            "languages": "",
        },
        "parts": [],
        "total": 0,
        "runner_up": None,
        "loss": None,
        "mark": "forbidden",
        "why": None,
    }


__all__ = ["AdvisorList", "AdvisorPage", "MatchRunList", "MatchRunPage"]
