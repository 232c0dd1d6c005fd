"""Invented cuts for the tests of the report: of any size, empty, and hostile. Nothing in them is about a real project.

Records come first (needs, actions, sessions); every figure is then counted from them, as in a real cut.
Arithmetic on the index takes the place of chance, so that the same size gives the same cut.
"""

from typing import Any

from reporting.cut import AREAS, CELLS, CHALLENGES, FORMS, FUNCTIONS, LEDGER_STEPS, SECTIONS, THEMES, Figures, seal

Cut = dict[str, Any]
MONTHS = ["2021-07", "2021-08", "2021-09", "2021-10", "2021-11", "2021-12", "2022-01"]
COUNTRIES = ["BG", "DE", "EL", "ES", "FR", "IT", "LT", "PL", "PT", "RO", "SI"]
ECOSYSTEMS = ["Construction", "Energy", "Textiles", "Tourism", "Agri-food"]
STATES = ["solved", "solved", "eased", "open"]
HOURS = {"one_to_one": 2, "workshop": 6, "online_webinar": 2, "guidance_document": 8, "direct_consultancy": 4}
CANARIES = [
    "=1+1",
    '#read("/etc/passwd")',
    "@SUM(A1:A9)",
    "$x^2$ *bold* _it_ <label> @ref // comment",
    "<script>alert(1)</script> &amp; ]]>",
    "{{ 7*7 }} {% debug %}",
]
LONG_NAME = "N" + "a" * 298 + "e"
EMOJI = "seedling 🌱 and 漢字 and \u202eturned\u202c and bell \u0007 and שלום"


def ids(records: list[Cut]) -> list[str]:
    return [record["id"] for record in records]


def project(number: int, counts: dict[str, int]) -> Cut:
    """One project with three needs, three actions and 8 to 12 sessions; `counts` keeps the running numbers."""

    def next_id(kind: str) -> str:
        counts[kind] = counts.get(kind, 0) + 1
        return f"{kind}{counts[kind]:04d}"

    needs = [
        {
            "id": next_id("N"),
            "rank": rank,
            "area": AREAS[(number * 2 + rank) % 9],
            "text": f"Measure what is used in place {number}.{rank} before anything is bought",
            "before": "open",
            "after": STATES[(number + rank) % 4],
        }
        for rank in (1, 2, 3)
    ]
    actions = [
        {
            "id": next_id("C"),
            "need": need["id"],
            "form": FORMS[(number + rank) % 5],
            "cell": CELLS[(number * 3 + rank * 7) % 30],
            "mode": "promote_new",
            "text": f"Shared sheet number {number}.{rank} for members",
            "state": "done",
        }
        for rank, need in enumerate(needs)
    ]
    sessions = []
    for k in range(8 + number % 5):
        action = actions[k % 3]
        form = FORMS[(number + k) % 5]
        sessions.append(
            {
                "id": next_id("S"),
                "date": f"{MONTHS[k % 7]}-{3 + (number * 5 + k) % 25:02d}",
                "form": form,
                "kind": ("technical", "business")[(number + k) % 2],
                "hours": HOURS[form] + (number + k) % 2 * 0.5,
                "people": 3 + (number * k) % 20,
                "firms": (number * k) % 3,
                "cell": action["cell"],
                "action": action["id"],
            }
        )
    sessions.sort(key=lambda session: (session["date"], session["id"]))
    return {
        "id": f"P{number:03d}",
        "name": f"Grozd za zeleni prehod {number}",
        "lang": "sl",
        "name_en": f"Cluster for the green transition {number}",
        "short": f"Cluster {number}",
        "members": ["Grozd A", "Cluster B"] if number % 8 == 3 else [],
        "country": COUNTRIES[number % 11],
        "countries": [COUNTRIES[number % 11]] + (["AT"] if number % 8 == 3 else []),
        "region": "SI03",
        "sector": "Energy services",
        "ecosystem": ECOSYSTEMS[number % 5],
        "firms": {"sme": 30 + number * 5, "large": number % 9, "other": number % 7},
        "advisors": [f"A{number:03d}", f"A{number + 100:03d}"],
        "context": f"Members of cluster {number} sell hardware and are asked for services that nobody offers.",
        "kick_off": "2021-06-14",
        "closed": "2022-01-28",
        "needs": needs,
        "actions": actions,
        "sessions": sessions,
        "satisfaction": 3.5 + number % 4 * 0.4,
        "outcome": f"A shared sheet is used by {10 + number} firms; two towns have asked for it.",
        "indicators": [
            {"name": "Firms with the sheet", "unit": "firms", "baseline": 0, "result": 10 + number, "kind": "measured"}
        ],
        "quote": {
            "text": f"Najprej smo vprašali, {number}.",
            "lang": "sl",
            "translation": "First we asked.",
            "by": "Cluster manager",
        },
        "cells": sorted({session["cell"] for session in sessions}),
    }


