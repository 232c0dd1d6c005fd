"""Where the snippets of a CV stand in its text. Pure: text and snippets in, numbers of lines out."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any


class Document:
    """The text of a CV by its lines, with the places (page, paragraph, path) that the reader noted."""

    def __init__(self, text: str, breaks: list[Any]) -> None:
        """text: the lines of the CV; breaks: [[number of a line, place that begins there]] in order."""
        self.lines = text.split("\n")
        self.breaks = [(int(at), str(place)) for at, place in breaks]
        words: list[str] = []
        self._starts: list[int] = []
        self._line_of: list[int] = []
        length = 0
        for number, line in enumerate(self.lines):
            for word in line.split():
                words.append(word)
                self._starts.append(length)
                self._line_of.append(number)
                length += len(word) + 1
        self._flat = " ".join(words)

    def place_of(self, line: int) -> str:
        """The place in which a line stands; of a plain text its number, counted from 1."""
        at = bisect_right(self.breaks, (line, "\uffff"))
        return self.breaks[at - 1][1] if at else f"line {line + 1}"

    def found(self, snippet: str, place: str) -> tuple[int, int] | None:
        """(first line, last line) of a snippet, in its place if it stands there; None when it is not in the text."""
        wanted = " ".join(snippet.removesuffix("…").split())
        first: tuple[int, int] | None = None
        at = self._flat.find(wanted) if wanted else -1
        while at >= 0:
            here = self._lines(at, at + len(wanted) - 1)
            if self.place_of(here[0]) == place:
                return here
            first = first or here
            at = self._flat.find(wanted, at + 1)
        return first

    def _lines(self, start: int, end: int) -> tuple[int, int]:
        numbers = [self._line_of[bisect_right(self._starts, at) - 1] for at in (start, end)]
        return numbers[0], numbers[1]

    def parts(self) -> list[dict[str, Any]]:
        """[{"place", "lines": [(number, text)]}] in order, one for each place; a plain text is one part."""
        made: list[dict[str, Any]] = [{"place": "", "lines": []}]
        begins = dict(self.breaks)
        for number, text in enumerate(self.lines):
            if number in begins:
                made.append({"place": begins[number], "lines": []})
            made[-1]["lines"].append((number, text))
        return [part for part in made if any(text.strip() for _number, text in part["lines"])]
