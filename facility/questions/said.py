"""Sentences of a pure module: texts marked for translation with the values that fill them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def gettext_noop(text: str) -> str:
    """Marks a text for translation."""
    return text


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text with its values; `str` is the English wording."""

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text % self.values


class Malformed(ValueError):
    """What was given is no form; `errors` maps a path such as `sections[0].questions[2].options` to a sentence."""

    def __init__(self, errors: Mapping[str, Sentence]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(f"{path}: {said}" for path, said in errors.items()))


class NotAnAnswer(ValueError):
    """A raw value that its question cannot take."""

    def __init__(self, text: str, **values: Any) -> None:
        self.sentence = Sentence(text, values)
        super().__init__(str(self.sentence))
