"""A form while it is being written: raw sections that may still be wrong, and the moves of whoever writes it.

Places are named `"0"` for the first section and `"0.2"` for its third question. What is wrong with the draft is said by
`parse`, not here.
"""

from __future__ import annotations

import copy
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from .kinds import SETTINGS, wording

PATH = re.compile(r"sections\[(\d+)\](?:\.questions\[(\d+)\])?(?:\.(.+))?")
PROVISIONAL = re.compile(r"[a-z]+_\d+")
Item = dict[str, Any]


class Draft:
    """Sections being written. ValueError when `sections` are no list of sections with lists of questions."""

    def __init__(self, sections: Any) -> None:
        self.sections: list[Item] = copy.deepcopy(sections)
        lists = [self.sections]
        if isinstance(sections, list):
            lists += [section.setdefault("questions", []) for section in self.sections if isinstance(section, dict)]
        if not all(isinstance(some, list) and all(isinstance(one, dict) for one in some) for some in lists):
            raise ValueError("These are no sections with questions.")

    @classmethod
    def read(cls, text: str) -> Draft:
        """From JSON; ValueError when it is none."""
        return cls(json.loads(text))

    def text(self) -> str:
        """As JSON."""
        return json.dumps(self.sections, ensure_ascii=False)

    def find(self, at: str) -> Item | None:
        """The section or question at a place; None where nothing is."""
        listed, number = self._place(at)
        return listed[number] if listed is not None else None

    def add_section(self) -> str:
        """An empty section at the end."""
        self.sections.append({"key": self._free("section"), "title": {}, "intro": {}, "questions": []})
        return str(len(self.sections) - 1)

    def add_question(self, at: str, kind: str) -> str:
        """An empty question after the one at `at`, or at the end of the section there, or of the last one."""
        if not self.sections:
            self.add_section()
        section, _dot, number = (at if self.find(at) is not None else str(len(self.sections) - 1)).partition(".")
        listed = self.sections[int(section)]["questions"]
        where = int(number) + 1 if number else len(listed)
        listed.insert(where, {"key": self._free("question"), "kind": kind, "label": {}})
        return f"{section}.{where}"

    def move(self, at: str, by: int) -> str:
        """One place up (-1) or down (1); a question at the edge of its section goes over into the next one."""
        listed, number = self._place(at)
        if listed is None:
            return at
        section, dot, _number = at.partition(".")
        if 0 <= number + by < len(listed):
            listed.insert(number + by, listed.pop(number))
            return f"{section}.{number + by}" if dot else str(number + by)
        other = int(section) + by
        if dot and 0 <= other < len(self.sections):
            there = self.sections[other]["questions"]
            where = 0 if by > 0 else len(there)
            there.insert(where, listed.pop(number))
            return f"{other}.{where}"
        return at

    def remove(self, at: str) -> str:
        """Takes a section or question away; gives the place to look at then."""
        listed, number = self._place(at)
        if listed is None:
            return ""
        del listed[number]
        section, dot, _number = at.partition(".")
        if dot:
            return f"{section}.{min(number, len(listed) - 1)}" if listed else section
        return str(min(number, len(listed) - 1)) if listed else ""

    def insert(self, at: str, item: Any) -> str:
        """Puts an item back where it stood, as far as that place is still there; ValueError when it is none."""
        section, dot, number = at.partition(".")
        whole = [{"questions": [item]}] if dot else [item]
        (made,) = Draft(whole).sections
        if dot and not self.sections:
            self.add_section()
        if not dot:
            where = min(int(section), len(self.sections))
            self.sections.insert(where, made)
            return str(where)
        inside = min(int(section), len(self.sections) - 1)
        listed = self.sections[inside]["questions"]
        where = min(int(number), len(listed))
        listed.insert(where, made["questions"][0])
        return f"{inside}.{where}"

    def duplicate(self, at: str) -> str:
        """A copy right after the original, under names of its own."""
        listed, number = self._place(at)
        if listed is None:
            return at
        made = copy.deepcopy(listed[number])
        listed.insert(number + 1, made)
        renamed = {}
        for question in made.get("questions", [made]):
            old = question.get("key")
            question["key"] = self._free("question")
            renamed[old] = question["key"]
        if "questions" in made:
            made["key"] = self._free("section")
            for question in made["questions"]:
                _point_to(question, renamed)
        section, dot, _number = at.partition(".")
        return f"{section}.{number + 1}" if dot else str(number + 1)

    def put(self, at: str, item: Item) -> None:
        """Writes the section or question at a place; its name in the data follows from its English wording, once."""
        listed, number = self._place(at)
        if listed is None:
            return
        before = listed[number]
        listed[number] = {**item, "key": before.get("key")}
        if "questions" in before:
            listed[number]["questions"] = before["questions"]
        key, text = str(before.get("key")), _worded(item.get("title" if "questions" in before else "label"))
        if text and PROVISIONAL.fullmatch(key):
            listed[number]["key"] = None
            listed[number]["key"] = new = self._free(slug(text) or key.rpartition("_")[0], plain=True)
            for question in self._questions():
                _point_to(question, {key: new})

    def outline(self) -> list[Item]:
        """Sections with their questions as a table of contents: {"at", "text", "questions": [those, with "kind"]}."""
        return [
            {
                "at": str(number),
                "text": _worded(section.get("title")),
                "questions": [
                    {"at": f"{number}.{place}", "text": _worded(one.get("label")), "kind": one.get("kind")}
                    for place, one in enumerate(section["questions"])
                ],
            }
            for number, section in enumerate(self.sections)
        ]

    def earlier(self, at: str) -> list[Item]:
        """The questions before a place that offer answers to choose, which a condition may refer to."""
        section, _dot, number = at.partition(".")
        before = [
            question
            for at_section, one in enumerate(self.sections)
            for at_question, question in enumerate(one["questions"])
            if (at_section, at_question) < (int(section), int(number or 0))
        ]
        return [question for question in before if question.get("kind") in {"choice", "multiple"}]

    def _place(self, at: str) -> tuple[list[Item] | None, int]:
        section, dot, number = at.partition(".")
        listed: list[Item] = self.sections
        if dot:
            found = self.find(section)
            listed = found["questions"] if found else []
            section = number
        inside = section.isdecimal() and section.isascii() and int(section) < len(listed)
        return (listed, int(section)) if inside else (None, 0)

    def _questions(self) -> Iterator[Item]:
        for section in self.sections:
            yield from section["questions"]

    def _free(self, stem: str, *, plain: bool = False) -> str:
        taken = {one.get("key") for one in [*self.sections, *self._questions()]}
        if plain and stem not in taken:
            return stem
        return next(key for n in range(1, 10**6) if (key := f"{stem}_{n}") not in taken)


def slug(text: str) -> str:
    """A name in the data made of a text, at most thirty signs long; empty when nothing of the text can be kept."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).lstrip("_0123456789")[:30].rstrip("_")


def place_of(path: str) -> tuple[str, str]:
    """The place that a path of an error is about, and the rest of the path: `("0.2", "options[1].label")`."""
    match = PATH.fullmatch(path)
    if match is None:
        return "", path
    return (f"{match[1]}.{match[2]}" if match[2] else match[1]), match[3] or ""


def settings_of(item: Item) -> tuple[str, ...]:
    """The settings that a question being written has beside those of all."""
    return SETTINGS.get(str(item.get("kind")), ())


def _worded(text: Any) -> str:
    if not isinstance(text, dict):
        return ""
    return wording({key: value for key, value in text.items() if isinstance(value, str)}, "en")


def _point_to(question: Item, renamed: dict[Any, str]) -> None:
    condition = question.get("condition")
    if isinstance(condition, dict) and condition.get("question") in renamed:
        question["condition"] = {**condition, "question": renamed[condition["question"]]}
