"""Topics that participants propose for webinars, and how many want them (G10, G11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.registry.people import Person
from facility.registry.programme import InProgramme, Programme
from facility.roles import any_of, office, parent_step, readers, who
from facility.workflow import clock
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.shape import Many
from facility.workflow.show import labelled
from facility.workflow.steps import NEW, guard, step
from webinars.participants import OF_A_PROJECT, of_programmes, participant

ANSWERS = [("one_to_one", _("Dealt with one-to-one")), ("declined", _("Declined"))]
PLACES = 3  # how many topics the ranking names, unless asked otherwise


def _voted(person: Any) -> Q:
    return Q(pk__in=Vote.objects.filter(person=person, taken_back_at__isnull=True).values("topic_id"))


may_vote = who(
    "participant who has not voted for it", lambda person: of_programmes(person) & ~_voted(person), *OF_A_PROJECT
)
voter = who("participant who has voted for it", lambda person: of_programmes(person) & _voted(person), *OF_A_PROJECT)


class Topic(InProgramme):
    """A subject somebody proposes; others vote for it, and the office schedules it or says why not."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        MERGED = "merged", _("Merged into another")
        SCHEDULED = "scheduled", _("Scheduled")
        ANSWERED = "answered", _("Answered")

    records = "topics"
    lede = _("Subjects for webinars: propose one, and vote for those you would come for.")
    columns = ("votes_count",)
    facts = ("text", "votes_count", "proposer_names", "webinar", "merged_into", "answer_kind", "answer_text")
    search_in = ("title_text", "text")
    filter_by = ("state", "programme")
    order_by = ("-votes_count", "-id")
    door_related = ("programme", "webinar", "merged_into")
    tones = {"proposed": "active", "merged": "idle", "scheduled": "good", "answered": "done"}
    awaits = {"proposed": ("vote",)}
    shape = {
        "title": "title_text",
        "text": "text",
        "programme": {"id": "programme_id", "name": "programme__name"},
        "votes": "votes_count",
        "proposers": Many("webinars.Proposer", "topic", {"id": "person_id", "name": "person__name"}, ("pk",)),
        "webinar": "webinar_id",
        "merged_into": "merged_into_id",
        "answer": {"kind": "answer_kind", "text": "answer_text"},
    }
    faces = Faces(readers, participant)

    state = state_field(State)
    title_text = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("what it is about"), blank=True, default="")
    votes_count = models.PositiveSmallIntegerField(_("votes"), default=0)
    webinar = models.ForeignKey(
        "webinars.Webinar", null=True, on_delete=models.PROTECT, related_name="topics", verbose_name=_("webinar")
    )
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="merged", verbose_name=_("merged into")
    )
    answer_kind = models.CharField(
        _("answer"),
        max_length=12,
        choices=ANSWERS,
        blank=True,
        default="",
    )
    answer_text = models.TextField(_("reason"), blank=True, default="")

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="scheduled") | Q(webinar__isnull=False), name="topic_scheduled_has_a_webinar"
            ),
            models.CheckConstraint(
                condition=~Q(state="merged") | Q(merged_into__isnull=False), name="topic_merged_has_its_heir"
            ),
        ]

    def __str__(self) -> str:
        return self.title_text

    @guard(_("There is no other topic to merge it into."))
    def has_others(self) -> bool:
        """Another open topic of the programme."""
        return Topic.objects.filter(programme=self.programme_id, state="proposed").exclude(pk=self.pk).exists()

    @step(
        label=_("Propose a topic"), source=NEW, target=State.PROPOSED, who=any_of(participant, office), form="TopicForm"
    )
    def propose(self, *, by: Any, **data: Any) -> None:
        """Says what a webinar should be about. All who take part in the programme see it and can vote for it."""
        for name, value in data.items():
            setattr(self, name, value)
        Proposer(topic=self, person=by).save()

    @step(label=_("Vote"), source=State.PROPOSED, target=None, who=may_vote)
    def vote(self, *, by: Any) -> None:
        """You would come for this topic. You have one vote for each topic."""
        self.change_votes(lambda: Vote(topic=self, person=by, at=clock.now()).save())

    @step(label=_("Take the vote back"), source=State.PROPOSED, target=None, who=voter)
    def take_back_vote(self, *, by: Any) -> None:
        """Takes your vote for this topic away."""
        mine = self.votes.filter(person=by, taken_back_at__isnull=True)
        self.change_votes(lambda: mine.update(taken_back_at=clock.now()))

    @step(
        label=_("Merge into another topic"),
        source=State.PROPOSED,
        target=State.MERGED,
        who=office,
        guards=[has_others],
        form="MergeTopic",
    )
    def merge(self, *, by: Any, into: Any) -> None:
        """Two topics are one: its votes and the names of those who proposed it go over to the other."""
        self.merged_into = into
        into.perform("take_over", by=by, topic=self)
        self.tell(
            self.proposers_as_people(),
            gettext_noop("Your topic %(title)s is one with %(other)s now; its votes went along."),
            title=self.title_text,
            other=into.title_text,
        )

    @step(
        label=_("Take over a topic"), source=State.PROPOSED, target=None, who=parent_step, form="TakeOver", quiet=True
    )
    def take_over(self, *, by: Any, topic: Any) -> None:
        """Takes the votes and proposers of a topic that is merged into this one; nobody counts twice."""
        before = self.proposer_names()
        there = self.votes.filter(taken_back_at__isnull=True).values("person_id")
        fresh = topic.votes.filter(taken_back_at__isnull=True).exclude(person_id__in=there)
        self.change_votes(
            lambda: Vote.objects.bulk_create(Vote(topic=self, person_id=one.person_id, at=one.at) for one in fresh)
        )
        others = topic.proposers.exclude(person_id__in=self.proposers.values("person_id")).order_by("pk")
        Proposer.objects.bulk_create(Proposer(topic=self, person_id=one.person_id) for one in others)
        self.trail_also("proposers", before, self.proposer_names())

    @step(label=_("Schedule"), source=State.PROPOSED, target=State.SCHEDULED, who=office, form="ScheduleTopic")
    def schedule(self, *, by: Any, webinar: Any) -> None:
        """Puts the topic on the programme of a webinar, and tells those who proposed it or voted for it."""
        self.webinar = webinar
        self.tell(
            self.people_interested(),
            gettext_noop("The topic %(title)s comes up in the webinar %(webinar)s."),
            title=self.title_text,
            webinar=webinar.title_text,
        )

    @step(label=_("Put back"), source=State.SCHEDULED, target=State.PROPOSED, who=any_of(office, parent_step))
    def put_back(self, *, by: Any) -> None:
        """The webinar it was meant for does without it; it waits for another one with its votes."""
        self.webinar = None

    @step(label=_("Answer"), source=State.PROPOSED, target=State.ANSWERED, who=office, form="AnswerTopic")
    def answer(self, *, by: Any, answer_kind: str, answer_text: str) -> None:
        """No webinar comes of it: it was dealt with one-to-one, or is declined, always with the reason."""
        self.answer_kind, self.answer_text = answer_kind, answer_text
        self.tell(
            self.people_interested(), gettext_noop("There is an answer to the topic %(title)s."), title=self.title_text
        )

    def change_votes(self, change: Any) -> None:
        """Inside a step: changes votes and keeps their number."""
        change()
        self.votes_count = self.votes.filter(taken_back_at__isnull=True).count()

    @labelled(_("proposed by"))
    def proposer_names(self) -> list[str]:
        """Those who proposed it, the first one first."""
        return list(self.proposers.order_by("pk").values_list("person__name", flat=True))

    def proposers_as_people(self) -> QuerySet:
        """Those who proposed it, as people."""
        return Person.objects.filter(pk__in=self.proposers.values("person_id")).order_by("pk")

    def people_interested(self) -> QuerySet:
        """Those who proposed it or voted for it, each once."""
        votes = self.votes.filter(taken_back_at__isnull=True).values("person_id")
        return Person.objects.filter(Q(pk__in=votes) | Q(pk__in=self.proposers.values("person_id"))).order_by("pk")


