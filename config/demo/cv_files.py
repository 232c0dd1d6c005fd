"""Three hundred CV files of invented people for the demo, with the truth that each one holds.

`make_cvs` writes real files in five formats (Europass v3, Europass Candidate, a PDF that carries the latter, plain PDF
and DOCX) in English, French and German. The same seed gives the same people and the same words.
"""

import random
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisory.cv.vocabulary import LEVELS, fold
from config.demo import cv_writers

WORDS = tomllib.loads(Path(__file__).with_name("cv_words.toml").read_text(encoding="utf-8"))
LANGUAGES = ("en", "fr", "de")
WRITTEN_IN = {"FR": "fr", "LU": "fr", "BE": "fr", "DE": "de", "AT": "de"}
# Countries of the clusters in the demo come twice, so that their working languages are covered well.
COUNTRIES = [*WORDS["people"], "ES", "IT", "PT", "FR", "DE", "BG", "SI", "LT", "PL", "BE", "RO"]
BUSINESS_AREAS = ("resilient-business-models", "sustainable-investments", "sustainable-innovation",
                  "greening-business-processes", "eco-friendly-products-services")  # fmt: skip
SUSTAINABILITY_AREAS = ("greening-business-processes", "eco-friendly-products-services", "water-use",
                        "energy-efficiency", "waste-management", "carbon-footprint", "circular-materials",
                        "harmful-emissions")  # fmt: skip
# Which of the people leave something out, and what: the reader has to say so.
INCOMPLETE = {17: "email", 64: "language", 111: "work", 158: "email", 205: "language", 252: "work"}
THIS_YEAR = 2021
LAYOUTS = 3
EMPLOYMENT = ("title", "employer", "start", "end", "country")


@dataclass(slots=True)
class Person:
    """One invented advisor: what the CV says and, by `truth`, what a reader should find in it."""

    number: int
    written_in: str
    kind: str
    areas: list[str]
    name: str
    given: str
    family: str
    email: str
    phone: str
    city: str
    country: str
    languages: list[dict[str, str]]
    jobs: list[dict[str, Any]]
    degrees: list[dict[str, str]]
    summary: str
    skills: list[str]
    lacking: str | None
    file: str = ""
    format: str = ""
    layout: int = 0
    now: str = ""

    def truth(self) -> dict[str, Any]:
        """Return the values of `read_cv --json` that the file holds, with the kind of advisor and the file's name."""
        return {
            "file": self.file, "format": self.format, "written_in": self.written_in, "kind": self.kind,
            "complete": self.lacking is None, "lacking": self.lacking,
            "full_name": self.name, "email": self.email, "phone": self.phone,
            "city": self.city, "country": self.country,
            "language": self.languages, "degree": self.degrees, "area": self.areas, "skill": self.skills,
            "employment": [{key: job[key] for key in EMPLOYMENT} for job in self.jobs],
        }  # fmt: skip


