"""The cut walked into titled tables with typed columns; the writers of DOCX and XLSX know these and nothing else.

A part (one section) is JSON: `{id, title, narrative: [text], groups, tables, charts}`. A table is `{id, title,
columns: [{label, type}], rows: [[cell]]}`; `type` is text, number, date (ISO day) or, for a first column only, group:
the id of one of the part's `groups` `[{id, title: cell}]`, under whose heading a document shows the row. A cell is a
string, a number, None, or `{text, lang}` for a name or quote in its own language. A row that shows figures ends with
their ids.
"""

from collections.abc import Callable, Iterable
from typing import Any

from reporting.cut import FORMS, KEY_FIGURES
from reporting.render.labels import NOTHING, Labels, plain

Cut = dict[str, Any]
Part = dict[str, Any]
Table = dict[str, Any]


def section_tables(cut: Cut, section: str, lang: str) -> Part:
    """One section as a part, its charts left empty. Raises KeyError for a section the cut does not list."""
    narrative = {row["id"]: row["narrative"] for row in cut["sections"]}[section]
    labels = Labels(lang)
    return {
        "id": section,
        "title": labels(f"sec.{section}"),
        "narrative": [plain(paragraph) for paragraph in narrative],
        "groups": _groups(cut, section),
        "tables": list(WALKERS[section](cut, labels)) if section in WALKERS else [],
        "charts": [],
    }


def records_table(cut: Cut, lang: str) -> Table:
    """Every record behind every figure, one to a row."""
    rows = ([key, record] for key in cut["figure_order"] for record in cut["figures"][key]["evidence"])
    return _table(Labels(lang), "records", "t.records", "e.no, t.record", rows)


def _groups(cut: Cut, section: str) -> list[dict[str, Any]]:
    if section == "projects":
        return [{"id": p["id"], "title": _cell({"text": p["name"], "lang": p["lang"]})} for p in cut["projects"]]
    if section in ("stories", "recommendations"):
        return [{"id": row["id"], "title": plain(row["title"])} for row in cut[section]]
    return []


def _table(labels: Labels, name: str, title: str, columns: str, rows: Iterable[list[Any]]) -> Table:
    """A table from raw rows; `columns` is "label key:type, …", type text when left out.

    A figure among the cells becomes its value, and its id goes into a last column.
    """
    head = [dict(zip(("label", "type"), (*column.split(":"), "text"), strict=False)) for column in columns.split(", ")]
    cells, marks = [], []
    for row in rows:
        cells.append([_cell(cell) for cell in row])
        marks.append(", ".join(cell["id"] for cell in row if isinstance(cell, dict) and "sha256_12" in cell))
    if any(marks):
        head.append({"label": "t.figures", "type": "text"})
        cells = [[*row, mark] for row, mark in zip(cells, marks, strict=True)]
    head = [{**column, "label": labels(column["label"]) if column["label"] else ""} for column in head]
    return {"id": name, "title": labels(title), "columns": head, "rows": cells}


def _cell(cell: Any) -> Any:
    if isinstance(cell, dict):
        return cell["value"] if "sha256_12" in cell else {**cell, "text": plain(cell["text"])}
    return plain(cell) if isinstance(cell, str) else cell


def _days(days: list[str | None], labels: Labels) -> str:
    return f" {NOTHING} ".join(labels.day(day) for day in days if day) or NOTHING


def _summary(cut: Cut, labels: Labels) -> Iterable[Table]:
    figures = [[labels(f"fk.{key}"), cut["key"][key], cut["key"][key]["unit"]] for key in KEY_FIGURES]
    yield _table(labels, "key", "key.figures", "e.figure, e.value:number, t.unit", figures)
    outcomes = {p["id"]: [p["short"], p["outcome"]] for p in cut["projects"]}
    yield _table(labels, "highlights", "highlights", "s.project, p.outcome", [outcomes[p] for p in cut["highlights"]])


def _course(cut: Cut, labels: Labels) -> Iterable[Table]:
    rows = [
        [labels(f"course.{r['id']}"), _days(r["planned"], labels), _days(r["actual"], labels), r["note"]]
        for r in cut["course"]["rows"]
    ]
    yield _table(labels, "course", "ct.course", "phase, planned, actual, remark", rows)