def meta(projects: int) -> Cut:
    return {
        "title": "Towards Green Transition Facility",
        "subtitle": "Final report" if projects else "Report in flight",
        "period": ["2021-02-01", "2022-04-22"],
        "version": 1,
        "frozen_at": "2022-04-22T16:00:00Z",
        "published": "2022-05-05" if projects else None,
        "programme_ref": "TGTF-2021",
        "doc_no": "TGTF-2021/FR/1",
        "cut_sha256": "",
        "language": "en",
        "funder": "European Commission",
        "framework": "European Cluster Collaboration Platform",
        "operator": "Operator of the Facility (demo)",
        "funding": "Funded by the European Union.",
        "disclaimer": "The views set out in this report are those of the authors.",
        "reuse": "Reuse is authorised provided the source is acknowledged.",
        "demo_note": "All figures, texts and quotes are invented.",
        "contact": "facility-contact@example.org",
    }


def sample_cut(count: int = 3) -> Cut:
    """A sealed cut with `count` projects; 0 gives a programme in flight in which nothing has happened yet."""
    counts: dict[str, int] = {}
    projects = [project(number, counts) for number in range(1, count + 1)]
    f = Figures()
    cut: Cut = {
        "schema": "facility-report/1",
        "demo": True,
        "meta": meta(count),
        "sections": [{"id": s, "narrative": [f"Narrative of {s} goes here."] if count else []} for s in SECTIONS],
        "areas": [{"slug": area, "label": area.replace("-", " ").capitalize()} for area in AREAS],
        "forms": list(FORMS),
        "highlights": ids(projects)[:2],
        "key": key_figures(f, projects),
        "course": course(count),
        "selection": selection(f, projects),
        "matching": matching(f, projects),
        "needs": needs_section(f, projects),
        "support": support(f, projects),
        "ledger": ledger(f, projects),
        "webinars": webinars(f, count),
        "matrix": matrix(f, projects),
        "stories": stories(projects),
        "recommendations": recommendations() if count else [],
        "lessons": lessons(count),
        "glyph_sample": {"pl": "Zażółć gęślą jaźń", "el": "Ξεσκεπάζω", "bg": "българска"} if count else {},
    }
    for row in projects:
        own_figures(f, row)
    cut["projects"] = projects
    return seal({**cut, **f.members()})


