"""Input for any step: valid most of the time, filled from the form's own choices, sometimes junk."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.utils import timezone

from advisory.advisor import SERVES
from advisory.meaning import DIMENSION
from facility.merging import digest
from facility.registry.cluster import Cluster
from facility.registry.people import Person
from facility.workflow.input import Rows, StepForm
from reporting.cut import SECTIONS
from reporting.report import keep_file
from tests.advisory import making_matching as matching

_counter = itertools.count(1)
JUNK = ["", "nonsense", "\x00", -1, 10**12, 1.5, True, None, [], ["x"], {}, {"a": [1]}, "2021-02-30", "x" * 5000]
HALF = 0.5
Fill = Callable[[random.Random, Any, Any], Any]


def text() -> str:
    return f"Text {next(_counter)}"


def day(days: int) -> str:
    return (timezone.now() + dt.timedelta(days=days)).date().isoformat()


def instant(days: float) -> str:
    return (timezone.now() + dt.timedelta(days=days)).isoformat()


def some(choose: random.Random, rows: Any) -> Any:
    """One of a queryset, as its key; None of an empty one."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True).distinct()[:50])
    return str(choose.choice(keys)) if keys else None


def file(kind: str = "txt", content: str = "") -> SimpleUploadedFile:
    number = next(_counter)
    return SimpleUploadedFile(f"file-{number}.{kind}", (content or f"File {number}.").encode())


# -- fields that need more than any value of their kind


def scores(choose: random.Random, form: Any, record: Any) -> Any:
    return [
        {"criterion": str(one.pk), "value": choose.randint(0, 10), "comment": text()}
        for one in record.application.call.criteria.order_by("order")
    ]


def criteria(choose: random.Random, form: Any, record: Any) -> Any:
    weight = choose.choice([100, 60, 55])
    rest = [{"name": text(), "weight": 100 - weight, "guidance": ""}] if weight < 100 else []
    return [{"name": text(), "weight": weight, "guidance": ""}, *rest]


def ranks(choose: random.Random, form: Any, record: Any) -> Any:
    order = list(form.standing)
    choose.shuffle(order)
    return [{"need": str(need.pk), "rank": at} for at, need in enumerate(order, 1)]


def overrides(choose: random.Random, form: Any, record: Any) -> Any:
    rows = form.fields["overrides"].row_context.get("application")
    one = some(choose, rows) if rows is not None and choose.random() < 0.3 else None
    return [{"application": one, "decision": choose.choice(["in", "out"]), "reason": text()}] if one else []


def typed(choose: random.Random, form: Any, record: Any) -> Any:
    """What a tab changed, over what stands there or over what it does not know of."""
    names = [name for name in record.open_fields() if name in {"motivation", "context", "needs"}]
    base = digest(record.draft()[names[0]]) if names and choose.random() < 0.7 else "stale"
    value = [] if names == ["needs"] else text()
    return {names[0]: {"value": value, "base": base}} if names else {}


def own_needs(choose: random.Random, form: Any, record: Any) -> Any:
    areas = [value for value, _label in form.fields["needs"].row_fields()["area"].choices if value]
    return [{"area": area, "text": text()} for area in choose.sample(areas, choose.choice([0, 1, 2, 2]))]


def partners(choose: random.Random, form: Any, record: Any) -> Any:
    keys = [str(key) for key in Cluster.objects.order_by("pk").values_list("pk", flat=True)]
    return [{"cluster": key} for key in choose.sample(keys, choose.choice([0, 0, 1]))]


def checks(choose: random.Random, form: Any, record: Any) -> Any:
    """Every point answered; now and then the last with no, as a refusal needs it."""
    points = [row["point"] for row in form.initial.get("answers", [])]
    last = "no" if type(form).__name__ == "DeclareIneligible" or choose.random() < 0.2 else "yes"
    return [{"point": key, "answer": last if key == points[-1] else "yes"} for key in points]