def _selection(cut: Cut, labels: Labels) -> Iterable[Table]:
    s = cut["selection"]
    yield _table(labels, "funnel", "ct.funnel", "phase, e.value:number", [[r["label"], r] for r in s["funnel"]])
    countries = [[labels.country(r["key"]), r] for r in s["countries"]]
    yield _table(labels, "countries", "ct.map", "facts.country, projects:number", countries)
    yield _table(labels, "ecosystems", "ct.eco", "facts.eco, projects:number", [[r["key"], r] for r in s["ecosystems"]])
    success = [
        [labels.country(r["country"]), r["submitted"], r["selected"], r["share"]] for r in s["success_by_country"]
    ]
    columns = "facts.country, submitted:number, selected:number, share:number"
    yield _table(labels, "success", "bycountry", columns, [*success, [labels("other.ms"), s["other_submitted"], 0, 0]])
    yield _table(labels, "sizes", "sizes", "sizes, projects:number", [[r["key"], r] for r in s["sizes"]])
    yield _more(labels, "selection", [(labels(key), s[key]) for key in ("reserve", "third", "consortia")])


def _more(labels: Labels, section: str, figures: list[tuple[str, Any]]) -> Table:
    rows = [[label, figure, figure["unit"]] for label, figure in figures]
    return _table(labels, f"{section}-figures", "t.more", "e.figure, e.value:number, t.unit", rows)


def _matching(cut: Cut, labels: Labels) -> Iterable[Table]:
    m = cut["matching"]
    yield _table(labels, "pool", "ct.pool", "phase, e.value:number", [[r["label"], r] for r in m["pool"]])
    quality = [[r["project"], r["short"], r["chosen"], r["best"]] for r in m["quality"]]
    yield _table(labels, "quality", "quality", "e.no, s.project, match.chosen:number, match.best:number", quality)
    balance = [[r["group"], r["received"], r["pool"], r["assigned"]] for r in m["balance"]]
    yield _table(labels, "balance", "balance.h", "group, received:number, pool:number, assigned:number", balance)
    yield _table(labels, "loads", "loads", "projects, advisors.w:number", [[r["key"], r] for r in m["loads"]])
    shown = {"mean": "mean.match", "worst": "worst.match", "conflicts": "conflicts", "declined": "declined"}
    yield _more(labels, "matching", [(labels(key), m[figure]) for figure, key in shown.items()])


def _needs(cut: Cut, labels: Labels) -> Iterable[Table]:
    members = ("total", "first", "projects", "solved", "eased", "open", "hours")
    rows = [[labels(f"area.{r['area']}"), *(r[member] for member in members)] for r in cut["needs"]["areas"]]
    columns = (
        "p.area, p.needs:number, first:number, projects:number, "
        "status.solved:number, status.eased:number, status.open:number, hours:number"
    )
    yield _table(labels, "needs", "ct.needs", columns, rows)
    shift = [[labels(f"status.{state}"), cut["needs"]["shift"][state]] for state in ("solved", "eased", "open")]
    total = [labels("total"), cut["needs"]["total"]]
    yield _table(labels, "shift", "ct.shift", "after, p.needs:number", [*shift, total])


def _support(cut: Cut, labels: Labels) -> Iterable[Table]:
    s = cut["support"]
    forms = [[labels(f"form.{r['form']}"), r["sessions"], r["hours"], r["people"]] for r in s["forms"]]
    yield _table(labels, "forms", "t.forms", "p.form, p.sessions:number, hours:number, people:number", forms)
    # one row for each form and month, so that any number of months fits a page and a pivot table
    rows = [
        [labels(f"form.{r['form']}"), labels.month(month), cell["sessions"], cell["hours"]]
        for r in s["forms"]
        for month, cell in zip(s["months"], r["months"], strict=True)
    ]
    yield _table(labels, "months", "ct.form", "p.form, t.month, p.sessions:number, hours:number", rows)
    kinds = [[labels(f"kind.{kind}"), s["kinds"][kind]] for kind in ("technical", "business")]
    yield _table(labels, "kinds", "kinds", "p.kind, hours:number", kinds)
    steps = [[labels(step["key"]), step] for step in cut["ledger"]["steps"]]
    yield _table(labels, "ledger", "ct.ledger", "phase, t.days:number", steps)


