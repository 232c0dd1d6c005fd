"""What a person has in the Facility, and how they go: export and erasure (Regulation (EU) 2018/1725, art. 15 and 19).

Everything that points to a person is found from the models themselves, so that a new table cannot be forgotten.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.files.storage import storages
from django.db import connection, models, transaction

from advisory.advisor import Advisor
from advisory.assignment import Assignment
from advisory.curriculum import CurriculumVitae
from advisory.erasing import OWN, curricula_of
from advisory.matchrun import FORGETS, MatchRun
from advisory.note import AdvisorNote
from advisory.preference import Preference
from advisory.redaction import GONE, without_evidence
from advisory.shortlist import ShortlistEntry
from facility.asked import Asked
from facility.registry.conflicts import Conflict
from facility.registry.contact import Contact
from facility.registry.documents import Document
from facility.registry.evaluator import EvaluatorProfile
from facility.registry.people import Person
from facility.workflow.engine import Record
from facility.workflow.trail import Detail, Entry, Notice

# Records of which an erasure empties columns.
CHANGED: tuple[type[Record], ...] = (
    *(Advisor, AdvisorNote, Asked, Assignment, Conflict, Contact),
    *(CurriculumVitae, Document, EvaluatorProfile, MatchRun, Preference),
)


def export(person: Person) -> dict[str, Any]:
    """Every row that belongs to the person or names them, by table; values as the database has them."""
    found: dict[str, Any] = {"facility.person": [_plain(person)]}
    for model, column in _references():
        rows = model._base_manager.filter(**{column: person})
        if rows:
            found.setdefault(model._meta.label_lower, []).extend(_plain(row) for row in rows)
    for model in (AdvisorNote, ShortlistEntry):
        found[model._meta.label_lower] = [_plain(row) for row in model._base_manager.filter(advisor__person=person)]
    found["advisory.curriculumvitae"] = [
        _plain(cv)
        | {"fields": [[f.name, f.value] for f in cv.fields.all()], "opened": [_plain(one) for one in cv.accesses.all()]}
        for cv in curricula_of(person).prefetch_related("fields", "accesses")
    ]
    return found


def erase(person: Person) -> dict[str, int]:
    """Takes the person's data away, as the owner of the tables; answers how many rows of which kind.

    The trail keeps what was done and by whom, as an erased person; reasons and values of the entries on their own
    records, and of the entries they made, are emptied. Chains still verify. Files of CVs are removed last.
    """
    counts: dict[str, int] = {}
    advisors = list(Advisor._base_manager.filter(person=person).values_list("pk", flat=True))
    # Also those that nobody has confirmed, and that are nobody's yet.
    curricula = list(curricula_of(person).values_list("pk", flat=True))
    papers = list(CurriculumVitae._base_manager.filter(pk__in=curricula).values_list("document_id", flat=True))
    stored = list(Document._base_manager.filter(pk__in=papers).values_list("stored", flat=True))
    profiles = list(EvaluatorProfile._base_manager.filter(person=person).values_list("pk", flat=True))
    tied = models.Q(person=person) | models.Q(other=person)
    conflicts = list(Conflict._base_manager.filter(tied).values_list("pk", flat=True))
    about = models.Q(said_by=person) | models.Q(advisor__in=advisors) | models.Q(named__iexact=person.name)
    preferences = list(Preference._base_manager.filter(about).values_list("pk", flat=True))
    assignments = list(Assignment._base_manager.filter(advisor__in=advisors).values_list("pk", flat=True))
    with transaction.atomic():
        for model, column in _references():
            if model._meta.label_lower in OWN:
                counts[model._meta.label_lower] = model._base_manager.filter(**{column: person}).delete()[0]
        for part in ("advisory.CvField", "advisory.CvPassage", "advisory.CvSentence"):
            counts[part.lower()] = apps.get_model(part)._base_manager.filter(curriculum__in=curricula).delete()[0]
        counts["advisory.shortlistentry"] = ShortlistEntry._base_manager.filter(advisor__in=advisors).delete()[0]
        notes = list(AdvisorNote._base_manager.filter(advisor__in=advisors).values_list("pk", flat=True))
        contacts = list(Contact._base_manager.filter(person=person).values_list("pk", flat=True))
        apps.get_model("advisory.CvIntakeFile").objects.filter(curriculum__in=curricula).update(name="", why="")
        with _past_the_door(*CHANGED):
            counts["match_runs"] = _out_of_runs(advisors)
            # Published texts name nobody; the words it came in may.
            Asked._base_manager.filter(asker=person).update(text=GONE)
            EvaluatorProfile._base_manager.filter(pk__in=profiles).update(languages=[], ecosystems=[], areas=[])
            Conflict._base_manager.filter(pk__in=conflicts).update(note="")
            AdvisorNote._base_manager.filter(pk__in=notes).update(text="")
            Contact._base_manager.filter(pk__in=contacts).update(state="ended", role_text="", consented_at=None)
            CurriculumVitae._base_manager.filter(pk__in=curricula).update(text="", breaks=[], name=GONE, why="")
            Advisor._base_manager.filter(pk__in=advisors).update(
                interests="", languages=[], countries=[], areas=[], sectors=[], reason_text=""
            )
            Preference._base_manager.filter(pk__in=preferences).update(named=GONE, reason="")
            placed = Assignment._base_manager.filter(pk__in=assignments)
            for key, parts in placed.values_list("pk", "parts"):
                placed.filter(pk=key).update(reason="", handover="", parts=without_evidence(parts))
            Document._base_manager.filter(pk__in=papers).update(name=GONE, stored="", sha256="")
        for notice in Notice.objects.filter(record_id__in=assignments, params__has_key="advisor"):
            notice.params["advisor"] = GONE
            notice.save(update_fields=["params"])
        own = [*advisors, *assignments, *notes, *conflicts, *contacts, *curricula, *papers, *preferences, *profiles]
        entries = Entry.objects.filter(models.Q(actor=person) | models.Q(record_id__in=own)).values("pk")
        counts["workflow.detail"] = Detail.objects.filter(entry__in=entries).update(reason="", changes={}, erased=True)
        person.name, person.email, person.is_active = GONE, None, False
        person.set_unusable_password()
        person.save()
    for name in stored:
        storages["documents"].delete(name)
    counts["files"] = len(stored)
    return counts


def _out_of_runs(advisors: list[Any]) -> int:
    """Takes the person out of every match run; answers how many there were."""
    count = 0
    for key in map(str, advisors):
        for run in MatchRun._base_manager.filter(inputs__advisors__contains=[{"id": key}]):
            run.forget(key)
            left = {name: getattr(run, name) for name in FORGETS}
            count += MatchRun._base_manager.filter(pk=run.pk).update(**left)
    return count


def _references() -> list[tuple[type[models.Model], str]]:
    """Every column of every table that points to a person."""
    return sorted(
        (
            (relation.related_model, relation.field.name)
            # Hidden ones too: most columns that name a person offer no way back from them.
            for relation in Person._meta.get_fields(include_hidden=True)
            if isinstance(relation, models.ForeignObjectRel) and not relation.related_model._meta.auto_created
        ),
        key=lambda pair: (pair[0]._meta.label_lower, pair[1]),
    )


def _plain(row: models.Model) -> dict[str, Any]:
    hidden = {"password", "sha256", "vector", "session_key", "data"}
    return {f.attname: str(getattr(row, f.attname)) for f in row._meta.concrete_fields if f.name not in hidden}


class _past_the_door:
    """Lets the owner of the tables change records without a step, for an erasure and nothing else."""

    def __init__(self, *records: type[Record]) -> None:
        self.tables = [record._meta.db_table for record in records]

    def __enter__(self) -> None:
        self._switch("DISABLE")

    def __exit__(self, *error: object) -> None:
        self._switch("ENABLE")

    def _switch(self, how: str) -> None:
        with connection.cursor() as cursor:
            for table in self.tables:
                cursor.execute(f"ALTER TABLE {table} {how} TRIGGER workflow_version")