def plan(choose: random.Random, form: Any, record: Any) -> Any:
    """One evaluator of the call for one of its eligible applications."""
    application = some(choose, record.applications.filter(state="eligible"))
    evaluator = some(choose, record.evaluators())
    return [{"application": application, "evaluator": evaluator}] if application and evaluator else []


def reading(choose: random.Random, form: Any, record: Any) -> Any:
    found = matching.reading(record.advisor, without=choose.choice(["", "", "country"]))
    if choose.random() < 0.1:
        return found | {"status": "rejected", "reason": "Not a CV.", "fields": []}
    return found


def entries(choose: random.Random, form: Any, record: Any) -> Any:
    rows = list(form.initial.get("entries", []))
    there = {row["name"] for row in rows}
    return rows + ([] if "country" in there else [{"name": "country", "value": "ES"}])


def match_result(choose: random.Random, form: Any, record: Any) -> Any:
    """The first pair that may be, as the solver would name it."""
    advisors, projects = record.inputs.get("advisors", []), record.inputs.get("projects", [])
    pairs = []
    if advisors and projects:
        kind = choose.choice(record.parameters["kinds"])
        pairs.append({"advisor": choose.choice(advisors), "project": choose.choice(projects), "kind": kind})
    return {"status": "proven", "pairs": [one | {"points": 50.0, "parts": []} for one in pairs]}


def pair(choose: random.Random, form: Any, record: Any) -> Any:
    advisors, projects = record.inputs.get("advisors", []), record.inputs.get("projects", [])
    return f"{choose.choice(advisors)['id']}:{choose.choice(projects)['id']}" if advisors and projects else ""


def finished_files(choose: random.Random, form: Any, record: Any) -> Any:
    return [keep_file(kind, f"{record.pk} {kind}".encode()) for kind in record.formats]


def section(choose: random.Random, form: Any, record: Any) -> Any:
    return choose.choice(record.missing() or record.sections)


def attendance(choose: random.Random, form: Any, record: Any) -> Any:
    people = Person.objects.filter(registrations__webinar=record).order_by("pk")
    lines = [f"{one.name},{one.email},{choose.randint(1, 90)}" for one in people if choose.random() < 0.7]
    return file("csv", "\n".join(["name,email,minutes", *lines, "Some Guest,guest@example.org,30"]))


def kind_it_serves(choose: random.Random, form: Any, record: Any) -> Any:
    return choose.choice(sorted({kind for kinds in SERVES.values() for kind in kinds}))


def signatories(choose: random.Random, form: Any, record: Any) -> Any:
    rows = form.fields["signatories"].row_context.get("organisation")
    one = some(choose, rows) if rows is not None else None
    return [{"organisation": one, "name": text(), "email": f"new{next(_counter)}@example.org"}] if one else []


def indicator_values(choose: random.Random, form: Any, record: Any) -> Any:
    return [{"indicator": str(row["indicator"]), "value": choose.randint(0, 9)} for row in form.initial["values"]]