def make_cvs(folder: Path, count: int = 312, seed: int = 2021) -> list[dict[str, Any]]:
    """Write `count` CV files into the folder and return the truth of each one, in the order of their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    people = make_people(count, seed)
    for person in people:
        person.format, ending, write = cv_writers.WRITERS[person.number % len(cv_writers.WRITERS)]
        person.file = f"cv-{person.number:03}.{ending}"
        (folder / person.file).write_bytes(write(person, WORDS[person.written_in]))
    return [person.truth() for person in people]


def make_people(count: int, seed: int) -> list[Person]:
    """Invent the people, each from its own random source, so that a larger count changes nobody."""
    names: set[str] = set()
    return [_person(number, random.Random(f"{seed}/{number}"), names) for number in range(1, count + 1)]  # noqa: S311


def _person(number: int, chance: random.Random, names: set[str]) -> Person:
    country = COUNTRIES[(number * 7) % len(COUNTRIES)]
    origin = WORDS["people"][country]
    written_in = WRITTEN_IN.get(country) or chance.choices(LANGUAGES, (70, 12, 18))[0]
    words = WORDS[written_in]
    kind = chance.choices(("business", "sustainability", "both"), (44, 42, 14))[0]
    given, family, woman = _name(origin, chance, names)
    lacking = INCOMPLETE.get(number)
    # Without work only the summary is left to show an area.
    areas = _areas(kind, chance)[: 1 if lacking == "work" else None]
    person = Person(
        number=number, written_in=written_in, kind=kind, areas=areas,
        name=f"{given} {family}", given=given, family=family,
        email="" if lacking == "email" else f"{_address(given)}.{_address(family)}.{number}@example.org",
        phone=f"+{origin['dial']} {chance.randint(200, 799)} {chance.randint(100, 999)} {chance.randint(100, 999)}",
        city=chance.choice(origin["cities"]), country=country,
        languages=[] if lacking == "language" else _languages(origin["language"], written_in, chance),
        jobs=[], degrees=[], summary=chance.choice(words["areas"][areas[0]]), skills=chance.sample(words["skills"], 3),
        lacking=lacking,
    )  # fmt: skip
    if lacking != "work":
        person.jobs = _jobs(person, words, woman, chance)
        person.degrees = _degrees(person, words, woman, chance)
    person.layout, person.now = chance.randrange(LAYOUTS), chance.choice(words["now"])
    return person


def _name(origin: dict[str, Any], chance: random.Random, names: set[str]) -> tuple[str, str, bool]:
    """Choose a name nobody has yet; given and family names alternate women's and men's forms."""
    pairs = [
        (given, family, at % 2 == 0)
        for at, given in enumerate(origin["given"]) for to, family in enumerate(origin["family"]) if at % 2 == to % 2
    ]  # fmt: skip
    free = [pair for pair in pairs if f"{pair[0]} {pair[1]}" not in names]
    chosen = chance.choice(free or pairs)
    names.add(f"{chosen[0]} {chosen[1]}")
    return chosen


def _areas(kind: str, chance: random.Random) -> list[str]:
    pool = {"business": BUSINESS_AREAS, "sustainability": SUSTAINABILITY_AREAS}.get(kind)
    if pool:
        return chance.sample(pool, chance.randint(1, 4))
    return list(dict.fromkeys([chance.choice(BUSINESS_AREAS), *chance.sample(SUSTAINABILITY_AREAS, 2)]))


def _languages(native: str, written_in: str, chance: random.Random) -> list[dict[str, str]]:
    spoken = [{"code": native, "cefr": "native"}]
    wanted = ["en", written_in, *chance.sample(("fr", "de", "es", "it", "pl", "pt", "ro", "bg", "sl", "lt", "nl"), 2)]
    for place, code in enumerate(dict.fromkeys(wanted)):
        if code != native:
            levels = LEVELS[4:] if code == written_in else LEVELS[3:] if place == 0 else LEVELS[1:5]
            spoken.append({"code": code, "cefr": chance.choice(levels)})
    return spoken


def _jobs(person: Person, words: dict[str, Any], woman: bool, chance: random.Random) -> list[dict[str, Any]]:
    """Invent two or three jobs, the first one lasting; the areas' sentences are spread over them."""
    kinds = ["business", "sustainability"] if person.kind == "both" else [person.kind]
    count = chance.randint(2, 3)
    year, month = THIS_YEAR - chance.randint(1, 5), chance.randint(1, 12)
    jobs: list[dict[str, Any]] = []
    end = None
    for at in range(count):
        seat = person.country if at == 0 else chance.choice([person.country, *WORDS["people"]])
        name = f"{chance.choice(WORDS['employers']['first'])} {chance.choice(WORDS['employers']['second'])}"
        told = [chance.choice(words["areas"][area]) for area in person.areas[at::count]]
        jobs.append({
            "title": _gendered(chance.choice(words["titles"][kinds[at % len(kinds)]]), woman),
            "employer": f"{name} {WORDS['employers']['legal'][seat]}",
            "start": f"{year}-{month:02}", "end": end, "country": seat,
            "city": chance.choice(WORDS["people"][seat]["cities"]), "told": [*told, chance.choice(words["fillers"])],
        })  # fmt: skip
        end = f"{year}-{month - 1:02}" if month > 1 else f"{year - 1}-12"
        year, month = year - chance.randint(2, 6), chance.randint(1, 12)
    return jobs


def _degrees(person: Person, words: dict[str, Any], woman: bool, chance: random.Random) -> list[dict[str, str]]:
    pool = words["degrees"]["sustainability" if person.kind == "both" else person.kind]
    cities = WORDS["people"][person.country]["cities"]
    first = chance.randint(1988, 2005)
    return [
        {
            "title": _gendered(title, woman),
            "institution": chance.choice(words["schools"]).format(city=chance.choice(cities)),
            "end": str(first - 4 * at),
        }
        for at, title in enumerate(chance.sample(pool, chance.randint(1, 2)))
    ]


def _gendered(title: str, woman: bool) -> str:
    return title.split("|")[0 if woman else -1]


def _address(name: str) -> str:
    return fold(name.lower().translate({ord("æ"): "ae", ord("ø"): "o", ord("ß"): "ss"})).replace(" ", "")