def key_figures(f: Figures, projects: list[Cut]) -> Cut:
    sessions = [s for p in projects for s in p["sessions"]]
    needs = [n for p in projects for n in p["needs"]]
    moved = [n for n in needs if n["after"] != "open"]
    rated = [p["satisfaction"] for p in projects]
    countries = sorted({c for p in projects for c in p["countries"]})
    firms = [s for s in sessions if s["firms"]]
    advisors = sorted({a for p in projects for a in p["advisors"]})
    return {
        "projects": f.figure("Cluster projects completed", "projects", "projects in state closed", ids(projects)),
        "member_states": f.figure("Member States", "member states", "distinct countries of the clusters", countries),
        "cvs": f.figure("CVs", "CVs", "curricula received", [f"CV{n}" for n in range(len(projects) * 12)]),
        "advisors": f.figure("Advisors", "advisors", "advisors with a completed assignment", advisors),
        "sessions": f.figure("Sessions", "sessions", "sessions in state approved", ids(sessions)),
        "hours": f.figure("Hours", "hours", "sum of hours", ids(sessions), sum(s["hours"] for s in sessions)),
        "firms": f.figure("Firms", "firm participations", "sum of firms", ids(firms), sum(s["firms"] for s in firms)),
        "needs_moved": f.figure(
            "Needs moved", "%", "share solved or eased", ids(moved), round(100 * len(moved) / max(1, len(needs)))
        ),
        "webinar_avg": f.figure(
            "Average", "participants", "mean presence", ["W1", "W2"] if projects else [], 50.5 if projects else 0
        ),
        "satisfaction": f.figure(
            "Satisfaction",
            "of 5",
            "mean of final questionnaires",
            ids(projects),
            round(sum(rated) / max(1, len(rated)), 1),
        ),
    }


def course(count: int) -> Cut:
    running = {
        "id": "support",
        "planned": ["2021-06-28", "2021-12-17"],
        "actual": ["2021-07-05"],
        "note": "",
        "evidence": [],
    }
    rows = [
        {
            "id": "call",
            "planned": ["2021-02-01", "2021-03-05"],
            "actual": ["2021-02-03", "2021-03-05"],
            "note": "As announced.",
            "evidence": ["E1"],
        },
        {
            "id": "announce",
            "planned": ["2021-04-28", None],
            "actual": ["2021-05-03", None] if count else [],
            "note": "",
            "evidence": [],
        },
        {**running, "actual": ["2021-07-05", "2022-01-28"] if count else ["2021-07-05"]},
        {
            "id": "webinars",
            "planned": ["2021-09-16", None, "2021-10-14"],
            "actual": ["2021-09-16", None, "2021-10-14"] if count else [],
            "note": "",
            "evidence": [],
        },
    ]
    return {"from": "2021-02-01", "to": "2022-05-01", "rows": rows}


def selection(f: Figures, projects: list[Cut]) -> Cut:
    applications = [f"AP{n:03d}" for n in range(len(projects) * 4)]
    steps = {"started": 4, "submitted": 3.5, "eligible": 3, "above": 2, "selected": 1}
    countries = sorted({c for p in projects for c in p["countries"]})
    leads = sorted({p["country"] for p in projects})
    consortia = [p for p in projects if p["members"]]

    def of(place: str, value: str) -> list[str]:
        return [p["id"] for p in projects if value in p[place]]

    funnel = [(step, applications[: int(len(projects) * part)]) for step, part in steps.items()]
    return {
        "funnel": f.series("Applications", "applications", "applications by step", funnel) if projects else [],
        "countries": f.series("From", "projects", "projects by country", [(c, of("countries", c)) for c in countries]),
        "ecosystems": f.series(
            "Ecosystem", "projects", "by ecosystem", [(e, of("ecosystem", e)) for e in ECOSYSTEMS if of("ecosystem", e)]
        ),
        "sizes": f.series(
            "Size", "projects", "members of the lead cluster", [("1-49 members", ids(projects)), ("50 and more", [])]
        ),
        "reserve": f.figure("On the reserve list", "applications", "state reserve", applications[:2]),
        "third": f.figure("Third evaluation", "applications", "spread above 20 points", applications[:1]),
        "consortia": f.figure("Several clusters", "projects", "at least one partner", ids(consortia)),
        "other_submitted": f.figure("Other Member States", "applications", "no project selected", []),
        "success_by_country": [
            {"country": c, "submitted": len(of("country", c)) * 3, "selected": len(of("country", c)), "share": 33}
            for c in leads
        ],
    }


