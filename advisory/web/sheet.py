"""What was read in a CV as a sheet to mend: each value in inputs of its own kind, beside the lines it was read in.

The sheet is what stands between a page and the step `confirm`: it shows what was read or what was posted, and makes of
a post the entries that the step takes.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from babel import Locale
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django_countries import countries

from advisory.curriculum import CurriculumVitae
from advisory.cv.reading import MAX_FIELDS, REQUIRED
from advisory.said import CONFIRMABLE, COUNTRIES, MEMBERS, worded
from advisory.snippets import Document
from advisory.speaking import LEVELS
from facility.bid import AREAS
from facility.registry.cluster import ECOSYSTEMS

# Below this the reader is not sure, and the value is marked to be looked at.
SURE = 0.75
# What people confirm by the dozen is folded away while nothing is wrong with it.
FOLDED_FROM = 6
LONG = 60
# Of a CV without a job a degree will do.
STANDS_FOR = {"degree": "employment"}


class Sheet:
    """The groups of fields of a CV, filled as it was read or as it was posted."""

    def __init__(self, cv: CurriculumVitae, post: Any = None, *, email: str = "") -> None:
        """post: the posted form, if any. email: an address that was proven, and stands whatever the CV says."""
        self.cv, self.post, self.email = cv, post, email
        self.document = Document(cv.text, cv.breaks)
        self.read = {str(one.pk): one for one in cv.fields.order_by("order")}
        self.rows = self._posted() if post is not None else self._as_read()
        self.errors: dict[int, list[str]] = {}
        self.general: list[str] = []

    # -- what the step takes

    def entries(self) -> list[dict[str, str]]:
        """What was posted, as the step `confirm` takes it; rows that were emptied or taken away are left out."""
        self.sent = [row for row in self.rows if not row["gone"] and any(map(str.strip, row["values"].values()))]
        return [{"name": row["name"], "value": line_of(row["name"], row["values"])} for row in self.sent]

    def take_errors(self, errors: dict[str, list[str]]) -> None:
        """Errors of the step, by path, to the rows that they are about."""
        for path, said in errors.items():
            number = path.removeprefix("entries[").partition("]")[0] if path.startswith("entries[") else ""
            if number.isdecimal() and int(number) < len(self.sent):
                self.errors.setdefault(self.sent[int(number)]["number"], []).extend(map(str, said))
            else:
                self.general += map(str, said)

    # -- what the page shows

    def add(self, name: str) -> None:
        """One more empty row."""
        if len(self.rows) < MAX_FIELDS:
            self.rows.append({"number": len(self.rows), "name": name, "field": "", "values": {}, "gone": False})

    def groups(self) -> list[dict[str, Any]]:
        """[{"name", "label", "rows", "missing", "low", "folded"}] in the order of the fields; what a complete CV needs
        and does not have gets an empty row to fill in."""
        found = Counter(row["name"] for row in self.rows if not row["gone"])
        for name in REQUIRED:
            if not found[name] and not any(found[other] for other, means in STANDS_FOR.items() if means == name):
                self.add(name)
        made = []
        for name, label in CONFIRMABLE:
            rows = [self._shown(row) for row in self.rows if row["name"] == name]
            low = sum(row["low"] for row in rows)
            is_missing = name in REQUIRED and not any(row["filled"] for row in rows)
            is_missing = is_missing and not any(found[other] for other, means in STANDS_FOR.items() if means == name)
            wrong = any(row["errors"] for row in rows)
            made.append(
                {
                    "name": name,
                    "label": label,
                    "rows": rows,
                    "missing": is_missing,
                    "low": low,
                    "folded": not (is_missing or low or wrong) and (not rows or len(rows) >= FOLDED_FROM),
                    "single": name in {"full_name", "email"} and bool(rows),
                }
            )
        return made

    def problems(self) -> list[dict[str, str]]:
        """[{"href", "label", "text"}] for the summary of errors."""
        labels = dict(CONFIRMABLE)
        return [{"href": "", "label": "", "text": text} for text in self.general] + [
            {"href": f"#row-{number}", "label": str(labels[self.rows[number]["name"]]), "text": text}
            for number, said in sorted(self.errors.items())
            for text in said
        ]

    def context(self) -> dict[str, Any]:
        """What the template asks for."""
        return {
            "groups": self.groups(),
            "parts": self.document.parts(),
            "count": len(self.rows),
            "problems": self.problems(),
            "countries": list(countries),
        }

    def _as_read(self) -> list[dict[str, Any]]:
        names = dict(CONFIRMABLE)
        rows = [
            {"name": one.name, "field": key, "values": values_of(one.name, one.value), "gone": False}
            for key, one in self.read.items()
            if one.name in names and not (self.email and one.name == "email")
        ]
        if self.email:
            rows.insert(0, {"name": "email", "field": "", "values": {"value": self.email}, "gone": False})
        return [row | {"number": number} for number, row in enumerate(rows)]

    def _posted(self) -> list[dict[str, Any]]:
        post, names = self.post, dict(CONFIRMABLE)
        total = min(int(text), MAX_FIELDS) if (text := post.get("rows", "")).isdecimal() else 0
        rows: list[dict[str, Any]] = []
        for at in range(total):
            name = post.get(f"row-{at}-name", "")
            members = members_of(name) if name in names else ()
            values = {member: post.get(f"row-{at}-{member}", "")[:1000] for member in members}
            if name == "email" and self.email:
                values = {"value": self.email}
            field = post.get(f"row-{at}-field", "")
            gone = bool(post.get(f"row-{at}-gone"))
            rows.append({"number": at, "name": name, "field": field, "values": values, "gone": gone or not values})
        return rows

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        read = self.read.get(row["field"])
        lines = self.document.found(read.snippet, read.place) if read else None
        number = row["number"]
        values = row["values"] or dict.fromkeys(members_of(row["name"]), "")
        fixed = bool(self.email) and row["name"] == "email"
        return {
            "number": number,
            "field": row["field"],
            "gone": row["gone"],
            "inputs": [input_of(row["name"], member, value, number, fixed) for member, value in values.items()],
            "filled": any(values.values()),
            "snippet": read.snippet if read else "",
            "place": read.place if read else "",
            "lines": f"{lines[0]}-{lines[1]}" if lines else "",
            "anchor": f"line-{lines[0]}" if lines else "",
            "low": read is not None and read.confidence < SURE and not read.confirmed,
            "errors": self.errors.get(number, []),
        }


def members_of(name: str) -> tuple[str, ...]:
    """The inputs that a field has."""
    return ("code", "cefr") if name == "language" else MEMBERS.get(name, ("value",))


def values_of(name: str, value: Any) -> dict[str, str]:
    """A value by its inputs, as text."""
    if isinstance(value, dict):
        return {member: str(value.get(member) or "") for member in members_of(name)}
    return {"value": str(value)}


def line_of(name: str, values: dict[str, str]) -> str:
    """The inputs as the line that the step takes."""
    if members_of(name) == ("value",):
        return values["value"].strip()
    return worded(
        name, {member: text.strip() or None for member, text in values.items()} | {"cefr": values.get("cefr")}
    )


def languages() -> list[tuple[str, str]]:
    """Languages by their names in the reader's language, those with two letters."""
    names = Locale.parse((get_language() or "en")[:2]).languages
    return sorted(((code, name) for code, name in names.items() if len(code) == len("en")), key=lambda one: one[1])


