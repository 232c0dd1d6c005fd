"""Questions on a call: asked by applicants, answered by the office, published to all at once and without names."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.application import Application
from facility.call import Call
from facility.registry.cluster import Cluster
from facility.registry.people import Person
from facility.registry.programme import InProgramme
from facility.roles import any_of, anywhere, held, in_force, office, public_when, readers, who
from facility.workflow import clock
from facility.workflow.clock import Due
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, step

ANSWER_DAYS = 5
CHANNELS = [
    ("platform", _("Here")),
    ("mail", _("E-mail")),
    ("telephone", _("Telephone")),
    ("webinar", _("Information webinar")),
]
own_question = who("asker", lambda person: Q(asker=person), "manager", by_record=True)
asking_manager = who("asking manager", lambda person: Q(asker=person) & anywhere("manager").q(person), "manager")


class Asked(InProgramme):
    """A question on a call, with the answer that everybody reads once it is published."""

    class State(models.TextChoices):
        ASKED = "asked", _("Asked")
        ANSWERED = "answered", _("Answered, not published")
        PUBLISHED = "published", _("Published")
        DECLINED = "declined", _("Declined")

    records = "call-questions"
    lede = _("Questions on calls. A published answer is read by everybody, and names nobody.")
    columns = ("call", "number", "asked_at", "published_at")
    list_related = ("call",)
    facts = ("call", "number", "question", "answer", "text", "asked_at", "published_at", "reason_text")
    staff_facts = ("asker", "channel", "wording", "reply")
    # Not the words it came in: whoever may search them would learn who is named there.
    search_in = ("question", "answer")
    filter_by = ("state", "call")
    order_by = ("-id", "number")
    door_related = ("programme", "call", "asker")
    tones = {"asked": "wait", "answered": "active", "published": "good", "declined": "idle"}
    outside_words = {"answered": _("Asked")}
    awaits = {"asked": ("prepare_answer",), "answered": ("publish",)}
    clocks = {"asked": (Due(ANSWER_DAYS),), "answered": (Due(ANSWER_DAYS),)}
    shape = {
        "call": {"id": "call_id", "title": "call__title_text"},
        "number": "number",
        "question": "question",
        "answer": "answer",
        "published_at": "published_at",
        "earlier": Many(
            "facility.EarlierAnswer",
            "asked",
            {"question": "question", "answer": "answer", "until": "until_at", "reason": "reason"},
            ("until_at", "pk"),
        ),
        "participant:asked": "text",
        "participant:asked_at": "asked_at",
        "participant:reason": "reason_text",
        "staff:asker": {"id": "asker_id", "name": "asker__name"},
        "staff:channel": "channel",
        "staff:wording": "wording",
        "staff:reply": "reply",
    }
    faces = Faces(readers, own_question, public_when(state="published"))

    state = state_field(State)
    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="asked", verbose_name=_("call"))
    asker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="questions", verbose_name=_("asked by")
    )
    channel = models.CharField(_("reached us by"), max_length=20, choices=CHANNELS, default="platform")
    text = models.TextField(_("as it was asked"))
    asked_at = models.DateTimeField(_("asked"))
    # What the office prepares; it is nobody else's to read until it is published.
    wording = models.TextField(_("question as prepared"), blank=True, default="")
    reply = models.TextField(_("answer as prepared"), blank=True, default="")
    number = models.PositiveSmallIntegerField(_("number"), null=True)
    question = models.TextField(_("question"), blank=True, default="")
    answer = models.TextField(_("answer"), blank=True, default="")
    published_at = models.DateTimeField(_("published"), null=True)
    reason_text = models.TextField(_("why it is not answered"), blank=True, default="")

    class Meta:
        verbose_name = _("question on a call")
        verbose_name_plural = _("questions on calls")
        constraints = [
            models.UniqueConstraint(
                fields=["call", "number"], condition=Q(number__isnull=False), name="answer_number_once_per_call"
            ),
            models.CheckConstraint(
                condition=Q(state="published", number__isnull=False, published_at__isnull=False)
                | (~Q(state="published") & Q(number__isnull=True, question="", answer="")),
                name="answer_read_only_once_published",
            ),
        ]

    def __str__(self) -> str:
        return Truncator(self.question or self.text).chars(80)

    # -- steps

    @step(
        label=_("Ask a question"),
        source=NEW,
        target=State.ASKED,
        who=any_of(office, asking_manager),
        form="AskQuestion",
    )
    def ask(self, *, by: Any, call: Call, text: str, channel: str) -> None:
        """Goes to the coordinators. Question and answer are published to everybody, without your name or cluster."""
        self.call, self.text, self.channel = call, text, channel
        self.programme_id = call.programme_id
        self.asker, self.asked_at = by, clock.now()
        self.tell(self.awaited_people(), gettext_noop("A question on the call %(title)s."), title=call.title_text)

    @step(
        label=_("Answer"),
        source=[State.ASKED, State.ANSWERED],
        target=State.ANSWERED,
        who=office,
        form="AnswerQuestion",
        edits=True,
    )
    def prepare_answer(self, *, by: Any, wording: str, reply: str) -> None:
        """Puts the question into words that name nobody, and answers it. Nobody outside reads it before you publish."""
        self.wording, self.reply = wording, reply

    @step(label=_("Publish the answer"), source=State.ANSWERED, target=State.PUBLISHED, who=office, locks="call")
    def publish(self, *, by: Any) -> None:
        """Everybody reads question and answer from this moment; whoever has a draft is told."""
        self.question, self.answer, self.published_at = self.wording, self.reply, clock.now()
        self.number = self.call.asked.filter(number__isnull=False).count() + 1
        self.tell_applicants(gettext_noop("Answer %(number)d to questions on the call %(title)s is published."))

    @step(
        label=_("Correct the answer"),
        source=State.PUBLISHED,
        target=None,
        who=office,
        form="CorrectAnswer",
        edits=True,
    )
    def correct(self, *, by: Any, question: str, answer: str, reason: str) -> None:
        """Puts a new text in the place of the old one, which stays readable with the reason."""
        EarlierAnswer(
            asked=self, question=self.question, answer=self.answer, until_at=clock.now(), reason=reason
        ).save()
        self.question, self.answer = question, answer
        self.tell_applicants(gettext_noop("Answer %(number)d to questions on the call %(title)s is corrected."))

    @step(
        label=_("Decline"),
        source=[State.ASKED, State.ANSWERED],
        target=State.DECLINED,
        who=office,
        form="facility.workflow.input.ReasonForm",
    )
    def decline(self, *, by: Any, reason: str) -> None:
        """Leaves the question without a public answer; whoever asked reads the reason."""
        self.reason_text = reason
        self.tell(
            self.asker,
            gettext_noop("Your question on the call %(title)s is not answered in public; the reason is on its page."),
            title=self.call.title_text,
        )

    # -- what others ask

    def tell_applicants(self, key: str) -> None:
        """Inside a step: a notice to whoever asked, and to the managers of every cluster with a draft."""
        drafts = Application.objects.filter(call=self.call_id, state="draft").values("lead_cluster_id")
        grants = in_force().filter(role="manager", scope_type="cluster", scope_key__in=drafts)
        people = Person.objects.filter(Q(pk__in=grants.values("person_id")) | Q(pk=self.asker_id)).order_by("pk")
        link = f"{reverse('public-call-questions', kwargs={'pk': self.call_id})}#answer-{self.number}"
        self.tell(people, key, link=link, number=self.number, title=self.call.title_text)

    def named_in(self, *texts: str) -> list[str]:
        """The names of whoever asked, and of their clusters, that stand in one of the texts."""
        managed = Cluster.objects.filter(pk__in=held(self.asker, "manager", scope="cluster"))
        names = [self.asker.name, self.asker.email or "", *managed.order_by("pk").values_list("name", flat=True)]
        said = "\n".join(texts).casefold()
        return [name for name in names if name and name.casefold() in said]

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The texts that a correction took the place of."""
        rows = [[one.question, one.answer, one.until_at, one.reason] for one in self.earlier.all()]
        columns = [_("Question"), _("Answer"), _("Until"), _("Why it was corrected")]
        return [{"title": _("Earlier texts"), "columns": columns, "rows": rows, "empty": ""}] if rows else []