def matching(f: Figures, projects: list[Cut]) -> Cut:
    stages = [
        (stage, [f"CV{n}" for n in range(len(projects) * part)])
        for stage, part in (("received", 12), ("pool", 4), ("assigned", 2))
    ]
    run = ["M1"] if projects else []
    return {
        "pool": f.series("CVs", "advisors", "advisors by stage", stages) if projects else [],
        "loads": f.series(
            "Projects per advisor", "advisors", "active assignments", [("1", ["A001"])] if projects else []
        ),
        "quality": [
            {"project": p["id"], "short": p["short"], "chosen": 30 + n * 2, "best": 35 + n * 2}
            for n, p in enumerate(projects)
        ],
        "worst": f.figure("Lowest score", "points", "minimum of chosen pairs", run, 30 if run else 0),
        "mean": f.figure("Mean score", "points", "mean of chosen pairs", run, 61.5 if run else 0),
        "share_of_best": f.figure("Share of best", "%", "chosen over best", run, 96.8 if run else 0),
        "conflicts": f.figure("Conflicts", "pairs", "chosen pairs with a declared interest", []),
        "declined": f.figure("Declined", "offers", "assignments in state declined", run),
        "balance": [{"group": "Women", "received": 38, "pool": 40, "assigned": 41}] if projects else [],
    }


def needs_section(f: Figures, projects: list[Cut]) -> Cut:
    needs = [{**n, "project": p["id"]} for p in projects for n in p["needs"]]
    sessions = [s for p in projects for s in p["sessions"]]
    area_of = {a["id"]: n["area"] for p in projects for n in p["needs"] for a in p["actions"] if a["need"] == n["id"]}

    def row(area: str) -> Cut:
        mine = [n for n in needs if n["area"] == area]
        served = [s for s in sessions if area_of[s["action"]] == area]
        places = f"needs agreed; area {area}"
        states = {
            s: f.figure(f"{s}: {area}", "needs", f"{places}; {s}", ids([n for n in mine if n["after"] == s]))
            for s in ("solved", "eased", "open")
        }
        return {
            "area": area,
            "total": f.figure(f"Needs: {area}", "needs", places, ids(mine)),
            **states,
            "projects": f.figure(
                f"Projects: {area}", "projects", f"projects with {places}", sorted({n["project"] for n in mine})
            ),
            "first": f.figure(
                f"Ranked first: {area}", "needs", f"{places}; rank 1", ids([n for n in mine if n["rank"] == 1])
            ),
            "hours": f.figure(
                f"Hours: {area}",
                "hours",
                f"sum of hours of sessions; area {area}",
                ids(served),
                sum(s["hours"] for s in served),
            ),
        }

    return {
        "areas": [row(area) for area in AREAS],
        "total": f.figure("Needs agreed", "needs", "needs agreed by all three parties", ids(needs)),
        "shift": {
            s: f.figure(f"Needs {s}", "needs", f"state {s}", ids([n for n in needs if n["after"] == s]))
            for s in ("solved", "eased", "open")
        },
    }


def support(f: Figures, projects: list[Cut]) -> Cut:
    sessions = [s for p in projects for s in p["sessions"]]
    months = MONTHS if projects else []

    def row(form: str) -> Cut:
        mine = [s for s in sessions if s["form"] == form]
        by_month = [[s for s in mine if s["date"].startswith(month)] for month in months]
        return {
            "form": form,
            "hours": f.figure(
                f"Hours: {form}", "hours", f"sum of hours; form {form}", ids(mine), sum(s["hours"] for s in mine)
            ),
            "sessions": f.figure(f"Sessions: {form}", "sessions", f"approved sessions; form {form}", ids(mine)),
            "people": sum(s["people"] for s in mine),
            "months": [{"sessions": len(part), "hours": sum(s["hours"] for s in part)} for part in by_month],
        }

    def kind(name: str) -> Cut:
        mine = [s for s in sessions if s["kind"] == name]
        return f.figure(f"Hours, {name}", "hours", f"sum of hours; {name}", ids(mine), sum(s["hours"] for s in mine))

    return {
        "months": months,
        "forms": [row(form) for form in FORMS],
        "kinds": {k: kind(k) for k in ("technical", "business")},
    }