FILLS: dict[str, Fill] = {
    "signatories": signatories,
    "seen": lambda choose, form, record: form.initial.get("seen", ""),
    "values:IndicatorValues": indicator_values,
    "indicators:IndicatorSetForm": lambda choose, form, record: [{"code": text(), "text": text(), "unit": ""}],
    "year:MeasurementForm": lambda choose, form, record: choose.randint(1900, 2021),
    "founded_in": lambda choose, form, record: choose.choice([None, 1990]),
    "awarded_on": lambda choose, form, record: day(-choose.randint(1, 900)),
    "valid_until:LabelForm": lambda choose, form, record: day(choose.choice([0, 30, 400])),
    "valid_until:OutsideAssessmentForm": lambda choose, form, record: None,
    "file:OutsideAssessmentForm": lambda choose, form, record: None,
    "assessed_on": lambda choose, form, record: day(-choose.randint(1, 900)),
    "since:CooperationForm": lambda choose, form, record: day(-choose.randint(1, 900)),
    "until:CooperationForm": lambda choose, form, record: choose.choice([None, day(1)]),
    "until_on": lambda choose, form, record: day(choose.randint(0, 20)),
    "joined_on": lambda choose, form, record: choose.choice([None, day(-choose.randint(1, 900))]),
    "left_on": lambda choose, form, record: day(0),
    "headcount": lambda choose, form, record: 12,
    "turnover_eur": lambda choose, form, record: choose.choice([1_000_000, 90_000_000]),
    "granted_on:AidForm": lambda choose, form, record: day(-choose.randint(0, 300)),
    "amount_eur:AidForm": lambda choose, form, record: choose.choice([1000, 200_000]),
    "file:UploadTable": lambda choose, form, record: file(
        "csv", f"name,country,sector,members,smes\n{text()},ES,glass,{choose.randint(1, 9)},1\n"
    ),
    "scores": scores,
    "criteria": criteria,
    "ranks:RankNeeds": ranks,
    "ranks:OrderNeeds": ranks,
    "ranks:PlaceNeeds": lambda choose, form, record: {},
    "overrides": overrides,
    "partners": partners,
    "reading": reading,
    "entries": entries,
    "result:FinishMatch": match_result,
    "pin": pair,
    "finished": finished_files,
    "section": section,
    "content": lambda choose, form, record: {"id": choose.choice(list(SECTIONS))},
    "needs:ApplicationForm": own_needs,
    "passages": lambda choose, form, record: [{"text_sha256": "0" * 64, "vector": [0.1] * DIMENSION}],
    "file:ReceiveCv": lambda choose, form, record: file(),
    "file:ImportAttendance": attendance,
    "file:AddMaterial": lambda choose, form, record: None,
    "document:ImportAttendance": lambda choose, form, record: None,
    "link:AddMaterial": lambda choose, form, record: "https://example.org/slides",
    "kind:ProposeAssignment": kind_it_serves,
    "languages": lambda choose, form, record: [{"code": "en", "cefr": "C1"}],
    "deliverables:DraftAgreement": lambda choose, form, record: [{"text": text(), "due_on": day(9)}],
    "deliverables:ReviseAgreement": lambda choose, form, record: [{"text": text(), "due_on": day(9)}],
    "clusters:DeclareInterests": lambda choose, form, record: [],
    "clusters:EditStory": lambda choose, form, record: form.initial["clusters"],
    "clusters:StoryForm": lambda choose, form, record: [{"cluster": some(choose, Cluster.objects.all())}],
    "partners:EditStory": lambda choose, form, record: [],
    "partners:StoryForm": lambda choose, form, record: [],
    "quotes": lambda choose, form, record: [
        {"text": text(), "lang": "en", "speaker": "Manager", "has_consent": choose.random() < 0.8}
    ],
    "agenda": lambda choose, form, record: [
        {"element": "expert_presentation", "title": text(), "speaker": "", "minutes": 30}
    ],
    "question_days": lambda choose, form, record: choose.choice([None, 3]),
    "wording": lambda choose, form, record: text(),
    "opens_at": lambda choose, form, record: instant(choose.choice([-1, -1, 5])),
    "closes_at:CallForm": lambda choose, form, record: instant(choose.choice([6, 20])),
    "closes_at:ExtendCall": lambda choose, form, record: (
        max(record.closes_at, timezone.now()) + dt.timedelta(days=5)
    ).isoformat(),
    "starts_on": lambda choose, form, record: day(-choose.randint(0, 100)),
    "ends_on": lambda choose, form, record: day(choose.randint(1, 100)),
    "held_on": lambda choose, form, record: day(-choose.randint(0, 3)),
    "happened_on": lambda choose, form, record: day(-choose.randint(1, 30)),
    "due_on": lambda choose, form, record: day(choose.randint(1, 40)),
    "starts_at": lambda choose, form, record: instant(7),
    "ends_at": lambda choose, form, record: instant(7.1),
    "month": lambda choose, form, record: day(7)[:7],
    "order": lambda choose, form, record: next(_counter) % 400 + 100,
    "kind:WebinarForm": lambda choose, form, record: (
        record.kind if record.state == "announced" else choose.choice(["synergy", "information", "orientation"])
    ),
    "audience:WebinarForm": lambda choose, form, record: "",
    "chosen:WebinarForm": lambda choose, form, record: keys_of(form.fields["chosen"], 1),
    "capacity:WebinarForm": lambda choose, form, record: choose.choice([None, 1, 2]),
    "capacity": lambda choose, form, record: choose.randint(1, 4),
    "smes_count": lambda choose, form, record: 0,
    "lang": lambda choose, form, record: "en",
    "names": lambda choose, form, record: {},
    "nuts": lambda choose, form, record: "",
    "language:ReceiveDocument": lambda choose, form, record: "",
    "slug": lambda choose, form, record: f"slug-{next(_counter)}",
    "email": lambda choose, form, record: f"new{next(_counter)}@example.org",
    "email:GiveGrant": lambda choose, form, record: "",
    "name:GiveGrant": lambda choose, form, record: "",
    "scope_key:GiveGrant": lambda choose, form, record: None,
    "scope_type": lambda choose, form, record: "programme",
    "person:GiveGrant": lambda choose, form, record: some(choose, Person.objects.all()),
    "audience:ReceiveDocument": lambda choose, form, record: choose.choice(["owner", "project", "project"]),
    "scope_key:ReceiveDocument": lambda choose, form, record: project_of(choose, form.by),
    "answers": checks,
    "reason_code": lambda choose, form, record: "other",
    "pairs": plan,
    "points": lambda choose, form, record: [{"text": text(), "reason_code": "other", "fact": ""}],
    "employers": lambda choose, form, record: [{"name": text(), "kind": "employment"}],
    "languages:ProfileForm": lambda choose, form, record: ["en"],
    "organisation:ConflictForm": lambda choose, form, record: None,
    "other:ConflictForm": lambda choose, form, record: None,
    "ties:InterestsForm": lambda choose, form, record: [],
    "forbid": lambda choose, form, record: "",
    "free": lambda choose, form, record: "",
    "capacity_of": lambda choose, form, record: "",
    "places:AdjustMatch": lambda choose, form, record: None,
    "language_for": lambda choose, form, record: "",
    "language:AdjustMatch": lambda choose, form, record: "",
    "scores:FinishMatch": lambda choose, form, record: [],
    "source_session": lambda choose, form, record: None,
    "formats": lambda choose, form, record: ["json"],
    "sections:WriteQuestions": lambda choose, form, record: question_sections(choose),
    "sections": lambda choose, form, record: list(SECTIONS),
    "countries": lambda choose, form, record: ["ES"],
    "reasons": lambda choose, form, record: {},
    "places:PlaceForm": lambda choose, form, record: {str(record.pk): 1},
    "owner": lambda choose, form, record: str(form.by.pk) if getattr(form.by, "pk", None) else None,
    "changes": typed,
    "fields": lambda choose, form, record: choose.sample(["motivation", "context", "needs"], choose.choice([1, 2])),
    "tab": lambda choose, form, record: choose.choice(["one", "two"]),
    "turn": lambda choose, form, record: next(_counter),
    "question:AddDocument": lambda choose, form, record: "",
    "version:SignForm": lambda choose, form, record: form.initial.get("version", 0),
    "take": lambda choose, form, record: False,
    "texts": lambda choose, form, record: {},
    "programme:DeclarationForm": lambda choose, form, record: some(choose, form.fields["programme"].queryset),
    "email:AskPartner": lambda choose, form, record: choose.choice(["", f"partner{next(_counter)}@example.org"]),
    "has_signed": lambda choose, form, record: choose.random() < 0.9,
}


