"""The invented people: what their CVs say, and what a reader should find in each file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "people"
JOB = ("title", "employer", "dates", "start", "end", "place", "country", "tasks")
DEGREE = ("title", "school", "dates", "end")
LANGUAGE = ("name", "level", "code", "cefr")
LISTS = ("skills", "certificates", "publications", "projects")


@dataclass(frozen=True, slots=True)
class Person:
    """One row of `people/*.toml`; `said` is that row with its lists named, as the layouts use it."""

    id: str
    written_in: str
    said: dict[str, Any]

    def truth(self) -> dict[str, list[Any]]:
        """Return the values of each field, in the shapes of `read_cv --json`; None where the CV says nothing."""
        said = self.said
        return {
            "full_name": [said["name"]],
            "email": [said["email"]],
            "phone": [said["phone"]],
            "city": [said["city"]],
            "country": [said["land"]["code"]],
            "nationality": [said["nationality"]["code"]] if said["nationality"] else [],
            "language": [{"code": one["code"], "cefr": one["cefr"] or None} for one in said["languages"]],
            "employment": [
                {"title": job["title"], "employer": job["employer"], "start": job["start"], "end": job["end"] or None,
                 "country": job["country"] or None} for job in said["jobs"]
            ],
            "degree": [
                {"title": one["title"], "institution": one["school"], "end": one["end"]} for one in said["degrees"]
            ],
            "skill": said["skills"],
            "certificate": said["certificates"],
            "publication": said["publications"],
            "tool": said["tools"],
            "project_country": sorted({code for project in said["projects"] for code in project["countries"]}),
            "availability": said["availability"],
            "area": said["areas"],
            "kind": [said["kind"]],
        }  # fmt: skip


def people(file: str) -> list[Person]:
    """Return the people of one file; on those of `held_out` the reader was never mended."""
    rows = tomllib.loads((FOLDER / f"{file}.toml").read_text(encoding="utf-8"))["person"]
    return [Person(row["id"], row["written_in"], _named(row)) for row in rows]


def _named(row: dict[str, Any]) -> dict[str, Any]:
    given, _, family = row["name"].partition(" ")
    said = {"tools": [], "availability": [], "printed": row["name"], "given": given, "family": family, **row}
    said["land"] = dict(zip(("name", "code"), row["country"], strict=True))
    said["nationality"] = dict(zip(("label", "name", "code"), row.get("nationality", ()), strict=False))
    said["jobs"] = [dict(zip(JOB, job, strict=True)) for job in row["jobs"]]
    said["degrees"] = [dict(zip(DEGREE, degree, strict=True)) for degree in row["degrees"]]
    said["languages"] = [dict(zip(LANGUAGE, one, strict=True)) for one in row["languages"]]
    for name in LISTS:
        said.setdefault(name, [])
    said["projects"] = [dict(zip(("text", "countries"), one, strict=True)) for one in said["projects"]]
    said["lists"] = [
        {"heading": row["headings"][name], "items": [one["text"] if name == "projects" else one for one in said[name]]}
        for name in LISTS if said[name]
    ]  # fmt: skip
    return said