def ledger(f: Figures, projects: list[Cut]) -> Cut:
    days = {"budgeted": 10.5, "logged": 9, "confirmed": 8.5, "approved": 8, "left": 2.5}
    steps = [(step, ids(projects), days[step] * len(projects)) for step in LEDGER_STEPS]
    rows = [{"project": p["id"], "short": p["short"], "budgeted": 10.5, "approved": 8, "left": 2.5} for p in projects]
    return {"steps": f.series("Days", "days", "days of the ledger", steps), "rows": rows}


def webinars(f: Figures, count: int) -> Cut:
    if not count:
        return {"events": [], "topics": []}

    def event(number: int) -> Cut:
        people = [f"W{number}R{n:02d}" for n in range(60)]
        return {
            "id": f"W{number}",
            "date": f"2021-{8 + number:02d}-16",
            "title": f"Circular business models, part {number}",
            "registered": f.figure(f"W{number} registered", "people", "registrations not cancelled", people),
            "attended": f.figure(
                f"W{number} attended", "people", "presence of at least 10 minutes", people[: 50 + number]
            ),
            "speakers": 5,
            "elements": ["expert_presentation"],
            "harvest": ["Leasing models need a bank at the table.", "Three clusters share one questionnaire."],
            "feedback": [1, 1, 5, 17, 14],
            "score": 4.1 if number == 1 else None,
            "minutes": 97,
        }

    topics = [{"title": "Digital product passport", "votes": 12, "outcome": "W2"}]
    return {"events": [event(1), event(2)], "topics": topics}


def matrix(f: Figures, projects: list[Cut]) -> Cut:
    sessions = [{**s, "project": p["id"]} for p in projects for s in p["sessions"]]

    def cell(place: str) -> Cut:
        mine = [s for s in sessions if s["cell"] == place]
        theme, challenge, function = place.split(".")
        outcomes = [s["id"] for s in mine][:1] if len(mine) % 2 else []
        where = f"approved sessions with the confirmed cell {place}"
        return {
            "id": place,
            "theme": theme,
            "challenge": challenge,
            "function": function,
            "sessions": f.figure(f"Sessions on {place}", "sessions", where, ids(mine)),
            "hours": f.figure(
                f"Hours on {place}", "hours", f"sum of hours, {where}", ids(mine), sum(s["hours"] for s in mine)
            ),
            "clusters": sorted({s["project"] for s in mine}),
            "firms": sum(s["firms"] for s in mine),
            "outcomes": f.figure(f"Outcomes on {place}", "outcomes", "recorded outcomes", outcomes),
            "state": "active" if outcomes else ("no_outcome" if mine else "empty"),
            "action": "Draw up an overview of the potential that is already there.",
            "narrative": "Overviews were drawn up where members had none." if mine else "",
        }

    cells = {place: cell(place) for place in CELLS}
    in_state = {state: [c["id"] for c in cells.values() if c["state"] == state] for state in ("empty", "no_outcome")}
    return {
        "themes": [{"id": t, "label": t} for t in THEMES],
        "challenges": [{"id": c, "label": c} for c in CHALLENGES],
        "functions": [{"id": x, "label": x} for x in FUNCTIONS],
        "cells": cells,
        "empty": f.figure("Cells without activity", "cells", "no approved session", in_state["empty"]),
        "no_outcome": f.figure("Cells without outcome", "cells", "sessions, no outcome", in_state["no_outcome"]),
        "unmapped": f.figure("Sessions on no cell", "sessions", "without a confirmed cell", []),
    }


