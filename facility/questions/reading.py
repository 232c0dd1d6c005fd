"""From JSON to a form: everything that is wrong with it is found at once and named by its path."""

from __future__ import annotations

import math
import re
from typing import Any

from facility.registry.vocabulary_data import LANGUAGES

from .form import Form
from .kinds import COLUMN_KINDS, ROWS_AT_MOST, SETTINGS, UNITS, Column, Condition, Option, Question, Section
from .said import Malformed, Sentence, gettext_noop

KEY = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}", re.ASCII)
TITLE_AT_MOST, TEXT_AT_MOST = 500, 4000
SECTIONS_AT_MOST, QUESTIONS_AT_MOST, OPTIONS_AT_MOST, COLUMNS_AT_MOST = 20, 60, 100, 12
LIMIT_AT_MOST = 20_000
IN_ALL = ("key", "kind", "label", "help", "required", "condition")
EMPTY: tuple[Any, ...] = (None, "", [], {})


def parse(sections: Any) -> Form:
    """The form that stored or posted sections describe. Raises Malformed with one sentence for each wrong path."""
    reader = Reader()
    form = reader.form(sections)
    if reader.errors:
        raise Malformed(reader.errors)
    return form


class Reader:
    """Reads a form once, from top to bottom; `errors` maps paths to sentences."""

    def __init__(self) -> None:
        self.errors: dict[str, Sentence] = {}
        self.questions: dict[str, Question] = {}

    def wrong(self, path: str, text: str, **values: Any) -> None:
        """Notes what is wrong at a path; the first sentence stays."""
        self.errors.setdefault(path, Sentence(text, values))

    def form(self, raw: Any) -> Form:
        """All sections."""
        keys: set[str] = set()
        return Form(
            tuple(
                self.section(f"sections[{at}]", one, keys) for at, one in self.rows("sections", raw, SECTIONS_AT_MOST)
            )
        )

    def section(self, path: str, raw: dict[str, Any], keys: set[str]) -> Section:
        """One section with its questions."""
        self.known(path, raw, ("key", "title", "intro", "questions"))
        key = self.key(f"{path}.key", raw.get("key"), keys)
        title = self.text(f"{path}.title", raw.get("title"), TITLE_AT_MOST, required=True)
        intro = self.text(f"{path}.intro", raw.get("intro"), TEXT_AT_MOST)
        questions = [
            self.question(f"{path}.questions[{at}]", one)
            for at, one in self.rows(f"{path}.questions", raw.get("questions"), QUESTIONS_AT_MOST)
        ]
        return Section(key, title, intro, tuple(questions))

    def question(self, path: str, raw: dict[str, Any]) -> Question:
        """One question with the settings of its kind; settings of other kinds may be there only if they are empty."""
        kind = raw.get("kind")
        if not isinstance(kind, str) or kind not in SETTINGS:
            self.wrong(f"{path}.kind", gettext_noop("Choose the kind of the answer."))
            kind = "text"
        self.known(path, {name: value for name, value in raw.items() if value not in EMPTY}, IN_ALL + SETTINGS[kind])
        key = self.key(f"{path}.key", raw.get("key"), set(self.questions))
        label = self.text(f"{path}.label", raw.get("label"), TITLE_AT_MOST, required=True)
        help_ = self.text(f"{path}.help", raw.get("help"), TEXT_AT_MOST)
        required = raw.get("required", False)
        if not isinstance(required, bool):
            self.wrong(f"{path}.required", gettext_noop("Say true or false."))
        settings = {name: getattr(self, f"_{name}")(f"{path}.{name}", raw.get(name)) for name in SETTINGS[kind]}
        condition = self.condition(f"{path}.condition", raw.get("condition"))
        given = {name: value for name, value in settings.items() if value is not None}
        made = Question(key, kind, label, help_, required is True, condition=condition, **given)
        self.bounds(path, made)
        self.questions.setdefault(key, made)
        return made

    # -- settings

    def _limit(self, path: str, raw: Any) -> int | None:
        return self.whole(path, raw, 1, LIMIT_AT_MOST)

    def _rows(self, path: str, raw: Any) -> int | None:
        return self.whole(path, raw, 1, ROWS_AT_MOST)

    def _unit(self, path: str, raw: Any) -> str | None:
        return self.among(path, raw, UNITS)

    def _minimum(self, path: str, raw: Any) -> int | float | None:
        return self.number(path, raw)

    def _maximum(self, path: str, raw: Any) -> int | float | None:
        return self.number(path, raw)

    def _options(self, path: str, raw: Any) -> tuple[Option, ...]:
        options, values = [], set()
        for at, one in self.rows(path, raw, OPTIONS_AT_MOST):
            here = f"{path}[{at}]"
            self.known(here, one, ("value", "label"))
            value = one.get("value")
            if not isinstance(value, str) or not VALUE.fullmatch(value):
                self.wrong(f"{here}.value", gettext_noop("Give a short name of letters, digits, “-” and “_”."))
            elif value in values:
                self.wrong(f"{here}.value", gettext_noop("The name “%(name)s” stands here twice."), name=value)
            else:
                values.add(value)
                options.append(
                    Option(value, self.text(f"{here}.label", one.get("label"), TITLE_AT_MOST, required=True))
                )
        if not options:
            self.wrong(path, gettext_noop("Give at least one answer to choose."))
        return tuple(options)

    def _columns(self, path: str, raw: Any) -> tuple[Column, ...]:
        columns, keys = [], set[str]()
        for at, one in self.rows(path, raw, COLUMNS_AT_MOST):
            here = f"{path}[{at}]"
            self.known(here, one, ("key", "label", "kind"))
            key = self.key(f"{here}.key", one.get("key"), keys)
            label = self.text(f"{here}.label", one.get("label"), TITLE_AT_MOST, required=True)
            columns.append(Column(key, label, self.among(f"{here}.kind", one.get("kind"), COLUMN_KINDS) or "text"))
        if not columns:
            self.wrong(path, gettext_noop("Give at least one column."))
        return tuple(columns)

    def condition(self, path: str, raw: Any) -> Condition | None:
        """An earlier question and some of its options."""
        if raw in EMPTY:
            return None
        if not isinstance(raw, dict):
            self.wrong(path, gettext_noop("Give an object with named fields."))
            return None
        self.known(path, raw, ("question", "is"))
        key, values = raw.get("question"), raw.get("is")
        asked = self.questions.get(key) if isinstance(key, str) else None
        if asked is None or asked.kind not in {"choice", "multiple"}:
            self.wrong(f"{path}.question", gettext_noop("Choose an earlier question that offers answers to choose."))
            return None
        known = [option.value for option in asked.options]
        if not isinstance(values, list) or not values or not all(value in known for value in values):
            self.wrong(f"{path}.is", gettext_noop("Choose among the answers of the earlier question."))
            return None
        return Condition(asked.key, tuple(value for value in known if value in values))

    def bounds(self, path: str, made: Question) -> None:
        """Minimum and maximum go together, and of several answers they are whole numbers."""
        low, high = made.minimum, made.maximum
        if low is not None and high is not None and low > high:
            self.wrong(f"{path}.maximum", gettext_noop("The maximum lies below the minimum."))
        if made.kind == "number":
            return
        most = 11 if made.kind == "area_ranking" else len(made.options)
        for name, value in (("minimum", low), ("maximum", high)):
            if value is not None and not (isinstance(value, int) and 1 <= value <= most):
                self.wrong(f"{path}.{name}", gettext_noop("Give a whole number from 1 to %(n)d."), n=most)

    # -- plain values

    def rows(self, path: str, raw: Any, most: int) -> list[tuple[int, dict[str, Any]]]:
        """A list of objects with their places in it; others are named and left out."""
        if raw in EMPTY:
            return []
        if not isinstance(raw, list):
            self.wrong(path, gettext_noop("Give a list."))
            return []
        if len(raw) > most:
            self.wrong(path, gettext_noop("Give at most %(n)d here."), n=most)
            return []
        for at, one in enumerate(raw):
            if not isinstance(one, dict):
                self.wrong(f"{path}[{at}]", gettext_noop("Give an object with named fields."))
        return [(at, one) for at, one in enumerate(raw) if isinstance(one, dict)]

    def known(self, path: str, raw: dict[str, Any], names: tuple[str, ...]) -> None:
        """Names every member that has no meaning here."""
        for name in raw:
            if name not in names:
                self.wrong(f"{path}.{str(name)[:60]}", gettext_noop("There is no such setting here."))

    def key(self, path: str, raw: Any, taken: set[str]) -> str:
        """A short name that stands once."""
        if not isinstance(raw, str) or not KEY.fullmatch(raw):
            self.wrong(path, gettext_noop("Give a short name: small letters, digits and “_”, a letter first."))
            return ""
        if raw in taken:
            self.wrong(path, gettext_noop("The name “%(name)s” stands here twice."), name=raw)
        taken.add(raw)
        return raw

    def text(self, path: str, raw: Any, most: int, *, required: bool = False) -> dict[str, str]:
        """A text in some of the languages; English is the one that the others fall back to."""
        if raw not in EMPTY and not isinstance(raw, dict):
            self.wrong(path, gettext_noop('Give an object of language to text, as {"en": "…"}.'))
            return {}
        made: dict[str, str] = {}
        for language, value in (raw or {}).items():
            here = f"{path}.{str(language)[:60]}"
            if language not in LANGUAGES:
                self.wrong(here, gettext_noop("There is no such language here."))
            elif value is None:
                continue
            elif not isinstance(value, str):
                self.wrong(here, gettext_noop("Give a text."))
            elif "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
                self.wrong(here, gettext_noop("The text holds signs that cannot be stored."))
            elif len(value) > most:
                self.wrong(here, gettext_noop("Give at most %(n)d characters."), n=most)
            elif value.strip():
                made[language] = value.replace("\r\n", "\n").strip()
        if "en" not in made and (required or made):
            self.wrong(path, gettext_noop("Give the text in English; other languages fall back to it."))
        return {language: made[language] for language in LANGUAGES if language in made}

    def whole(self, path: str, raw: Any, low: int, high: int) -> int | None:
        """A whole number between two others."""
        if raw in EMPTY:
            return None
        if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
            self.wrong(path, gettext_noop("Give a whole number from %(low)d to %(high)d."), low=low, high=high)
            return None
        return raw

    def number(self, path: str, raw: Any) -> int | float | None:
        """Any number."""
        if raw in EMPTY:
            return None
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw) or abs(raw) > 10**12:
            self.wrong(path, gettext_noop("Give a number such as 1250 or 12.5."))
            return None
        return int(raw) if raw == int(raw) else raw

    def among(self, path: str, raw: Any, values: tuple[str, ...]) -> str | None:
        """One of a few words."""
        if raw in EMPTY:
            return None
        if raw not in values:
            self.wrong(path, gettext_noop("Give one of: %(values)s."), values=", ".join(values))
            return None
        return str(raw)