def input_of(name: str, member: str, value: str, number: int, fixed: bool) -> dict[str, Any]:
    """One input: {"id", "name", "label", "kind", "value", "options"}; kind is text, area, select, country or fixed."""
    labels = {
        "code": _("Language"),
        "cefr": _("Level"),
        "title": _("Title"),
        "employer": _("Employer"),
        "institution": _("School"),
        "start": _("Start"),
        "end": _("End"),
        "country": _("Country"),
        "value": dict(CONFIRMABLE)[name],
    }
    key = name if member == "value" else member
    choices = {
        "code": languages,
        "cefr": lambda: [(one, one) for one in LEVELS],
        "area": lambda: list(AREAS),
        "sector": lambda: list(ECOSYSTEMS),
    } | {one: (lambda: list(countries)) for one in COUNTRIES if member == "value"}
    options = [("", "–"), *choices[key]()] if key in choices else []
    if options and value and value not in dict(options):
        options.append((value, value))
    kind = "select" if options else "country" if key == "country" else "area" if len(value) > LONG else "text"
    return {
        "id": f"row-{number}-{member}",
        "name": f"row-{number}-{member}",
        "label": labels[member],
        "kind": "fixed" if fixed else kind,
        "value": value,
        "options": options,
        "hint": {"start": "2010-03", "end": "2014"}.get(member, ""),
    }
