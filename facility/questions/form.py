"""A form as a whole: which of its questions are asked, what stands against the answers, and how it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .answers import answer_of, problems_of
from .kinds import SETTINGS, Question, Section
from .said import NotAnAnswer, Sentence, gettext_noop


@dataclass(frozen=True)
class Form:
    """Sections of questions. Two forms that say the same are equal."""

    sections: tuple[Section, ...] = ()

    @cached_property
    def questions(self) -> dict[str, Question]:
        """All questions by key, in their order."""
        return {question.key: question for section in self.sections for question in section.questions}

    def asked(self, answers: Mapping[str, Any]) -> list[Question]:
        """The questions whose conditions hold, in order. A question that is not asked has no say in later ones."""
        asked: dict[str, Question] = {}
        for key, question in self.questions.items():
            condition = question.condition
            if condition is not None:
                answer = answers.get(condition.question) if condition.question in asked else None
                given = answer if isinstance(answer, list) else [answer]
                if not any(value in given for value in condition.values):
                    continue
            asked[key] = question
        return list(asked.values())

    def clean(self, key: str, raw: Any) -> Any:
        """The value of a question's answer as it is kept; NotAnAnswer when it cannot be one."""
        if key not in self.questions:
            raise NotAnAnswer(gettext_noop("There is no such question."))
        return answer_of(self.questions[key], raw)

    def problems(self, answers: Mapping[str, Any], complete: bool = True) -> dict[str, list[Sentence]]:
        """What stands against the answers of the questions asked, by key.

        complete: required answers must be there, as on submitting; a draft may lack them.
        """
        found = {
            question.key: list(problems_of(question, answers.get(question.key), complete))
            for question in self.asked(answers)
        }
        return {key: said for key, said in found.items() if said}

    def as_json(self) -> list[dict[str, Any]]:
        """The form as it is stored; `parse` reads it back."""
        return [
            {
                "key": section.key,
                "title": dict(section.title),
                "intro": dict(section.intro),
                "questions": [_question_json(question) for question in section.questions],
            }
            for section in self.sections
        ]


def _question_json(question: Question) -> dict[str, Any]:
    made: dict[str, Any] = {
        "key": question.key,
        "kind": question.kind,
        "label": dict(question.label),
        "help": dict(question.help),
        "required": question.required,
    }
    for name in SETTINGS[question.kind]:
        value = getattr(question, name)
        if name == "options":
            value = [{"value": option.value, "label": dict(option.label)} for option in value]
        if name == "columns":
            value = [{"key": column.key, "label": dict(column.label), "kind": column.kind} for column in value]
        if value is not None:
            made[name] = value
    if question.condition:
        made["condition"] = {"question": question.condition.question, "is": list(question.condition.values)}
    return made