def question_sections(choose: random.Random) -> list[dict[str, Any]]:
    """One section with one question, another one each time."""
    question = {"key": "why", "kind": choose.choice(["text", "number", "date"]), "label": {"en": text()}}
    return [{"key": "about", "title": {"en": text()}, "questions": [question]}]


def project_of(choose: random.Random, person: Any) -> Any:
    """The key of a project that the person works on, or of any."""
    from advisory.forms.support import own_projects
    from advisory.project import Project

    mine = own_projects(person) if getattr(person, "pk", None) else Project.objects.none()
    return some(choose, mine) or some(choose, Project.objects.all())


def keys_of(field: Any, limit: int = 20) -> list[str]:
    """The keys that a field lets one choose from."""
    return [str(key) for key in field.queryset.order_by("pk").values_list("pk", flat=True).distinct()[:limit]]


def number(choose: random.Random, field: Any) -> int:
    """A small one of those that the field takes."""
    least = int(field.min_value or 0)
    return choose.randint(least, least + 5 if field.max_value is None else min(int(field.max_value), least + 5))


# The first kind that fits says what a field of it accepts.
KINDS: list[tuple[Any, Callable[[random.Random, Any], Any]]] = [
    (Rows, lambda choose, field: []),
    (forms.FileField, lambda choose, field: file()),
    (forms.ModelMultipleChoiceField, lambda choose, field: keys_of(field, choose.choice([1, 2]))),
    (forms.ModelChoiceField, lambda choose, field: choose.choice(keys_of(field) or [None])),
    (forms.MultipleChoiceField, lambda choose, field: [choose.choice(field.choices)[0]]),
    (forms.ChoiceField, lambda choose, field: choose.choice([value for value, _label in field.choices if value != ""])),
    (forms.BooleanField, lambda choose, field: True),
    (forms.DateTimeField, lambda choose, field: instant(choose.randint(-5, 20))),
    (forms.DateField, lambda choose, field: day(choose.randint(-5, 20))),
    ((forms.IntegerField, forms.DecimalField), number),
    (forms.URLField, lambda choose, field: "https://example.org/"),
    ((forms.UUIDField, forms.JSONField), lambda choose, field: None),
    (forms.Field, lambda choose, field: text()),
]


