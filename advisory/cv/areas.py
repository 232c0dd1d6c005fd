"""The eleven advisory areas of the Facility, the industrial sectors and the kind of advisor, as the words of a CV show.

The words (beginnings, in thirteen languages) are in `words.toml`. Sources: of the areas F06 and the Facility's public
page; of the 14 sectors ("industrial ecosystems") the European Cluster Collaboration Platform.
"""

import re

from advisory.cv.headings import Sections
from advisory.cv.reading import Findings, Line
from advisory.cv.vocabulary import WORDS, fold

# Advisors of either kind may know these; the kind follows from whether most of what a CV shows is of one side.
BUSINESS = {"resilient-business-models", "sustainable-investments", "sustainable-innovation"}
ONE_SIDE = 3
QUOTE = 200
SECTOR_KINDS = ("summary", "experience", "projects", "head")


def _pattern(words: list[str]) -> re.Pattern[str]:
    """Return a pattern of folded beginnings of words; a word that ends in "?" may lack its last letter."""
    return re.compile(rf"\b(?:{'|'.join(map(_folded, words))})")


def _folded(words: str) -> str:
    return " ".join(re.escape(fold(word.rstrip("?"))) + "?" * word.endswith("?") for word in words.split(" "))


AREAS = {slug: _pattern(words) for slug, words in WORDS["areas"].items()}
SECTORS = {slug: _pattern(words) for slug, words in WORDS["sectors"].items()}
GREEN = re.compile("|".join(pattern.pattern for slug, pattern in AREAS.items() if slug != "resilient-business-models"))


def find_areas(sections: Sections, found: Findings) -> None:
    """Add an `area` for each of the eleven that the text shows, with the line that shows it first, and the `kind`."""
    folded = [(f"{fold(line.text)} ", line) for _kind, lines in sections for line in lines]
    shown: dict[str, tuple[int, Line]] = {}
    for slug, pattern in AREAS.items():
        hits = [(match[0], line) for text, line in folded for match in pattern.finditer(text)]
        if hits:
            kinds = len({word for word, _ in hits})
            line = hits[0][1]
            shown[slug] = (len(hits), line)
            found.add("area", slug, line.text, line.place, min(0.95, 0.55 + 0.15 * kinds))
    _add_kind(shown, found)


def _add_kind(shown: dict[str, tuple[int, Line]], found: Findings) -> None:
    """Add the `kind` (business, sustainability, both) that the areas speak for; it is inferred, so never sure."""
    weights = {"business": 0, "sustainability": 0}
    for slug, (hits, _line) in shown.items():
        weights["business" if slug in BUSINESS else "sustainability"] += hits
    if not shown:
        return
    (most, high), (_least, low) = sorted(weights.items(), key=lambda row: -row[1])
    line = max(shown.values(), key=lambda row: row[0])[1]
    found.add("kind", most if high >= ONE_SIDE * low else "both", line.text, line.place, 0.5)


def find_sectors(sections: Sections, found: Findings) -> None:
    """Add a `sector` for each industrial ecosystem that profile, jobs or projects name, where it is named first."""
    folded = [(fold(line.text), line) for kind, lines in sections if kind in SECTOR_KINDS for line in lines]
    for slug, pattern in SECTORS.items():
        hits = [line for text, line in folded if pattern.search(text)]
        if hits:
            found.add("sector", slug, hits[0].text, hits[0].place, 0.6 if len(hits) > 1 else 0.5)


def add_job(found: Findings, value: dict[str, str | None], snippet: str, place: str, sure: float, told: str) -> None:
    """Add an `employment` and, where what it tells shows a green area, a `green_experience` that quotes it."""
    found.add("employment", value, snippet, place, sure)
    for clause in re.split(r"\n|(?<=[.;])\s", told):
        if GREEN.search(f"{fold(clause)} "):
            what = ", ".join(filter(None, (value["title"], value["employer"])))
            when = f"{value['start'] or ''} – {value['end'] or ''}".strip()
            quote = "" if clause.strip() in what else f": {clause.strip()[:QUOTE]}"
            found.add("green_experience", f"{what} ({when}){quote}", clause, place, min(sure, 0.7))
            return
