"""Invented advisors and projects with labels that follow from how they were made, not from any score.

Each half (`tuned`, `held_out`) has one file a language, written by hand, the languages line by line alike: eleven
blocks (title, three things done, one need of a project), five lines of clients, five of clusters, fourteen that have
nothing to do with the matter. Nothing here is shared with the scorer, and no text of one half is in the other but for
the lines that make a CV long. All people are invented.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
LANGUAGES = ("en", "fr", "de", "it", "pl", "es", "nl")
AREAS, SECTORS, EACH = 11, 5, 4
PROJECTS = 21
BLOCKS = (*([5] * AREAS), SECTORS, SECTORS, 14)
RANKED = (0, 4, 8)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose work is one area, who has touched two others, for clients of one sector."""

    number: int
    language: str
    main: int
    touched: tuple[int, int]
    sector: int
    is_long: bool


@dataclass(frozen=True, slots=True)
class Project:
    """A project that ranks three areas, written in one language."""

    number: int
    language: str
    areas: tuple[int, ...]
    sector: int


@dataclass(frozen=True, slots=True)
class Texts:
    """The lines of a language in a half."""

    areas: list[list[str]]
    clients: list[str]
    clusters: list[str]
    others: list[str]


@cache
def texts(half: str, language: str) -> Texts:
    """The lines; ValueError when a block has another number of lines than it must."""
    blocks = [block.splitlines() for block in (HERE / half / f"{language}.txt").read_text().strip().split("\n\n")]
    if tuple(map(len, blocks)) != BLOCKS:
        raise ValueError(f"{half}/{language}.txt has blocks of {[len(block) for block in blocks]} lines.")
    return Texts(blocks[:AREAS], *blocks[AREAS:])


def people() -> list[Person]:
    """Four of each area, the languages in turn."""
    made = []
    for number in range(AREAS * EACH):
        main, turn = number % AREAS, number // AREAS
        language = LANGUAGES[(main * 3 + turn * 2) % len(LANGUAGES)]
        touched = ((main + 3 + turn) % AREAS, (main + 7) % AREAS)
        made.append(Person(number, language, main, touched, (number + turn) % SECTORS, turn % 2 == 1))
    return made


def projects() -> list[Project]:
    """Three in each language, each with three areas in order."""
    return [
        Project(
            number,
            LANGUAGES[number % len(LANGUAGES)],
            tuple((number * 5 + step) % AREAS for step in RANKED),
            number % SECTORS,
        )
        for number in range(PROJECTS)
    ]


def grade(person: Person, project: Project) -> int:
    """3: the first need is the person's work; 2: the second is, or the first was touched; 1: one further down; 0."""
    first, second, third = project.areas
    if person.main == first:
        return 3
    if person.main == second or first in person.touched:
        return 2
    return 1 if person.main == third or second in person.touched else 0


def curriculum(person: Person, half: str, language: str = "") -> str:
    """The CV, its lines in an order that is the same in every language."""
    language = language or person.language
    told = texts(half, language)
    main, (one, two) = told.areas[person.main], (told.areas[area] for area in person.touched)
    other = "held_out" if half == "tuned" else "tuned"
    more = texts(other, language).others if person.is_long else []
    lines = [*main[1:4], one[1 + person.number % 3], two[1 + person.number % 2], told.clients[person.sector]]
    jobs = [*lines, *told.others, *more]
    random.Random(person.number).shuffle(jobs)  # noqa: S311 (an order, not a secret)
    return "\n".join([main[0], *jobs])


def asks(project: Project, half: str) -> list[tuple[str, float]]:
    """What the project is about and its needs, each with its weight: what ranks first weighs most."""
    told = texts(half, project.language)
    needs = [(told.areas[area][4], 1 / rank) for rank, area in enumerate(project.areas, 1)]
    return [(told.clusters[project.sector], 1.0), *needs]
