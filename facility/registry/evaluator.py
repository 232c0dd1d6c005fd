"""Profiles of evaluators: what somebody can judge for a programme, and where they have worked."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from facility.roles import any_of, held, office, readers, system, who
from facility.workflow.engine import Faces, Part, Record
from facility.workflow.shape import Many
from facility.workflow.show import labelled
from facility.workflow.steps import step

TIES = [
    ("employment", _("works or worked there")),
    ("ownership", _("has a share in it")),
    ("personal", _("family or friends")),
    ("other", _("another interest")),
]
# The official languages of the EU (Regulation No 1, art. 1, as amended), by their own names.
OFFICIAL = (
    *("bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "ga", "hr"),
    *("hu", "it", "lt", "lv", "mt", "nl", "pl", "pt", "ro", "sk", "sl", "sv"),
)
LANGUAGES = [(code, LANG_INFO[code]["name_local"] if code in LANG_INFO else "Malti") for code in OFFICIAL]
oneself = who("the evaluator", lambda person: Q(person=person, programme_id__in=held(person, "evaluator")), "evaluator")


class EvaluatorProfile(Record):
    """What an evaluator reads and knows, how much they take on, and the houses that they are tied to."""

    employers: Any

    records = "evaluator-profiles"
    lede = _("Languages, expertise and past employers of evaluators; they decide who is asked to judge what.")
    columns = ("person", "programme", "language_words", "limit")
    facts = ("person", "programme", "language_words", "ecosystem_words", "area_words", "limit")
    search_in = ("person__name",)
    filter_by = ("programme",)
    door_related = ("person", "programme")
    shape = {
        "person": {"id": "person_id", "name": "person__name"},
        "programme": "programme_id",
        "languages": "languages",
        "ecosystems": "ecosystems",
        "areas": "areas",
        "limit": "limit",
        "employers": Many("facility.ProfileEmployer", "profile", {"name": "name", "kind": "kind"}, ("sort_name", "pk")),
    }
    faces = Faces(readers, participant=who("the evaluator", lambda person: Q(person=person)))

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="evaluator_profiles", verbose_name=_("person")
    )
    programme = models.ForeignKey(
        "facility.Programme", on_delete=models.PROTECT, related_name="+", verbose_name=_("programme")
    )
    languages = models.JSONField(_("languages"), default=list)
    ecosystems = models.JSONField(_("industrial ecosystems"), default=list)
    areas = models.JSONField(_("areas of advice"), default=list)
    limit = models.PositiveSmallIntegerField(_("applications at most in one call"), default=20)

    class Meta:
        verbose_name = _("profile of an evaluator")
        verbose_name_plural = _("profiles of evaluators")
        constraints = [
            models.UniqueConstraint(fields=["person", "programme"], name="profile_once_per_person_and_programme")
        ]

    def __str__(self) -> str:
        return self.person.name

    @step(label=_("Describe an evaluator"), new=True, who=any_of(oneself, office, system), form="ProfileForm")
    def describe(self, *, by: Any, employers: list[dict[str, Any]], **data: Any) -> None:
        """Languages, expertise, past employers and the load one can take; the automatic assignment goes by it."""
        self.take(employers, data)

    @step(label=_("Edit"), who=any_of(oneself, office), form="ProfileForm", edits=True)
    def edit(self, *, by: Any, employers: list[dict[str, Any]], **data: Any) -> None:
        """Changes the profile. A house that is added counts as a conflict of interest at once."""
        self.take(employers, data)

    def take(self, employers: list[dict[str, Any]], data: dict[str, Any]) -> None:
        """Sets the values of the form."""
        for name, value in data.items():
            setattr(self, name, value)
        before = self.employers.count()
        self.employers.all().delete()
        ProfileEmployer.objects.bulk_create(
            ProfileEmployer(profile_id=self.pk, person_id=self.person_id, sort_name=row["name"].lower(), **row)
            for row in employers
        )
        self.trail_also("employers", before, len(employers))

    def after_step(self, name: str, *, by: Any) -> None:
        """Whoever is tied now stops evaluating and advising now."""
        from .conflicts import follow_up

        follow_up(by=by, people=[self.person_id])

    @labelled(_("languages"))
    def language_words(self) -> list[str]:
        """The languages by their own names."""
        return [name for code, name in LANGUAGES if code in self.languages]

    @labelled(_("industrial ecosystems"))
    def ecosystem_words(self) -> list[str]:
        """The ecosystems in words."""
        return _words("ecosystems", self.ecosystems)

    @labelled(_("areas of advice"))
    def area_words(self) -> list[str]:
        """The areas in words."""
        return _words("areas", self.areas)

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Past employers."""
        rows = [[one.name, one.get_kind_display()] for one in self.employers.order_by("sort_name")]
        columns = [_("House"), _("Tie")]
        return [
            {"title": _("Past employers and other ties"), "columns": columns, "rows": rows, "empty": _("None named.")}
        ]


class ProfileEmployer(Part):
    """A house that an evaluator works or worked for, or is otherwise tied to, by its name."""

    profile = models.ForeignKey(EvaluatorProfile, on_delete=models.PROTECT, related_name="employers")
    # The profile's person once more, so that export and erasure find the row by itself.
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="employers")
    name = models.CharField(max_length=200)
    sort_name = models.CharField(max_length=200, db_index=True)
    kind = models.CharField(max_length=20, choices=TIES, default="employment")

    def __str__(self) -> str:
        return self.name


def _words(name: str, keys: list[str]) -> list[str]:
    from django.utils.translation import get_language

    from .vocabulary_data import vocabulary

    return [term.label(get_language() or "en") for term in vocabulary(name) if term.id in keys]
