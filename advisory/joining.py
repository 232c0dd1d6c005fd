"""Two advisors that are one person: everything of the one goes to the other, by steps that its own trail keeps."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from advisory.advisor import Advisor
from facility.registry.conflicts import Conflict
from facility.registry.grants import Grant, grant
from facility.roles import in_force
from facility.workflow.engine import Record


def carry_over(gone: Advisor, keep: Advisor, *, by: Any) -> dict[str, int]:
    """Inside a step: every row that names the one names the other; answers how many of which kind.

    A record goes by its step `move`, since its trail must know; rows of other records go as they are, and one that is
    there already is not doubled.
    """
    older_cv(gone, keep, by=by)
    moved: dict[str, int] = {}
    for relation in Advisor._meta.related_objects:
        model: Any = relation.related_model
        column = relation.field.name
        if model._meta.label_lower == "advisory.duplicate" or model is Advisor:
            continue
        rows = list(model._base_manager.filter(**{column: gone.pk}).order_by("pk"))
        for row in rows:
            if issubclass(model, Record):
                row.perform("move", by=by, advisor=str(keep.pk))
            else:
                _renamed(row, column, keep)
        if rows:
            moved[model._meta.label_lower] = len(rows)
    move_interests(gone, keep, by=by)
    move_roles(gone, keep, by=by)
    return moved


def older_cv(gone: Advisor, keep: Advisor, *, by: Any) -> None:
    """Of two confirmed CVs the one that was confirmed last stays in force."""
    confirmed: list[Any] = [cv for one in (gone, keep) for cv in one.curricula.filter(state="confirmed")]
    for cv in sorted(confirmed, key=lambda cv: cv.confirmed_at)[:-1]:
        cv.perform("replace", by=by)


def move_interests(gone: Advisor, keep: Advisor, *, by: Any) -> None:
    """What the one has an interest in, the other has too."""
    ties = ("cluster_id", "organisation_id", "other_id")
    known = {tuple(getattr(one, name) for name in ties) for one in Conflict.objects.filter(person=keep.person_id)}
    for one in Conflict.objects.filter(person=gone.person_id).order_by("pk"):
        if tuple(getattr(one, name) for name in ties) in known:
            continue
        tied: dict[str, Any] = {
            name: str(key) for name in ("cluster", "organisation", "other") if (key := getattr(one, f"{name}_id"))
        }
        Conflict().perform("declare", by=by, person=str(keep.person_id), kind=one.kind, note=one.note, **tied)


def move_roles(gone: Advisor, keep: Advisor, *, by: Any) -> None:
    """Sight of projects goes to the account that stays; the roles of the other account as this advisor end."""
    of_here = Q(scope_type="advisor", scope_key=gone.pk) | Q(programme=gone.programme_id)
    for held in list(in_force().filter(of_here, person=gone.person_id, role="advisor")):
        if held.scope_type != "advisor":
            grant(keep.person, "advisor", held.scope_type, held.scope_key, by=by, programme=gone.programme)
        if keep.person_id != gone.person_id or held.scope_type == "advisor":
            Grant.objects.get(pk=held.pk).perform("revoke", by=by, reason="merged with another record")


def _renamed(row: Any, column: str, keep: Advisor) -> None:
    try:
        with transaction.atomic():
            type(row)._base_manager.filter(pk=row.pk).update(**{column: keep})
    except IntegrityError:
        type(row)._base_manager.filter(pk=row.pk).delete()
