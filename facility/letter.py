"""Letters on decisions: drafted from templates, read and edited before they leave, sent with the decision (F05)."""

from __future__ import annotations

import zoneinfo
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import formats, translation
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext

from facility import quotas
from facility.instruments.letter import left_open, merged
from facility.roles import in_force
from facility.workflow import clock
from facility.workflow.engine import Part

SHOWN_AT_MOST = 5


class Kind(models.TextChoices):
    """What a letter tells."""

    SELECTED = "selected", _("Selected")
    RESERVE = "reserve", _("On the reserve list")
    REJECTED = "rejected", _("Not selected")
    PROMOTED = "promoted", _("Promoted from the reserve list")
    MOVED = "moved", _("Moved on the reserve list")
    UPHELD = "upheld", _("Review: the decision stands")
    OVERTURNED = "overturned", _("Review: the decision is changed")


SUBJECT = _("Application {number}: {call}")
CLOSE = _("Kind regards,\n{contact}")
BODIES = {
    Kind.SELECTED: _(
        "Dear {name},\n\nwe are glad to tell you that {cluster} is one of the {places} applications selected in "
        "the call {call}. Your application {number} scored {score} of 100.\n\nIf you cannot take the place, please "
        "decline it on the page of your application, so that the next on the reserve list can have it."
    ),
    Kind.RESERVE: _(
        "Dear {name},\n\nthe application {number} of {cluster} in the call {call} scored {score} of 100. You stand on "
        "the reserve list at position {position}.\n\nIf a place becomes free for you, we write to you at once. You "
        "need not do anything."
    ),
    Kind.REJECTED: _(
        "Dear {name},\n\nwe are sorry to tell you that the application {number} of {cluster} in the call {call} is not "
        "selected.\n\n{reasons}"
    ),
    Kind.PROMOTED: _(
        "Dear {name},\n\na place in the call {call} became free, and {cluster} is now selected with application "
        "{number}.\n\nIf you cannot take the place, please decline it on the page of your application, so that the "
        "next on the reserve list can have it."
    ),
    Kind.MOVED: _(
        "Dear {name},\n\nafter a review another application comes before yours on the reserve list of the call {call}. "
        "{cluster} now stands at position {position}."
    ),
    Kind.UPHELD: _(
        "Dear {name},\n\nyou asked for a review of the decision on application {number} of {cluster} in the call "
        "{call}. We have looked at it again, and the decision stands.\n\n{reasons}"
    ),
    Kind.OVERTURNED: _(
        "Dear {name},\n\nyou asked for a review of the decision on application {number} of {cluster} in the call "
        "{call}. We have looked at it again and changed the decision.\n\n{reasons}\n\n{outcome}"
    ),
}
# Added where a review can still be asked for.
REVIEW = _(
    "If you think that this is wrong, you can ask once for a review, until {review_until}, on the page of your "
    "application."
)
# What goes into the inbox beside the letter.
NOTICES = {
    Kind.SELECTED: gettext_noop("Your application %(number)s is selected. Congratulations."),
    Kind.RESERVE: gettext_noop("Your application %(number)s is on the reserve list at position %(position)s."),
    Kind.REJECTED: gettext_noop("Your application %(number)s is not selected; the reasons are on its page."),
    Kind.PROMOTED: gettext_noop("A place became free: your application %(number)s is selected."),
    Kind.MOVED: gettext_noop("Your application %(number)s is now at position %(position)s of the reserve list."),
    Kind.UPHELD: gettext_noop("Your application %(number)s was reviewed; the decision stands."),
    Kind.OVERTURNED: gettext_noop("Your application %(number)s was reviewed; the decision is changed."),
}
FIELDS = {
    "name": _("the reader’s name"),
    "cluster": _("the lead cluster"),
    "number": _("the number of the application"),
    "title": _("the title of the application"),
    "call": _("the title of the call"),
    "programme": _("the name of the programme"),
    "contact": _("who to turn to: the programme’s contact, or its operator"),
    "places": _("the places of the call"),
    "score": _("the score of 100"),
    "threshold": _("the minimum score"),
    "position": _("the position on the reserve list"),
    "reasons": _("the reasons of the decision"),
    "outcome": _("what follows from a changed decision"),
    "review_days": _("days to ask for a review"),
    "today": _("the day on which the letter leaves"),
    "review_until": _("until when a review can be asked for"),
}
# The fields that have no value in every letter, and in the letters of which kinds they have one.
SOMETIMES = {
    "score": {Kind.SELECTED, Kind.RESERVE, Kind.REJECTED, Kind.PROMOTED, Kind.MOVED},
    "position": {Kind.RESERVE, Kind.MOVED},
    "reasons": {Kind.REJECTED, Kind.UPHELD, Kind.OVERTURNED},
    "outcome": {Kind.OVERTURNED},
}
# Known only when the letter leaves.
LATE = frozenset({"today", "review_until"})