class Proposer(Part):
    """Somebody who proposed a topic, or one that was merged into it."""

    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, related_name="proposers")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["topic", "person"], name="proposer_once_per_topic")]

    def __str__(self) -> str:
        return str(self.person)


class Vote(Part):
    """One person's interest in one topic; kept with its end when it is taken back."""

    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, related_name="votes")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["topic", "person"],
                condition=Q(taken_back_at__isnull=True),
                name="one_vote_per_person_and_topic",
            )
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.topic}"


@dataclass(frozen=True)
class Ranked:
    """A topic with its place. `is_tied_at_cut`: it shares the last place named with more topics than fit there."""

    topic: Any
    rank: int
    is_tied_at_cut: bool


def ranked(topics: Sequence[Any], places: int = PLACES) -> list[Ranked]:
    """The topics on the first `places`, by votes; equal votes share a place, and none of them is dropped (G11).

    Topics without a vote have no place. Topics need `votes_count` and `title_text`.
    """
    wanted = sorted((one for one in topics if one.votes_count), key=lambda one: (-one.votes_count, one.title_text))
    placed = [(one, 1 + sum(other.votes_count > one.votes_count for other in wanted)) for one in wanted]
    named = [(one, rank) for one, rank in placed if rank <= places]
    last = named[-1][1] if len(named) > places else 0
    return [Ranked(one, rank, rank == last) for one, rank in named]


def most_wanted(programme: Programme, places: int = PLACES) -> list[Ranked]:
    """The open topics of a programme that most people want."""
    return ranked(list(Topic.objects.filter(programme=programme, state="proposed")), places)


__all__ = ["Proposer", "Ranked", "Topic", "Vote", "most_wanted", "ranked"]
