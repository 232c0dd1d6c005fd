"""What a reading of a CV is made of: fields with their snippet and place, and the sentence when something is missing.

Shapes follow `manage.py read_cv --json`: `Field.value` is a string, or for `language`, `degree` and `employment` a
mapping of strings (null where the CV says nothing). Source: F06 (more than 300 CVs screened).
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

SNIPPET_LENGTH = 400
TEXT_LENGTH = 60_000
MAX_FIELDS = 500

REQUIRED = {
    "full_name": "a name",
    "email": "an e-mail address",
    "language": "a language",
    "employment": "a job or a degree",
}


class Rejected(Exception):
    """The file cannot be read as a CV; the message is the sentence for the person who sent it.

    `form` is the format where it could be told, such as `scanned-pdf`.
    """

    def __init__(self, sentence: str, form: str = "unknown") -> None:
        super().__init__(sentence)
        self.form = form


@dataclass(frozen=True, slots=True)
class Field:
    """One fact found in a CV: what it is, where it stands (page or path) and how sure the reader is (0 to 1)."""

    name: str
    value: Any
    snippet: str
    place: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a free text; `size` is its letter height relative to the body text, `gap` a blank space above it.

    `bold` counts the words in bold letters at its beginning where the others are not, as titles are set off; `left` is
    the distance of its beginning from the page's edge in points, 0 where the format does not tell.
    """

    text: str
    place: str
    size: float = 1.0
    gap: bool = False
    bold: int = 0
    left: float = 0.0


def gapped(lines: list[Line]) -> list[Line]:
    """Mark the lines that follow an empty one."""
    return [replace(line, gap=bool(index) and not lines[index - 1].text.strip()) for index, line in enumerate(lines)]


@dataclass(slots=True)
class Reading:
    """The whole answer: status is `read`, `incomplete` or `rejected`; the reason is a sentence unless it is `read`.

    `breaks` are the lines of `text`, counted from 0, at which another place begins, such as `page 2`.
    `sections` tells the kind, place and language (None where too little is written) of each section in order.
    """

    format: str
    language: str | None
    status: str
    reason: str | None = None
    fields: list[Field] = field(default_factory=list)
    sections: list[dict[str, str | None]] = field(default_factory=list)
    text: str = ""
    breaks: list[tuple[int, str]] = field(default_factory=list)

    def as_dict(self, *, with_text: bool = False) -> dict[str, Any]:
        """Return the JSON shape of `read_cv --json` (without the file's name)."""
        shape = asdict(self)
        if not with_text:
            del shape["text"], shape["breaks"]
        return shape


class Findings:
    """Collects fields in reading order and drops a repeated value, keeping the first place it was seen."""

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self._seen: set[str] = set()

    def add(self, name: str, value: Any, snippet: str, place: str, confidence: float = 1.0) -> None:
        """Note a field; an empty value, a repeated one, or one past the cap is left out."""
        key = f"{name}:{value!r}".casefold()
        empty = not (any(value.values()) if isinstance(value, dict) else value)
        if empty or key in self._seen or len(self.fields) >= MAX_FIELDS:
            return
        self._seen.add(key)
        self.fields.append(Field(name, value, shorten(snippet), place, round(confidence, 2)))

    def has(self, name: str) -> bool:
        """Tell whether a field of this name was found."""
        return any(found.name == name for found in self.fields)


def shorten(text: str, length: int = SNIPPET_LENGTH) -> str:
    """Return the text on one line, cut at `length` letters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def missing(fields: list[Field]) -> str | None:
    """Return the sentence that names what a complete CV still needs, or None."""
    names = {found.name for found in fields}
    if "degree" in names:
        names.add("employment")
    lacking = [words for name, words in REQUIRED.items() if name not in names]
    if not lacking:
        return None
    *others, last = lacking
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"Not found in the CV: {listed}."
