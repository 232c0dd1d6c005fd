"""What the browser looks at: a programme in full swing, with invented names that read like real ones."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import time_machine
from django.core import mail
from django.utils import timezone

from facility.evaluation import Evaluation
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support
from tests.reporting import making as reporting

# Cluster, its language, country and sector; its manager; its advisor; how far the project is.
PLACES = [
    ("Clúster Téxtil de Levante", "es", "ES", "Textiles", "Inés Calatayud", "Jonas Verhulst", "in_support"),
    ("Polo das Algas", "pt", "PT", "Aquaculture", "Rui Falcão", "Marta Lindqvist", "in_support"),
    ("Holzkette Nordalb", "de", "DE", "Wood and furniture", "Ute Brandner", "Paolo Serafini", "wrapping_up"),
    ("Glasvallei", "nl", "NL", "Glass", "Sanne Ouwerkerk", "Aoife Brennan", "planning"),
    ("Distretto della Carta Alta", "it", "IT", "Paper", "Chiara Montanari", "Piotr Zalewski", "assessing"),
    ("Dairy West Network", "en", "IE", "Food", "Conor Hanratty", "Elina Saarinen", "matched"),
]
NEEDS = [
    ("energy-efficiency", "Less heat lost in drying"),
    ("water-use", "Rinsing water used twice"),
    ("waste-management", "A buyer for off-cuts"),
    ("carbon-footprint", "Solar heat for the dye house"),
]
RESULT = "Measured three dryers; two leak. A quote for lids and a heat exchanger is asked for."
FIRMS = ["Lavandera", "Molino"]
BID = {
    "motivation": "Fourteen quarries asked us for help with dust and water this winter. Two tried a closed circuit on "
    "their own and stopped, since nobody could say what it would save. We want to measure first and then share the "
    "figures with all members.",
    "context": "A cluster of 41 firms in a valley of three quarries, most of them family firms with fewer than 20 "
    "people. Founded in 2014; this would be our first European project.",
    "training_needs": "Measuring dust and water; reading an energy bill; talking to the bank about a pump.",
}
WANTED = [
    {"area": "water-use", "text": "Cutting water used more than once"},
    {"area": "harmful-emissions", "text": "Less dust on the road to the village"},
    {"area": "circular-materials", "text": "A use for stone powder"},
]
WAITING = [
    ("Stone Valley Cluster", "Quarries without dust", "Brona Keane"),
    ("Cluster Lumière", "Lamps that can be repaired", "Luc Favre"),
]


@dataclass
class Scene:
    """The people by role and the records that pages are opened for."""

    people: dict[str, Any]
    cases: dict[str, support.Case]
    records: dict[str, Any]
    code: str  # of the link in the mail that asks for a confirmation

    def person(self, role: str) -> Any:
        """Who has this role; None for nobody."""
        return self.people.get(role)

    def address(self, where: str) -> str:
        """An address as it is, that of the link from the mail, of a record, or of a step of it."""
        if where.startswith("/"):
            return where
        if where == "the link":
            return f"/c/{self.code}/"
        record, _space, step = where.partition(" ")
        return self.records[record].get_absolute_url() + (f"{step}/" if step else "")


def build() -> Scene:
    """The whole scene; takes some seconds."""
    today = timezone.now()
    with time_machine.travel(today - dt.timedelta(days=70)):
        programme = make.programme(name="Green Transition Facility", operator="Eurocluster Support", slug="green")
        cases = dict(zip([place[0] for place in PLACES], support.cases(len(PLACES), programme), strict=True))
        for place, case in zip(PLACES, cases.values(), strict=True):
            dress(case, *place[:-1])
    first = next(iter(cases.values()))
    people = {"coordinator": first.coordinator, "lead": first.lead, "second": first.second}
    people |= {role: make.staff(role, programme) for role in ("observer", "evaluator")}
    called = zip(
        people.values(), ["Hanna Dekker", "Tomas Novák", "Lucie Perrot", "Sofia Kern", "Emil Øster"], strict=True
    )
    for person, name in called:
        rename(person, name)
    with time_machine.travel(today - dt.timedelta(days=30)):
        for (*_place, state), case in zip(PLACES, cases.values(), strict=True):
            advance(case, state)
    people |= {"advisor": first.adviser, "manager": first.manager}
    records = {"project": first.again()}
    with time_machine.travel(today - dt.timedelta(days=9)):
        reporting.held_webinar(list(cases.values()))
        records["story"] = reporting.published_story(first)
        records["run"] = match_run(programme, first.coordinator)
        records["report"] = reporting.published(programme, first.coordinator, first.lead)
    records |= in_evaluation(programme, people)
    records["session"] = support.session(first, result=RESULT)
    ranking = cases["Distretto della Carta Alta"]
    records["needs"] = ranking.assessment
    people |= {"ranking manager": ranking.manager, "ranking advisor": ranking.adviser}
    return Scene(people, cases, records, code_of(first))


def rename(person: Any, name: str) -> None:
    """Gives a person a name."""
    person.name = name
    person.save()


def dress(case: support.Case, name: str, lang: str, country: str, sector: str, manager: str, advisor: str) -> None:
    """Names for a project and those around it."""
    cluster = case.project.lead_cluster
    values = {"members_count": 64, "smes_count": 51, "country": country, "sector": sector, "lang": lang}
    cluster.perform("edit", by=case.manager, name=name, **values)
    terms = {field: getattr(case.project, field) for field in ("starts_on", "ends_on", "days_budget")}
    case.project.perform("edit", by=case.coordinator, name=name, firms_targeted=12, **terms)
    matching.sign(case.project.agreements.get(), case.adviser, case.manager)  # it names both
    for firm, called in zip(case.firms, FIRMS, strict=True):
        facts = {"kind": "firm", "size": firm.size, "country": country, "cluster": str(cluster.pk)}
        firm.perform("edit", by=case.manager, name=f"{called} {name.rsplit(maxsplit=1)[-1]}", **facts)
    rename(case.manager, manager)
    rename(case.adviser, advisor)
    case.again()


def advance(case: support.Case, state: str) -> None:
    """Takes a project to its state, with needs and sessions that read well."""
    if state == "matched":
        return
    support.kicked_off(case)
    needs = [support.need(case, area=area, text=text, context="Named by 14 members.") for area, text in NEEDS]
    if state == "assessing":
        return
    orders = [needs, [needs[0], needs[2], needs[1], needs[3]], needs]
    for voice, order in zip(case.voices, orders, strict=True):
        case.assessment.perform("submit_ranking", by=voice, ranks=support.ranks(*order))
    for voice in case.voices:
        case.assessment.perform("agree", by=voice)
    case.again()
    if state == "planning":
        return
    due = timezone.now().date() + dt.timedelta(days=43)
    action = support.action(case, title_text="Heat audit of three dryers", due_on=due)
    case.project.perform("approve_plan", by=case.coordinator)
    case.again()
    support.session(case, "approved", actions=[str(action.pk)], result=RESULT)
    support.session(case, "approved", form="one_to_one", kind="business", firms=[str(one.pk) for one in case.firms])
    with time_machine.travel(timezone.now() + dt.timedelta(days=16)):
        support.session(case, "confirmed", form="online_webinar", audience="managers", firms=[], contact_hours="1.5")
    if state == "wrapping_up":
        case.project.perform("record_lesson", by=case.manager, area="energy-efficiency", text="Begin with an audit.")
        support.wrapped_up(case)
    case.again()


def match_run(programme: Any, coordinator: Any) -> Any:
    """A finished run for the second advisor of every project."""
    names = ["Katrin Aalto", "Bruno Keller", "Ana Ribeiro", "Luc Martens", "Ivana Horvat", "Nils Friis"]
    for at, name in enumerate(names):
        areas = [NEEDS[at % len(NEEDS)][0], "energy-efficiency"]
        matching.pooled(programme, coordinator, name=name, kind="sustainability", areas=areas, capacity=1)
    made = matching.requested(programme, coordinator, kinds=["sustainability"])
    for name in ("advisory.embed_cv", "advisory.run_match"):
        assert set(matching.run(name)) == {"done"}
    made.refresh_from_db()
    return made


def in_evaluation(programme: Any, people: dict[str, Any]) -> dict[str, Any]:
    """An open call: a draft of the manager, and two applications before the evaluator, one of them not opened yet."""
    call = make.call(programme, people["coordinator"], title_text="Second call: repair and reuse", places=10)
    made: dict[str, Any] = {"call": call}
    for (name, title, called), kind in zip(WAITING, ("review", "declaration"), strict=True):
        cluster = make.cluster("IE" if kind == "review" else "FR", name=name, lang="en", sector="Minerals")
        manager = make.manager_of(cluster)
        rename(manager, called)
        application = make.draft(call, manager, cluster, title_text=title, needs=WANTED, **BID)
        application.perform("submit", by=manager)
        application.perform("declare_eligible", by=people["coordinator"], answers=make.MET)
        asked = {"application": application, "evaluator": people["evaluator"]}
        made[kind] = Evaluation().perform("assign", by=people["coordinator"], **asked)
    made["review"].perform("accept", by=people["evaluator"])
    scored = make.scores(call, None)
    scored[0] |= {"value": 8, "comment": "Eleven members signed; the quarry has begun to measure."}
    made["review"].perform("save_draft", by=people["evaluator"], scores=scored[:1], comment="")
    return made


def code_of(case: support.Case) -> str:
    """The code in the mail to the manager of this project; the mail is sent by its job."""
    mail.outbox.clear()
    matching.run("advisory.ask_confirmation")
    (message,) = [one for one in mail.outbox if case.manager.email in one.to and "/c/" in one.body][-1:]
    return re.search(r"/c/([\w-]+)/", message.body)[1]
