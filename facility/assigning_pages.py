"""The preview of the assignment: which evaluator is asked for which application, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import get_language_info, ngettext
from django.utils.translation import gettext as _

from facility import assigning
from facility.application import Application
from facility.bid import AREAS, clusters_of
from facility.call import Call
from facility.evaluation import Evaluation
from facility.forms.evaluation import PAIRS_AT_MOST
from facility.registry.cluster import ECOSYSTEMS
from facility.registry.conflicts import ties_of
from facility.registry.evaluator import OFFICIAL, EvaluatorProfile
from facility.workflow.show import carried
from facility.workflow.web import StepPage

SAMPLE = 2000


class Desk:
    """What the assignment of a call goes by: its eligible applications, its evaluators, and what stands between."""

    def __init__(self, call: Call, third: str = "") -> None:
        """third: the key of an application for which one evaluation more than usual is asked."""
        bids = call.applications.filter(state="eligible").select_related("lead_cluster")
        self.bids = {str(one.pk): one for one in bids.prefetch_related("partners", "needs").order_by("number", "pk")}
        self.people = {str(one.pk): one for one in call.evaluators().order_by("sort_name", "pk")}
        profiles = EvaluatorProfile.objects.filter(programme=call.programme_id, person__in=list(self.people.values()))
        self.profiles = {str(one.person_id): one for one in profiles}
        self.asked: defaultdict[str, set[str]] = defaultdict(set)
        self.judged: Counter[str] = Counter()
        self.load: Counter[str] = Counter()
        rows = Evaluation.objects.filter(application__call=call).values_list("application_id", "evaluator_id", "state")
        for application, evaluator, state in rows:
            self.asked[str(application)].add(str(evaluator))
            if state != Evaluation.State.RECUSED:
                self.judged[str(application)] += 1
                self.load[str(evaluator)] += 1
        found = {str(person): clusters for person, clusters in ties_of(self.people).items()}
        self.ties = {
            (person, key)
            for person, clusters in found.items()
            for key, bid in self.bids.items()
            if clusters & clusters_of(bid)
        }
        wanted = {key: call.evaluations_required + (key == third) for key in self.bids}
        self.wanted = {key: max(number - self.judged[key], 0) for key, number in wanted.items()}

    def plan(self) -> assigning.Plan:
        """The best assignment."""
        return assigning.plan(
            [self.paper(key) for key in self.bids], [self.reader(key) for key in self.people], self.ties
        )

    def paper(self, key: str) -> assigning.Paper:
        """An application as the assignment sees it."""
        bid, wanted = self.bids[key], self.wanted[key]
        return assigning.Paper(
            id=key,
            wanted=wanted,
            language=language_of(f"{bid.motivation}\n{bid.context}") if wanted else "",
            ecosystem=bid.lead_cluster.ecosystem,
            areas=frozenset(need.area for need in bid.needs.all()),
            asked=frozenset(self.asked[key]),
        )

    def reader(self, key: str) -> assigning.Reader:
        """An evaluator as the assignment sees them; without a profile, somebody of whom nothing is known."""
        profile = self.profiles.get(key)
        if profile is None:
            return assigning.Reader(key, load=self.load[key])
        return assigning.Reader(
            id=key,
            languages=frozenset(profile.languages),
            ecosystems=frozenset(profile.ecosystems),
            areas=frozenset(profile.areas),
            load=self.load[key],
            limit=profile.limit,
        )


@cache
def _identifier() -> Any:
    # Loaded with the first plan only: the model takes a second.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages(OFFICIAL)
    return found


def language_of(text: str) -> str:
    """The language of a text, as an ISO 639-1 code; empty where it holds no words."""
    return str(_identifier().classify(text[:SAMPLE])[0]) if text.strip() else ""


class AssignPage(StepPage):
    """The preview of the assignment: who gets what and why; one post asks everybody at once."""

    model = Call

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The plan as it is now; a refused post shows the plan made anew, with what was wrong in the one before."""
        self.template = "facility/assigning.html"  # type: ignore[misc]
        call, third = self.record, self.request.GET.get("third", "")
        desk = Desk(call, third)
        plan = desk.plan()
        shown = plan.pairs[:PAIRS_AT_MOST]
        context = {
            "title": _("Assign evaluators"),
            "call": call,
            "call_url": call.get_absolute_url(),
            "progress_url": reverse("evaluation-progress", kwargs={"pk": call.pk}),
            "form": form,
            "hidden": carried(call),
            "blocked_by": more.pop("blocked_by", None) or self.blocked(),
            "bids": _by_bid(desk, shown),
            "count": len(shown),
            "rest": len(plan.pairs) - len(shown),
            "short": [_short(desk, one) for one in plan.short],
            "unknown": [one.name for key, one in desk.people.items() if key not in desk.profiles],
            "profiles_url": reverse("records", kwargs={"records": EvaluatorProfile.records}),
            "loads": [_load(desk, plan, key) for key in desk.people],
            "load_columns": [_("Evaluator"), _("Now"), _("With this plan"), _("At most")],
        }
        return self.page(context | more, status)

    def after(self, record: Call) -> str:
        """To the progress of the evaluation."""
        return reverse("evaluation-progress", kwargs={"pk": record.pk})

    def said(self, record: Call) -> str:
        """How many were asked."""
        return _("The evaluators are asked.")