class LetterText(Part):
    """The wording of a kind of letter in a language, for one call; where there is none the usual wording holds."""

    call = models.ForeignKey("facility.Call", on_delete=models.PROTECT, related_name="letter_texts")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    language = models.CharField(max_length=5, choices=settings.LANGUAGES)
    subject = models.CharField(max_length=200)
    body = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["call", "kind", "language"], name="letter_text_once_per_call_and_language")
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.language})"


class Letter(Part):
    """A letter to one person about one decision; staged until `sent_at` is set, and never changed after."""

    application = models.ForeignKey("facility.Application", on_delete=models.PROTECT, related_name="letters")
    # The selection whose release sends it; none for what is sent by a step on the application alone.
    selection = models.ForeignKey("facility.Selection", null=True, on_delete=models.PROTECT, related_name="letters")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="letters")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    language = models.CharField(max_length=5)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    position = models.PositiveSmallIntegerField(null=True)
    is_edited = models.BooleanField(default=False)
    made_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application", "to", "kind"],
                condition=Q(sent_at__isnull=False) & ~Q(kind="moved"),
                name="letter_sent_once_per_decision",
            )
        ]

    def __str__(self) -> str:
        return self.subject

    def fill_late(self) -> None:
        """Fills what is known only when it leaves."""
        with translation.override(self.language):
            values = late_values(self.application.call)
        self.subject, self.body = (
            " ".join(merged(self.subject, values).split())[:200],
            merged(self.body, values),
        )

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("letter", kwargs={"pk": self.pk})


@dataclass(frozen=True)
class Decision:
    """What is to be told about one application. `reasons` words them in the active language."""

    application: Any
    kind: str
    position: int | None = None
    reasons: Callable[[], str] = str
    outcome: Callable[[], str] = str


def fields_of(kind: str) -> list[str]:
    """The merge fields that have a value in every letter of this kind."""
    return [name for name in FIELDS if kind in SOMETIMES.get(name, {kind})]


def usual(kind: str, *, may_ask: bool = True) -> tuple[str, str]:
    """Subject and body of a kind of letter where the call says nothing else, in the active language.

    may_ask: whether its reader can still ask for a review.
    """
    parts = [BODIES[Kind(kind)], *([REVIEW] if kind == Kind.REJECTED and may_ask else []), CLOSE]
    return str(SUBJECT), "\n\n".join(map(str, parts))


def late_values(call: Any) -> dict[str, str]:
    """The values that depend on when a letter leaves, as of now, in the active language."""
    zone = zoneinfo.ZoneInfo(call.zone)
    until = clock.days_later(clock.now(), call.review_days, zone)
    return {
        "today": formats.date_format(clock.today(zone), pgettext("full date", "j F Y")),
        "review_until": call.in_its_zone(until),
    }


def recipients(applications: Iterable[Any]) -> dict[Any, list[Any]]:
    """Who manages the lead cluster of each application, by its key, in a stable order; two queries."""
    clusters = {one.lead_cluster_id for one in applications}
    grants = in_force().filter(role="manager", scope_type="cluster", scope_key__in=clusters, person__is_active=True)
    found: dict[Any, dict[Any, Any]] = defaultdict(dict)
    for one in grants.select_related("person").order_by("person_id"):
        found[one.scope_key][one.person_id] = one.person
    return {one.pk: list(found[one.lead_cluster_id].values()) for one in applications}