def _webinars(cut: Cut, labels: Labels) -> Iterable[Table]:
    events, topics = cut["webinars"]["events"], cut["webinars"]["topics"]
    rows = [
        [e["id"], e["date"], e["title"], e["registered"], e["attended"], e["speakers"], e["minutes"], e["score"]]
        for e in events
    ]
    columns = (
        "e.no, date:date, t.title, registered:number, attended:number, "
        "t.speakers:number, t.minutes:number, t.score:number"
    )
    yield _table(labels, "webinars", "ct.att", columns, rows)
    ratings = [[e["id"], rating, answers] for e in events for rating, answers in enumerate(e["feedback"], 1)]
    yield _table(labels, "ratings", "ct.fb", "e.no, t.rating:number, t.answers:number", ratings)
    rows = [[t["title"], t["votes"], t["outcome"]] for t in topics]
    yield _table(labels, "topics", "topics.h", "topic, votes:number, answered", rows)
    yield _table(
        labels, "harvest", "harvest", "e.no, t.text", [[e["id"], text] for e in events for text in e["harvest"]]
    )


def _projects(cut: Cut, labels: Labels) -> Iterable[Table]:
    projects = cut["projects"]
    rows = [
        [p["id"], p["short"], {"text": p["name"], "lang": p["lang"]}, _countries(p, labels),
         p["totals"]["sessions"], p["totals"]["hours"], p["satisfaction"]]
        for p in projects
    ]  # fmt: skip
    columns = "e.no, s.project, t.name, facts.country, p.sessions:number, hours:number, facts.sat:number"
    yield _table(labels, "projects", "ov.h", columns, rows)
    facts = [[p["id"], labels(key), value] for p in projects for key, value in _facts(p, labels)]
    yield _table(labels, "facts", "t.facts", "e.no:group, t.field, t.text", facts)
    yield from _project_lists(projects, labels)


def _countries(record: dict[str, Any], labels: Labels) -> str:
    return ", ".join(labels.country(code) for code in record["countries"])


def _facts(p: dict[str, Any], labels: Labels) -> Iterable[tuple[str, Any]]:
    """What a project's page says in words; what is empty is left out."""
    firms, quote = p["firms"], p["quote"]
    filled = {"s": firms["sme"], "l": firms["large"], "o": firms["other"]}
    facts = {
        "t.name_en": p["name_en"],
        "facts.country": _countries(p, labels),
        "facts.region": p["region"],
        "facts.sector": p["sector"],
        "facts.eco": p["ecosystem"],
        "facts.members": "; ".join(p["members"]),
        "facts.firms": labels("facts.firmsline").format(**filled),
        "facts.advisors": ", ".join(p["advisors"]),
        "facts.time": _days([p["kick_off"], p["closed"]], labels),
        "p.cells": "; ".join(labels.cell(place) for place in p["cells"]),
        "t.context": p["context"],
        "p.outcome": p["outcome"],
    }
    if quote:
        facts["t.quotes"] = {"text": f"{quote['text']} ({quote['by']})", "lang": quote["lang"]}
    return [(key, value) for key, value in facts.items() if value]


def _project_lists(projects: list[dict[str, Any]], labels: Labels) -> Iterable[Table]:
    rows = [
        [p["id"], n["id"], n["rank"], labels(f"area.{n['area']}"), n["text"], labels(f"status.{n['after']}")]
        for p in projects
        for n in p["needs"]
    ]
    columns = "e.no:group, p.need, t.rank:number, p.area, t.text, after"
    yield _table(labels, "needs-of-projects", "p.needs", columns, rows)
    rows = [
        [p["id"], a["id"], a["need"], labels(f"form.{a['form']}"), a["cell"], a["text"], labels(f"state.{a['state']}")]
        for p in projects
        for a in p["actions"]
    ]
    columns = "e.no:group, p.action, p.need, p.form, m.cell, t.text, t.state"
    yield _table(labels, "actions", "p.actions", columns, rows)
    rows = [
        [p["id"], s["id"], s["date"], labels(f"form.{s['form']}"), labels(f"kind.{s['kind']}"), *_counts(s)]
        for p in projects
        for s in p["sessions"]
    ]
    columns = "e.no:group, t.session, date:date, p.form, p.kind, hours:number, people:number, firms:number"
    yield _table(labels, "sessions", "p.sessions", columns, rows)
    rows = [
        [p["id"], i["name"], i["baseline"], i["result"], i["unit"], labels(f"kind.{i['kind']}")]
        for p in projects
        for i in p["indicators"]
    ]
    columns = "e.no:group, p.indicator, p.before:number, p.result:number, t.unit, p.kind"
    yield _table(labels, "indicators", "an.out", columns, rows)


def _counts(session: dict[str, Any]) -> list[Any]:
    return [session[member] for member in ("hours", "people", "firms")]


