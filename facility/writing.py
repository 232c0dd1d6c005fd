"""The page on which an application is written: its sections, what stands in them, and what comes back from it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict, ErrorList
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from facility import submission
from facility.application import Application
from facility.drafting import ANSWER, OWN_FIELDS
from facility.forms.writing import WriteApplication, clean_value
from facility.merging import digest
from facility.papers import AREAS, PARTNERS_AT_MOST
from facility.questions import wording
from facility.registry import declaration
from facility.workflow import clock
from facility.workflow.show import carried, shown, step_url

URLS = (
    "autosave", "settle", "sign", "add_document", "remove_document", "ask_partner", "remove_partner", "withdraw",
    "submit", "resubmit",
)  # fmt: skip


def sent_changes(record: Application, post: Any) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
    """(changes as `autosave` takes them, faults by field) of a page that was posted as a whole."""
    form = WriteApplication(post, record=record, by=None)
    changes, faults = {}, {}
    for name, raw in form.sent().items():
        base = post.get(f"base-{name}")
        if base is None:
            continue
        try:
            changes[name] = {"value": clean_value(record, name, raw), "base": base}
        except ValidationError as refused:
            faults[name] = list(refused.messages)
    return changes, faults


class Desk:
    """What the page shows. `post` and `faults`: after a post of which some fields could not be saved."""

    def __init__(self, record: Application, post: Any = None, faults: Mapping[str, list[str]] | None = None) -> None:
        self.record, self.post, self.faults = record, post, faults or {}
        self.language = get_language() or "en"
        self.values, self.opened = record.draft(), record.open_fields()
        self.form = WriteApplication(record=record, by=None)
        if post is not None:
            typed = WriteApplication(post, record=record, by=None).sent()
            self.form.initial = {**self.form.initial, **{name: typed[name] for name in self.faults}}
            form: Any = self.form
            form._errors = ErrorDict({name: ErrorList(said) for name, said in self.faults.items()})
        self.kept: dict[str, list[Any]] = {}
        for one in record.kept_texts.select_related("by").order_by("at"):
            self.kept.setdefault(one.field, []).append(one)
        self.papers = list(record.files())
        self.asked = {question.key for question in record.asks.asked(record.all_answers())}
        self.question = record.clarifications.filter(answered_at__isnull=True).first()

    def context(self) -> dict[str, Any]:
        """For facility/application_write.html."""
        record = self.record
        is_draft = record.state == "draft"
        sections = [section for section in self.sections() if section["items"]]
        urls = {name: step_url(record, record.step(name)) for name in URLS}
        problems = [problem for problem in record.problems() if problem.blocks]
        return {
            "record": record,
            "title": _("Write the application") if is_draft else _("Clarify the application"),
            "back_url": record.get_absolute_url(),
            "sections": sections,
            "question": self.question,
            "due": clock.Timer.objects.filter(record_id=record.pk, step="").first(),
            "is_draft": is_draft,
            "urls": urls,
            "missing": len(problems),
            "partners": self.partners(),
            "may_add_partner": record.partners.count() < PARTNERS_AT_MOST,
            "documents": self.files("") if "documents" in self.opened else None,
            "declaration": declaration.in_force(record.programme_id),
            "hidden": carried(record),
            "tab": secrets.token_hex(8),
            "faults": [
                {"href": f"#id_{name}", "label": record.field_label(name), "text": " ".join(said)}
                for name, said in self.faults.items()
            ],
        }

    def sections(self) -> list[dict[str, Any]]:
        """Own fields first, then the sections of the call."""
        own = [self.item(name) for name in OWN_FIELDS if name in self.opened]
        found = [{"id": "about", "title": _("Your cluster and its bid"), "intro": "", "items": own}]
        for section in self.record.asks.sections:
            names = [f"{ANSWER}{question.key}" for question in section.questions]
            found.append(
                {
                    "id": f"part-{section.key}",
                    "title": wording(section.title, self.language),
                    "intro": wording(section.intro, self.language),
                    "items": [self.item(name) for name in names if name in self.opened],
                }
            )
        return found

    def item(self, name: str) -> dict[str, Any]:
        """One field: its control, or its files; the texts kept beside it; whether it is asked now."""
        key = name.removeprefix(ANSWER)
        is_file = name not in self.form.fields
        made: dict[str, Any] = {"name": name, "hidden": name.startswith(ANSWER) and key not in self.asked}
        if is_file:
            question = self.record.asks.questions[key]
            label, help_text = wording(question.label, self.language), wording(question.help, self.language)
            return made | {"files": self.files(key), "label": label, "help": help_text, "key": key}
        field: Any = self.form[name]
        base = self.post.get(f"base-{name}") if name in self.faults else digest(self.values[name])
        return made | {"field": field, "base": base, "kept": self.beside(name), "files": None, "old": self.old(name)}

    def old(self, name: str) -> Any:
        """What was submitted in this field, while it is being clarified."""
        if self.question is None:
            return ""
        return next((row["value"] for row in submission.told(self.question.before.content) if row["field"] == name), "")

    def beside(self, name: str) -> list[dict[str, Any]]:
        """Texts that wait for a choice."""
        return [
            {
                "pk": one.pk,
                "by": one.by,
                "at": one.at,
                "mine": self.in_words(name, one.value),
                "theirs": self.in_words(name, self.values[name]),
                "seen": digest(self.values[name]),
            }
            for one in self.kept.get(name, [])
        ]

    def in_words(self, name: str, value: Any) -> Any:
        """A value of a field for reading."""
        if name == "needs":
            return [f"{dict(AREAS).get(row['area'], '')}: {row['text']}" for row in value or []]
        question = self.record.asks.questions.get(name.removeprefix(ANSWER)) if name.startswith(ANSWER) else None
        return question.in_words(value, self.language) if question else shown(value)

    def files(self, question: str) -> list[dict[str, Any]]:
        """The files of a question, or the supporting documents."""
        return [
            {
                "pk": paper.pk,
                "name": paper.document.name,
                "state": paper.document.get_state_display(),
                "why": paper.document.why_rejected,
                "url": reverse("document-file", kwargs={"pk": paper.document_id})
                if paper.document.state == "clean"
                else "",
            }
            for paper in self.papers
            if paper.question == question
        ]

    def partners(self) -> list[dict[str, Any]]:
        """Each with what its manager has said."""
        tones = {"yes": "good", "no": "bad", "": "wait"}
        rows = self.record.partners.select_related("cluster", "answered_by", "contact")
        return [
            {
                "one": one,
                "state": {"label": one.get_answer_display() or _("Not answered yet"), "tone": tones[one.answer]},
            }
            for one in rows.order_by("cluster__sort_name", "pk")
        ]
