"""The page on which the questions of a call are written: an outline, one item open at a time, and a preview.

What is written travels with the page until it is saved, so every button is a plain post and nothing half-done is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from facility import questions
from facility.call import Call
from facility.call_parts import QuestionSet, worded
from facility.forms.builder import KIND_WORDS, LANGUAGES, Editor, QuestionEditor, SectionEditor
from facility.questions.drafting import Draft, place_of
from facility.registry.vocabulary_data import vocabulary
from facility.roles import held
from facility.workflow import door
from facility.workflow.web import StepPage, page_of, step_url


@page_of(Call)
class CallStep(StepPage):
    """The steps of a call; writing the questions has a page of its own."""

    draft: Draft
    at = ""
    undo = ""
    preview = ""

    def is_building(self) -> bool:
        """Whether this is the page of the questions."""
        return self.step.name == "write_questions"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The questions in force, the first section open."""
        if not self.is_building():
            return super().get(request, **kwargs)
        self.draft = Draft(self.record.questions().as_json())
        self.at = "0" if self.draft.sections else ""
        return self.show(None)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """One button of the page; only saving takes the step."""
        if not self.is_building():
            return super().post(request, **kwargs)
        try:
            self.draft = Draft.read(request.POST.get("sections", ""))
        except ValueError:
            self.draft = Draft(self.record.questions().as_json())
            return self.show(None, 400, blocked_by=[_("The questions came damaged; these are the ones saved last.")])
        self.at, self.undo = request.POST.get("at", ""), request.POST.get("undo", "")
        editor = self.editor({})
        if editor is not None and "edited" in request.POST:
            self.draft.put(self.at, editor.gathered(request.POST))
        act = request.POST.get("do", "show")
        if act == "save":
            return super().post(request, **kwargs)
        self.change(*act.partition(":")[::2])
        return self.show(None)

    def change(self, act: str, where: str) -> None:
        """What a button other than saving does to the draft."""
        if act != "undo" and not self.undo.startswith("{"):
            self.undo = ""
        if act == "open":
            self.at = where if self.draft.find(where) is not None else ""
        elif act == "section":
            self.at = self.draft.add_section()
        elif act == "question":
            kind = self.request.POST.get("new-kind", "")
            self.at = self.draft.add_question(self.at, kind if kind in KIND_WORDS else "text")
        elif act in {"up", "down"}:
            self.at = self.draft.move(self.at, -1 if act == "up" else 1)
        elif act == "copy":
            self.at = self.draft.duplicate(self.at)
        elif act == "remove":
            self.undo = json.dumps({"at": self.at, "item": self.draft.find(self.at)})
            self.at = self.draft.remove(self.at)
        elif act == "preview":
            self.preview = where if where in LANGUAGES else "en"
        elif act in {"take", "undo"}:
            {"take": self.take, "undo": self.bring_back}[act]()

    def take(self) -> None:
        """The questions of another call in place of these."""
        before = self.draft.text()
        chosen = next((one for one in self.others() if str(one.pk) == self.request.POST.get("from", "")), None)
        if chosen is not None:
            self.draft, self.undo = Draft(chosen.form().as_json()), before
            self.at = "0" if self.draft.sections else ""

    def bring_back(self) -> None:
        """What was taken away last: one item, or all that stood here before others were taken over."""
        try:
            kept = json.loads(self.undo)
            if isinstance(kept, dict):
                self.at = self.draft.insert(str(kept["at"]), kept["item"])
            else:
                self.draft = Draft(kept)
                self.at = "0" if self.draft.sections else ""
        except (KeyError, ValueError):
            return
        self.undo = ""

    def others(self) -> list[QuestionSet]:
        """The questions of the calls of the programmes that the person works for."""
        mine = QuestionSet.objects.filter(
            call__programme__in=held(self.person, "lead", "coordinator"), replaced_at=None
        )
        return list(mine.exclude(call=self.record).select_related("call").order_by("-call_id")[:50])

    def act(self) -> tuple[int, Any]:
        """The step, with what was written as its input."""
        if not self.is_building():
            return super().act()
        version = self.request.POST.get("_version", "")
        done = door.perform(
            [self.record],
            self.step.name,
            by=self.person,
            raw={"sections": self.draft.sections},
            expected=int(version) if version.isdecimal() else None,
            via="web",
        )[0]
        return 200, {"url": step_url(done, self.step), "said": _("The questions are saved.")}

    def bound(self) -> Any:
        """Nothing of its own here: the draft is what was typed."""
        return None if self.is_building() else super().bound()

    def both(self, theirs: Any) -> dict[str, Any]:
        """Both outlines side by side."""
        if not self.is_building():
            return super().both(theirs)
        saved = Draft(theirs.questions().as_json())
        return {"theirs": _lines(saved), "mine": _lines(self.draft), "version": theirs.version}

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The page with the draft; after a refusal the first wrong item is open."""
        if not self.is_building():
            return super().show(form, status, **more)
        errors = self.judged() if status != 200 or self.preview else {}  # noqa: PLR2004
        places = list(dict.fromkeys(place for place, _rest in map(place_of, errors) if place))
        if places and self.at not in places and not self.preview:
            self.at = places[0]
        self.template = "facility/write_questions.html"  # type: ignore[misc]
        own = {rest: said for path, said in errors.items() for place, rest in [place_of(path)] if place == self.at}
        asked = questions.parse(self.draft.sections) if self.preview and not errors else None
        more |= {
            "draft": self.draft,
            "outline": self.draft.outline(),
            "at": self.at,
            "undo": self.undo,
            "changed": self.request.method == "POST",
            "editor": self.editor(own),
            "is_question": "." in self.at,
            "kinds": KIND_WORDS.items(),
            "wrong": [
                {"at": place_of(path)[0], "where": self.where(path), "text": said} for path, said in errors.items()
            ],
            "preview": shown(asked, self.preview) if asked else None,
            "preview_language": self.preview,
            "languages": LANGUAGES.items(),
            "frozen": self.record.question_set() if self.record.state not in self.step.sources else None,
            "takes": [{"value": one.pk, "text": one.call.title_text} for one in self.others()],
        }
        return super().show(form, status, **more)

    def judged(self) -> dict[str, str]:
        """What is wrong with the draft as it stands, by path."""
        try:
            questions.parse(self.draft.sections)
        except questions.Malformed as refused:
            return {path: worded(said) for path, said in refused.errors.items()}
        return {}

    def where(self, path: str) -> str:
        """The section or question that a path is about, as the outline counts it."""
        section, _dot, number = place_of(path)[0].partition(".")
        if not section:
            return _("Questions")
        words = {"section": int(section) + 1, "number": int(number or 0) + 1}
        return _("Section %(section)d, question %(number)d") % words if number else _("Section %(section)d") % words

    def editor(self, errors: dict[str, str]) -> Editor | None:
        """The form of the item that is open."""
        item = self.draft.find(self.at)
        if item is None:
            return None
        return (
            QuestionEditor(item, errors, self.draft.earlier(self.at)) if "." in self.at else SectionEditor(item, errors)
        )


def shown(form: questions.Form, language: str = "") -> list[dict[str, Any]]:
    """A form in the words of a language, as `parts/questions.html` shows it."""
    language = language or get_language() or "en"
    return [
        {
            "title": questions.wording(section.title, language),
            "intro": questions.wording(section.intro, language),
            "questions": [_shown(form, question, language) for question in section.questions],
        }
        for section in form.sections
    ]


def _shown(form: questions.Form, question: questions.Question, language: str) -> dict[str, Any]:
    condition = ""
    if question.condition:
        earlier = form.questions[question.condition.question]
        answers = earlier.in_words(list(question.condition.values), language)
        condition = _("Asked only where the answer to “%(question)s” is: %(answers)s.") % {
            "question": questions.wording(earlier.label, language),
            "answers": _either(answers),
        }
    return {
        "key": question.key,
        "kind": question.kind,
        "kind_word": KIND_WORDS[question.kind],
        "label": questions.wording(question.label, language),
        "help": questions.wording(question.help, language),
        "required": question.required,
        "limits": _limits(question),
        "limit": question.limit,
        "condition": condition,
        "options": [questions.wording(option.label, language) for option in question.options],
        "columns": [questions.wording(column.label, language) for column in question.columns],
        "areas": vocabulary("areas").choices(language) if question.kind == "area_ranking" else [],
    }


def _limits(question: questions.Question) -> str:
    """How much may be answered, in a few words."""
    if question.limit:
        text = _("at most %(n)d words") if question.unit == "words" else _("at most %(n)d characters")
        return text % {"n": question.limit}
    if question.kind == "table":
        return _("at most %(n)d rows") % {"n": question.rows}
    low, high = question.minimum, question.maximum
    if low is not None and high is not None:
        return _("from %(low)s to %(high)s") % {"low": low, "high": high}
    if low is not None:
        return _("at least %(n)s") % {"n": low}
    return _("at most %(n)s") % {"n": high} if high is not None else ""


def _either(words: Iterable[str]) -> str:
    *first, last = words
    return _("%(some)s or %(last)s") % {"some": ", ".join(first), "last": last} if first else last


def _lines(draft: Draft) -> list[dict[str, Any]]:
    return [
        {"field": section["text"] or "–", "value": [question["text"] or "–" for question in section["questions"]]}
        for section in draft.outline()
    ]