class EarlierAnswer(Part):
    """A published text that was corrected; it stays readable."""

    asked = models.ForeignKey(Asked, on_delete=models.PROTECT, related_name="earlier")
    question = models.TextField()
    answer = models.TextField()
    until_at = models.DateTimeField()
    reason = models.TextField()

    class Meta:
        ordering = ("until_at", "pk")

    def __str__(self) -> str:
        return Truncator(self.question).chars(80)


def questions_until(call: Call) -> dt.datetime:
    """The instant from which a call takes no more questions: so many of its days before it closes."""
    return clock.days_later(call.closes_at, -(call.question_days or 0), zoneinfo.ZoneInfo(call.zone))


def until_in_words(call: Call) -> str:
    """That instant in the zone of the call, for people."""
    return call.in_its_zone(questions_until(call))


def takes_questions(call: Call) -> bool:
    """Whether a question can be asked now."""
    return call.state in {"announced", "open"} and clock.now() < questions_until(call)


def published_on(call: Call, words: str = "") -> QuerySet[Asked]:
    """The published questions of a call in their order, with `words` only those that hold them all."""
    rows = Asked.objects.filter(call=call, state="published").prefetch_related("earlier").order_by("number")
    for word in words.replace("\x00", "").split()[:8]:
        rows = rows.filter(Q(question__icontains=word) | Q(answer__icontains=word))
    return rows


__all__ = ["Asked", "EarlierAnswer", "published_on", "questions_until", "takes_questions", "until_in_words"]
