"""JSON Resume 1.0.0 (jsonresume.org): nothing is required there, extra keys are allowed, fluency is free text."""

import re
from typing import Any

from advisory.cv.areas import add_job
from advisory.cv.dates import normal
from advisory.cv.reading import Findings, Line
from advisory.cv.vocabulary import LEVELS, NATIVE, country_code, fold, language_code, lowest_level

TOLD = ("work", "volunteer", "education", "awards", "certificates", "publications", "skills", "languages", "projects")
LEVEL = re.compile(rf"\b({'|'.join(LEVELS)})\b")


def is_json_resume(content: Any) -> bool:
    """Tell whether decoded JSON is a JSON Resume: an object with at least one of its own sections."""
    return isinstance(content, dict) and isinstance(content.get("basics", content.get("work")), dict | list)


def read_json_resume(content: dict[str, Any]) -> tuple[Findings, list[Line]]:
    """Return the fields and the lines of a JSON Resume; places are paths such as `work[0].name`."""
    found = Findings()
    _read_basics(_mapping(content.get("basics")), found)
    for path, job in _rows(content, "work"):
        value = {
            "title": _text(job, "position"),
            "employer": _text(job, "name") or _text(job, "company"),
            "start": normal(_text(job, "startDate")),
            "end": normal(_text(job, "endDate")),
            "country": country_code(_text(job, "location").rsplit(",", 1)[-1]),
        }
        if value["title"] or value["employer"]:
            add_job(found, value, _words(job), path, 1.0, "\n".join(_texts(job)))
    for path, study in _rows(content, "education"):
        title = " ".join(filter(None, (_text(study, "studyType"), _text(study, "area"))))
        value = {"title": title, "institution": _text(study, "institution"), "end": normal(_text(study, "endDate"))}
        if title or value["institution"]:
            found.add("degree", value, _words(study), path)
    _read_lists(content, found)
    return found, _lines(content)


def _read_lists(content: dict[str, Any], found: Findings) -> None:
    for path, spoken in _rows(content, "languages"):
        if code := language_code(_text(spoken, "language")):
            fluency = _text(spoken, "fluency")
            found.add("language", {"code": code, "cefr": read_level(fluency)}, _words(spoken), path)
    for path, skill in _rows(content, "skills"):
        found.add("skill", _text(skill, "name"), _words(skill), f"{path}.name")
        for number, keyword in enumerate(_list(skill.get("keywords"))):
            if isinstance(keyword, str):
                found.add("skill", keyword.strip(), _words(skill), f"{path}.keywords[{number}]")
    for section, name in (("certificates", "certificate"), ("publications", "publication"), ("projects", "project")):
        for path, row in _rows(content, section):
            found.add(name, _text(row, "name"), _words(row), f"{path}.name")


def read_level(fluency: str) -> str | None:
    """Return the CEFR level a free text states, `native`, or None; words such as "fluent" are no CEFR level."""
    level = lowest_level(LEVEL.findall(fluency.upper()))
    return level or ("native" if NATIVE.search(fold(fluency)) else None)


def _read_basics(basics: dict[str, Any], found: Findings) -> None:
    location = _mapping(basics.get("location"))
    for name, key in (("full_name", "name"), ("email", "email"), ("phone", "phone")):
        found.add(name, _text(basics, key), _text(basics, key), f"basics.{key}")
    found.add("city", _text(location, "city"), _words(location), "basics.location.city")
    country = _text(location, "countryCode") or _text(location, "country")
    found.add("country", country_code(country), _words(location), "basics.location.countryCode")


def _rows(content: dict[str, Any], section: str) -> list[tuple[str, dict[str, Any]]]:
    rows = _list(content.get(section))
    return [(f"{section}[{number}]", row) for number, row in enumerate(rows) if isinstance(row, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _lines(content: dict[str, Any]) -> list[Line]:
    """Return what the person tells of their work, without the contact data, as lines with their paths."""
    basics = _mapping(content.get("basics"))
    lines = [Line(_text(basics, key), f"basics.{key}") for key in ("label", "summary") if _text(basics, key)]
    for section in TOLD:
        for path, row in _rows(content, section):
            lines += [Line(text, path) for text in _texts(row)]
    return lines


def _words(value: Any) -> str:
    return " · ".join(_texts(value))


def _texts(value: Any) -> list[str]:
    """Return every text below a value in the order of the file."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]