def stories(projects: list[Cut]) -> list[Cut]:
    return [
        {
            "id": f"ST{n}",
            "title": f"Light instead of lamps {n}",
            "clusters": [p["name"]],
            "countries": p["countries"],
            "sector": "Lighting",
            "text": ["Luminaires used to be replaced.", "Now they are repaired."],
            "result": "Circular business model",
            "project": p["id"],
        }
        for n, p in enumerate(projects[:2], 1)
    ]


def recommendations() -> list[Cut]:
    return [
        {
            "id": f"R{n}",
            "title": f"Pay for the upkeep of maps {n}",
            "text": "A small yearly sum keeps a map alive.",
            "to": "Regional authorities",
            "cells": [CELLS[n], CELLS[30]],
            "gap": n == 2,
            "horizon": "2022-2024",
        }
        for n in (1, 2)
    ]


def lessons(count: int) -> list[Cut]:
    said = [{"text": "A bank has to see the model first.", "source": "Cluster 1"}]
    return [{"area": area, "items": said if count and number < 4 else []} for number, area in enumerate(AREAS)]


def own_figures(f: Figures, row: Cut) -> None:
    """The figures of one project, in place: totals, days, months and forms."""
    sessions, name = row["sessions"], row["id"]
    with_firms = [s for s in sessions if s["firms"]]
    row["totals"] = {
        "sessions": f.figure(f"Sessions of {name}", "sessions", f"approved sessions of {name}", ids(sessions)),
        "hours": f.figure(
            f"Hours of {name}", "hours", f"sum of hours of {name}", ids(sessions), sum(s["hours"] for s in sessions)
        ),
        "firms": f.figure(
            f"Firms of {name}", "firms", f"sum of firms of {name}", ids(with_firms), sum(s["firms"] for s in sessions)
        ),
    }
    row["days"] = {"budgeted": 10.5, "approved": 8, "left": 2.5}
    row["months"] = [sum(s["hours"] for s in sessions if s["date"].startswith(month)) for month in MONTHS]
    mine = {form: [s for s in sessions if s["form"] == form] for form in FORMS}
    row["forms"] = {
        form: {"sessions": len(part), "hours": sum(s["hours"] for s in part)} for form, part in mine.items()
    }
    for session in sessions:
        del session["cell"], session["action"]


def hostile_cut() -> Cut:
    """Three projects whose every free text tries to be something else than text."""
    cut = sample_cut(3)
    first, second, third = cut["projects"]
    first.update(name=LONG_NAME, short="W" * 60, context=" · ".join(CANARIES), outcome=EMOJI)
    for place, record in enumerate(first["needs"] + first["actions"]):
        record["text"] = CANARIES[place % len(CANARIES)]
    first["quote"] = {
        "text": CANARIES[1] + " " + "Donaudampfschifffahrt" * 9,
        "lang": "en",
        "translation": None,
        "by": "=HYPERLINK(1)",
    }
    second.update(
        context="", outcome="", quote=None, satisfaction=None, members=[], cells=[], kick_off=None, closed=None
    )
    second.update(needs=[], actions=[], sessions=[], indicators=[])
    third["context"] = "long text " * 900 + "lastword"
    third["sessions"] = [{**third["sessions"][0], "id": f"S9{n:03d}"} for n in range(400)]
    cut["meta"]["title"] = 'Facility #read("/etc/passwd") $x$ *bold*'
    cut["webinars"]["topics"][0]["title"] = "T" * 400
    cut["webinars"]["events"][0]["title"] = "=cmd|' /C calc'!A0"
    cut["recommendations"][0]["title"] = CANARIES[1]
    cut["lessons"][0]["items"] = [{"text": "+1+1", "source": "-2"}, {"text": "\t=3", "source": "\r=4"}]
    cut["matrix"]["cells"][first["cells"][0]]["narrative"] = EMOJI
    cut["sections"][0]["narrative"] = [" ".join(CANARIES), "x" * 40_000]
    return seal(cut)