def _stories(cut: Cut, labels: Labels) -> Iterable[Table]:
    rows = []
    for story in cut["stories"]:
        rows += [[story["id"], labels("t.text"), paragraph] for paragraph in story["text"]]
        rows += [
            [story["id"], labels("s.result"), story["result"]],
            [story["id"], labels("clusters"), "; ".join(story["clusters"])],
            [story["id"], labels("facts.country"), _countries(story, labels)],
            [story["id"], labels("facts.sector"), story["sector"]],
            [story["id"], labels("s.project"), story["project"]],
        ]
    yield _table(labels, "stories", "sec.stories", "e.no:group, t.field, t.text", rows)


def _matrix(cut: Cut, labels: Labels) -> Iterable[Table]:
    m = cut["matrix"]
    cells = [
        m["cells"][f"{theme['id']}.{challenge['id']}.{function['id']}"]
        for theme in m["themes"]
        for challenge in m["challenges"]
        for function in m["functions"]
    ]
    columns = "e.no, r.cells, p.sessions:number, hours:number, clusters:number, firms:number, outcomes:number, t.state"
    rows = [
        [c["id"], labels.cell(c["id"]), c["sessions"], c["hours"], len(c["clusters"]), c["firms"], c["outcomes"],
         labels(f"state.{c['state']}")]
        for c in cells
    ]  # fmt: skip
    yield _table(labels, "cells", "an.cells", columns, rows)
    rows = [[c["id"], c["action"], c["narrative"] or labels("m.gap"), ", ".join(c["clusters"])] for c in cells]
    yield _table(labels, "cell-texts", "m.narr", "e.no, t.action, t.text, clusters", rows)
    shown = {"empty": "m.empty", "no_outcome": "m.noout", "unmapped": "m.unm"}
    yield _more(labels, "matrix", [(labels(key), m[figure]) for figure, key in shown.items()])


def _recommendations(cut: Cut, labels: Labels) -> Iterable[Table]:
    rows = []
    for r in cut["recommendations"]:
        cells = "; ".join(labels.cell(place) for place in r["cells"])
        facts = {"t.text": r["text"], "r.to": r["to"], "r.when": r["horizon"], "r.cells": cells}
        rows += [[r["id"], labels(key), value] for key, value in facts.items() if value]
        rows += [[r["id"], labels("remark"), labels("r.gap")]] if r["gap"] else []
    yield _table(labels, "recommendations", "sec.recommendations", "e.no:group, t.field, t.text", rows)


def _lessons(cut: Cut, labels: Labels) -> Iterable[Table]:
    nothing = [{"text": labels("l.none"), "source": ""}]
    rows = [
        [labels(f"area.{row['area']}"), item["text"], item["source"]]
        for row in cut["lessons"]
        for item in row["items"] or nothing
    ]
    yield _table(labels, "lessons", "sec.lessons", "p.area, t.lesson, l.src", rows)


def _annex(cut: Cut, labels: Labels) -> Iterable[Table]:
    rows = [
        [p["id"], p["short"], *(p["forms"][form]["hours"] for form in FORMS), p["totals"]["hours"]]
        for p in cut["projects"]
    ]
    columns = ", ".join(["e.no", "s.project", *(f"form.{form}:number" for form in FORMS), "hours:number"])
    yield _table(labels, "hours-by-form", "an.forms", columns, rows)
    rows = [[r["project"], r["short"], r["budgeted"], r["approved"], r["left"]] for r in cut["ledger"]["rows"]]
    columns = "e.no, s.project, budgeted:number, approved:number, left:number"
    yield _table(labels, "days", "an.ledger", columns, rows)


def _evidence(cut: Cut, labels: Labels) -> Iterable[Table]:
    figures = [cut["figures"][key] for key in cut["figure_order"]]
    rows = [[f["id"], f["label"], f["value"], f["unit"], f["filter"], f["n"], f["sha256_12"]] for f in figures]
    columns = "e.no, e.figure, e.value:number, t.unit, e.filter, e.n:number, e.sha"
    yield _table(labels, "evidence", "sec.evidence", columns, rows)


# a section without tables (method) is its narrative alone
WALKERS: dict[str, Callable[[Cut, Labels], Iterable[Table]]] = {
    "summary": _summary,
    "course": _course,
    "selection": _selection,
    "matching": _matching,
    "needs": _needs,
    "support": _support,
    "webinars": _webinars,
    "projects": _projects,
    "stories": _stories,
    "matrix": _matrix,
    "recommendations": _recommendations,
    "lessons": _lessons,
    "annex": _annex,
    "evidence": _evidence,
}
