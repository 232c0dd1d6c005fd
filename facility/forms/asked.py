"""The input of steps on questions about a call."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.asked import CHANNELS, takes_questions, until_in_words
from facility.call import Call
from facility.roles import held
from facility.workflow.input import StepForm

from .registry import Edits, long_text


class AskQuestion(StepForm):
    """A question; the office also says how it came."""

    call = forms.ModelChoiceField(label=_("Call"), queryset=Call.objects.all())
    text = long_text(
        _("Your question"),
        limit=2000,
        help_text=_("It is published with its answer. Leave out names and whatever tells who you are."),
    )
    channel = forms.ChoiceField(label=_("How it reached us"), choices=CHANNELS, required=False)

    def prepare(self) -> None:
        """Calls that take applications or are about to; the office its own ones, applicants all of them."""
        calls = Call.objects.filter(state__in=["announced", "open"]).order_by("closes_at", "pk")
        is_office = {"lead", "coordinator"} & (self.by.roles_held() if getattr(self.by, "pk", None) else set())
        if not is_office:
            del self.fields["channel"]
        elif "manager" not in self.by.roles_held():
            calls = calls.filter(programme_id__in=held(self.by, "lead", "coordinator"))
        self.narrow_to("call", calls)

    def clean_call(self) -> Call:
        """A call that still takes questions."""
        call: Call = self.cleaned_data["call"]
        if not takes_questions(call):
            raise ValidationError(_t("Questions on this call were taken until %s.") % until_in_words(call))
        return call

    def clean(self) -> dict[str, Any]:
        """What applicants ask comes from here."""
        data = super().clean() or {}
        return data | {"channel": data.get("channel") or "platform"}


class NamesNobody(Edits):
    """Texts for everybody to read."""

    def clean(self) -> dict[str, Any]:
        """Neither the person nor the cluster who asked is named."""
        data = super().clean() or {}
        for name in ("wording", "reply", "question", "answer"):
            found = self.record.named_in(data.get(name) or "") if name in self.fields else []
            if found:
                self.add_error(name, _t("This names who asked: %s. What is published names nobody.") % ", ".join(found))
        return data


class AnswerQuestion(NamesNobody):
    """What everybody is to read."""

    wording = long_text(_("Question, as everybody reads it"), limit=2000)
    reply = long_text(_("Answer"))

    def narrow(self) -> None:
        """Begins with the words of whoever asked."""
        self.initial["wording"] = self.record.wording or self.record.text


class CorrectAnswer(NamesNobody):
    """What everybody is to read from now on."""

    question = long_text(_("Question, as everybody reads it"), limit=2000)
    answer = long_text(_("Answer"))
    reason = long_text(_("Why it is corrected"), limit=1000, help_text=_("Everybody reads it beside the old text."))
