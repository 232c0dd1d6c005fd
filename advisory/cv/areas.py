"""The eleven advisory areas of the Facility and the words that show them in a CV.

The words (beginnings, in English, French and German) are in `words.toml`. Source of the areas: F06 and the
Facility's public page.
"""

import re

from advisory.cv.reading import Findings, Line
from advisory.cv.vocabulary import WORDS, fold


def _pattern(words: list[str]) -> re.Pattern[str]:
    starts = "|".join(re.escape(word).replace(r"\?", "?").replace(r"\ ", " ") for word in words)
    return re.compile(rf"\b(?:{starts})")


PATTERNS = {slug: _pattern(words) for slug, words in WORDS["areas"].items()}


def find_areas(lines: list[Line], found: Findings) -> None:
    """Add an `area` for each of the eleven that the text shows, with the line that shows it first."""
    folded = [(f"{fold(line.text)} ", line) for line in lines]
    for slug, pattern in PATTERNS.items():
        hits = [(match[0], line) for text, line in folded for match in pattern.finditer(text)]
        if hits:
            kinds = len({word for word, _ in hits})
            line = hits[0][1]
            found.add("area", slug, line.text, line.place, min(0.95, 0.55 + 0.15 * kinds))