def drafted(call: Any, decisions: Iterable[Decision], rules: Any = None) -> list[Letter]:
    """Unsaved letters on these decisions, one for each manager, in the manager's language.

    rules: what was applied; those of the released selection, if nothing is given.
    """
    decisions, rules = list(decisions), rules or quotas.in_force(call)
    texts = {(one.kind, one.language): (one.subject, one.body) for one in call.letter_texts.all()}
    readers = recipients([one.application for one in decisions])
    made = []
    for decision in decisions:
        for person in readers[decision.application.pk]:
            with translation.override(person.language):
                subject, body = (
                    texts.get((decision.kind, person.language))
                    or texts.get((decision.kind, "en"))
                    or usual(decision.kind, may_ask=not decision.application.before_review)
                )
                values = _values(call, decision, person, rules)
                made.append(
                    Letter(
                        application=decision.application,
                        to=person,
                        kind=decision.kind,
                        language=person.language,
                        subject=" ".join(merged(subject, values).split())[:200],
                        body=merged(body, values),
                        position=decision.position,
                    )
                )
    return made


def _values(call: Any, decision: Decision, person: Any, rules: Any) -> dict[str, str]:
    bid, programme = decision.application, call.programme
    return {
        "name": person.name,
        "cluster": bid.lead_cluster.name,
        "number": bid.number,
        "title": bid.title_text,
        "call": call.title_text,
        "programme": str(programme),
        "contact": programme.contact or programme.operator,
        "places": str(rules.places),
        "score": formats.number_format(bid.score, 2) if bid.score is not None else "",
        "threshold": formats.number_format(rules.minimum_score, 2),
        "position": str(decision.position or ""),
        "reasons": decision.reasons(),
        "outcome": decision.outcome(),
        "review_days": str(call.review_days),
    }


def open_fields(letters: Iterable[Letter]) -> list[str]:
    """What stands in the way of sending: one sentence per merge field that is unknown or empty, with the letters."""
    where: dict[str, list[str]] = defaultdict(list)
    for letter in letters:
        for name in left_open(f"{letter.subject}\n{letter.body}"):
            if name not in LATE:
                where[name].append(f"{letter.application.lead_cluster.name} ({letter.get_kind_display()})")
    said = []
    for name, letters_ in sorted(where.items()):
        names = list(dict.fromkeys(letters_))
        told = ", ".join(names[:SHOWN_AT_MOST]) + (" …" if len(names) > SHOWN_AT_MOST else "")
        sentence = (
            _t("The field {%(field)s} is empty in %(n)d letters: %(where)s.")
            if name in FIELDS
            else _t("There is no field {%(field)s}; it stands in %(n)d letters: %(where)s.")
        )
        said.append(sentence % {"field": name, "n": len(letters_), "where": told})
    return said


def send(letters: list[Letter]) -> None:
    """Inside a step: the letters leave with its transaction, each by a notice that is mailed as the letter."""
    instant = clock.now()
    for letter in letters:
        letter.fill_late()
        letter.sent_at = instant
    staged = [letter for letter in letters if not letter._state.adding]
    if staged:
        Letter.objects.bulk_update(staged, ["subject", "body", "sent_at"])
    Letter.objects.bulk_create([letter for letter in letters if letter._state.adding])
    for letter in letters:
        letter.application.tell(
            letter.to,
            NOTICES[Kind(letter.kind)],
            link=letter.get_absolute_url(),
            number=letter.application.number,
            position=letter.position,
            letter=str(letter.pk),
        )


def tell(decision: Decision) -> None:
    """Inside a step on one application: drafts the letters on it and lets them leave."""
    send(drafted(decision.application.call, [decision]))


def carried_by(notice: Any) -> tuple[str, str] | None:
    """Subject and text of the letter that a notice carries, if any."""
    found = Letter.objects.filter(pk=notice.params["letter"]).first() if "letter" in notice.params else None
    return (found.subject, found.body) if found else None


def comments_on(applications: Iterable[Any]) -> dict[Any, str]:
    """The evaluators' comments on each application by criterion, without names and in no order that tells them."""
    rows = apps.get_model("facility.Score").objects.filter(
        evaluation__application__in=[one.pk for one in applications], evaluation__state="submitted"
    )
    by: dict[Any, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    values = rows.exclude(comment="").values_list("evaluation__application", "criterion__name", "comment")
    for key, criterion, comment in values.order_by("criterion__order", "comment"):
        by[key][criterion].append(comment)
    return {
        key: "\n".join(f"{criterion}: {' / '.join(said)}" for criterion, said in criteria.items())
        for key, criteria in by.items()
    }