def _by_bid(desk: Desk, pairs: tuple[assigning.Pair, ...]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for at, pair in enumerate(pairs):
        bid = desk.bids[pair.paper]
        line = found.setdefault(
            pair.paper,
            {"title": f"{bid.number} {bid.title()}", "url": bid.get_absolute_url(), "lang": bid.lang, "pairs": []},
        )
        line["pairs"].append(
            {"at": at, "application": pair.paper, "evaluator": pair.reader, "name": desk.people[pair.reader].name}
            | {"why": _why(desk, pair)}
        )
    return list(found.values())


def _why(desk: Desk, pair: assigning.Pair) -> str:
    """A pair in words."""
    paper, reader, fit = desk.bids[pair.paper], desk.profiles.get(pair.reader), pair.fit
    said = []
    if fit.language is not None:
        name = get_language_info(language).get("name_translated") if (language := _spoken(paper)) else ""
        said.append((_("reads %s") if fit.language else _("has not named %s")) % name)
    if fit.ecosystem is not None:
        name = dict(ECOSYSTEMS)[paper.lead_cluster.ecosystem]
        said.append((_("knows %s") if fit.ecosystem else _("does not know %s")) % name)
    if fit.areas is not None:
        words = dict(AREAS)
        named = ", ".join(str(words[area]) for area in fit.areas)
        said.append(_("areas in common: %s") % named if named else _("no area in common"))
    if reader is None:
        said.append(_("has no profile yet"))
        said.append(_("number %d in this call") % pair.nth)
    else:
        said.append(_("number %(nth)d of at most %(limit)d") % {"nth": pair.nth, "limit": reader.limit})
    return "; ".join(said)


def _spoken(bid: Application) -> str:
    return language_of(f"{bid.motivation}\n{bid.context}")


def _short(desk: Desk, short: assigning.Short) -> str:
    """Why an application stays short, in words."""
    missing = ngettext("lacks %(n)d evaluation", "lacks %(n)d evaluations", short.missing) % {"n": short.missing}
    return _(
        "Application %(number)s %(missing)s: of %(all)d evaluators %(tied)d are tied to its clusters, "
        "%(asked)d were asked before, %(full)d can take no more."
    ) % {
        "number": desk.bids[short.paper].number,
        "missing": missing,
        "all": len(desk.people),
        "tied": short.tied,
        "asked": short.asked,
        "full": short.full,
    }


def _load(desk: Desk, plan: assigning.Plan, key: str) -> list[Any]:
    profile = desk.profiles.get(key)
    return [desk.people[key].name, desk.load[key], plan.loads[key], profile.limit if profile else _("not said")]