def any_value(choose: random.Random, field: forms.Field) -> Any:
    """A value that a field of this kind accepts."""
    return next(made for kind, made in KINDS if isinstance(field, kind))(choose, field)


def fill(name: str, choose: random.Random, form: StepForm, record: Any) -> Any:
    """A value for one field: what it holds now, its own rule, or anything of its kind."""
    own = FILLS.get(f"{name}:{type(form).__name__}") or FILLS.get(name)
    if own:
        return own(choose, form, record)
    field, now = form.fields[name], form.initial.get(name)
    if now not in (None, "") and not isinstance(field, forms.FileField | Rows) and choose.random() < HALF:
        return plain(now)
    return any_value(choose, field)


def plain(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if value is None or isinstance(value, bool | int | dict):
        return value
    return value.isoformat() if isinstance(value, dt.date | dt.datetime) else str(value)


def generated(choose: random.Random, record: Any, step: Any, person: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(data, files) for a step; a project that is named narrows the other choices, so it is chosen first."""
    form = record.form_for(step, by=person)
    if form is None:
        return {}, {}
    data: dict[str, Any] = {}
    if "project" in form.fields:
        data["project"] = fill("project", choose, form, record)
        form = record.form_for(step, by=person, raw=data)
    files = {}
    for name, field in form.fields.items():
        if name in data:
            continue
        value = fill(name, choose, form, record)
        if isinstance(field, forms.FileField):
            files |= {name: value} if value else {}
        elif value is not None:
            data[name] = plain(value)
    return data, files


def is_valid(record: Any, step: Any, person: Any, data: dict[str, Any], files: dict[str, Any]) -> bool:
    """What the form says of it, before the door is asked."""
    form = record.form_for(step, by=person, raw=data, files=files)
    found = not data if form is None else form.is_valid()
    for one in files.values():
        one.seek(0)
    return found


def spoiled(choose: random.Random, data: dict[str, Any]) -> dict[str, Any]:
    """The same with something wrong in it: a member that is not there, one that is missing, or a wrong value."""
    made = dict(data)
    if made and choose.random() < 0.8:
        name = choose.choice(sorted(made))
        made[name] = choose.choice(JUNK)
        if choose.random() < 0.3:
            del made[name]
    else:
        made[choose.choice(["state", "version", "id", "slipped_in"])] = choose.choice(JUNK)
    return made
