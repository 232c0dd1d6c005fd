"""The order of needs: who may still rank or sign, the ranks of each voice, and what follows from them (F13, F14)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from facility.roles import any_of, office, who
from facility.workflow.engine import Part

from .case import Signature
from .voices import VOICES, advisor_on, lead_manager_on, signed


def _voice(voice: str, rule: Any, done: Any, word: str) -> Any:
    """A voice that has not spoken yet; one person speaks for one voice only."""
    return who(word, lambda person: rule(person) & ~done(voice, person))


def ranked(voice: str, person: Any) -> Q:
    return Q(pk__in=Ranking.objects.filter(Q(voice=voice) | Q(by=person)).values("assessment_id"))


def agreed(voice: str, person: Any) -> Q:
    own = Q(project_id__in=Signature.objects.filter(subject="order", by=person).values("project_id"))
    return signed("order", voice, "project_id") | own


def voices_not_yet(done: Any) -> Any:
    """The three voices, each as long as it has not spoken."""
    return any_of(
        _voice("advisor", advisor_on().rule, done, "own advisor"),
        _voice("manager", lead_manager_on("project__application").rule, done, "manager of the lead cluster"),
        _voice("coordinator", office.q, done, "lead or coordinator"),
    )


def agreed_order(rankings: Mapping[str, Mapping[Any, int]]) -> list[Any]:
    """The keys of needs in order of the mean of their ranks; a tie goes to the manager's order (F14).

    rankings: voice to (key to rank, each rank once), with the voice `manager` among them.
    """
    keys = rankings["manager"]
    mean = {key: Fraction(sum(ranks[key] for ranks in rankings.values()), len(rankings)) for key in keys}
    return sorted(keys, key=lambda key: (mean[key], keys[key]))


class Ranking(Part):
    """The rank that one voice gives one need."""

    assessment = models.ForeignKey("advisory.NeedsAssessment", on_delete=models.PROTECT, related_name="rankings")
    need = models.ForeignKey("advisory.Need", on_delete=models.PROTECT, related_name="rankings")
    voice = models.CharField(max_length=20, choices=VOICES)
    rank = models.PositiveSmallIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assessment", "voice", "rank"], name="rank_once_per_voice"),
            models.UniqueConstraint(fields=["assessment", "voice", "need"], name="need_once_per_voice"),
        ]

    def __str__(self) -> str:
        return f"{self.voice} {self.rank}"
