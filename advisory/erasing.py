"""What goes when an advisor is erased, inside the step that does it: CVs, files, vectors, runs, notices, account."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.db.models import ForeignObjectRel, Q, TextField
from django.db.models.functions import Cast

from advisory.curriculum import CurriculumVitae, CvField
from advisory.equality import Equality
from advisory.matchrun import MatchRun
from advisory.redaction import GONE
from facility.registry.conflicts import Conflict
from facility.registry.grants import Grant
from facility.registry.people import Person
from facility.roles import in_force
from facility.workflow.engine import perform_many
from facility.workflow.jobs import Job
from facility.workflow.once import Once
from facility.workflow.trail import Notice

# Rows that are nothing but the person's own: they go. All other rows stay, and name the erased person.
OWN = {
    "account.emailaddress",
    "advisory.applicant",
    "mfa.authenticator",
    "socialaccount.socialaccount",
    "usersessions.usersession",
    "facility.token",
    "facility.letter",
    "facility.link",
    "facility.profileemployer",
    "workflow.notice",
    "workflow.once",
    "webinars.signup",
}
# Names shorter than this may stand in words that are not about them.
TELLING_NAME = 5


def take_away(advisor: Any, *, by: Any) -> dict[str, int]:
    """Empties everything of an advisor that tells of the person; answers how many of which kind went."""
    counts: dict[str, int] = {}
    curricula = list(curricula_of(advisor.person, advisor.programme_id))
    keys = [advisor.pk, *(cv.pk for cv in curricula), *(cv.document_id for cv in curricula)]
    for about in (advisor.assignments, advisor.preferences, advisor.notes):
        keys += about.values_list("pk", flat=True)
    for cv in curricula:
        cv.perform("erase", by=by)
    runs = MatchRun.objects.filter(inputs__advisors__contains=[{"id": str(advisor.pk)}]).order_by("pk")
    # First of all: a run that ends at this moment may still propose the advisor, which is emptied below.
    for run in runs:
        run.perform("take_out", by=by, advisor=str(advisor.pk))
    for about in (list(advisor.assignments.all()), list(advisor.preferences.all())):
        perform_many(about, "erase_words", by=by)
        empty_details([one.pk for one in about])
    perform_many(list(advisor.notes.filter(state="kept")), "strike", by=by)
    advisor.shortlist_entries.all().delete()
    counts |= {"curricula": len(curricula), "match_runs": len(runs)}
    for name, empty in EMPTY.items():
        setattr(advisor, name, empty())
    end_roles(advisor, by=by)
    # Another record of the same person, which had become this one.
    for other in type(advisor).objects.filter(merged_into=advisor.pk, state="merged").order_by("pk"):
        other.perform("erase", by=by, sure=True)
    counts["notices"] = forget_words(advisor, keys)
    counts["account"] = forget_person(advisor, by=by)
    return counts


EMPTY: dict[str, Any] = {
    "areas": list,
    "languages": list,
    "countries": list,
    "sectors": list,
    "years": lambda: None,
    "days": lambda: None,
    "available_from": lambda: None,
    "interests": str,
    "reason_text": str,
    "consent": bool,
}


def curricula_of(person: Person, programme_id: Any = None) -> Any:
    """All CVs of a person, also those that nobody has confirmed: the own ones, those handed in by the open form, and
    those that were read with this person's address. One that a merge has given to another record is that one's."""
    mine = Q(advisor__person=person) | Q(applicant=person, advisor__isnull=True)
    if person.email:
        said = CvField.objects.annotate(told=Cast("value", TextField())).filter(
            name="email", told__iexact=json.dumps(person.email, ensure_ascii=False)
        )
        mine |= Q(advisor__isnull=True, pk__in=said.values("curriculum_id"))
    rows = CurriculumVitae.objects.filter(mine).exclude(state="erased")
    return (rows.filter(programme=programme_id) if programme_id else rows).order_by("pk").distinct()


def end_roles(advisor: Any, *, by: Any) -> None:
    """The person is nobody's advisor in this programme any more."""
    of_here = Q(scope_type="advisor", scope_key=advisor.pk) | Q(programme=advisor.programme_id)
    of_here |= Q(scope_type="programme", scope_key=advisor.programme_id)
    for held in list(in_force().filter(of_here, person=advisor.person_id, role="advisor")):
        Grant.objects.get(pk=held.pk).perform("revoke", by=by, reason="erased")


def forget_words(advisor: Any, keys: list[Any]) -> int:
    """Notices about the records, answers to posts about them and reasons of jobs: all may hold the name."""
    name = advisor.person.name
    about, said = Q(record_id__in=keys), Q()
    if len(name) >= TELLING_NAME:
        about |= Q(params__icontains=name)
        said |= Q(answer__icontains=name)
    for key in keys:
        said |= Q(answer__icontains=str(key))
    Once.objects.filter(said).delete()
    Job.objects.filter(record_id__in=keys).exclude(reason="").update(reason="")
    return Notice.objects.filter(about).delete()[0]


def forget_person(advisor: Any, *, by: Any) -> int:
    """The account, unless the person has another business here; 1 when it went."""
    person = Person.objects.get(pk=advisor.person_id)
    others = type(advisor).objects.filter(person=person).exclude(pk=advisor.pk).exclude(state__in=["erased", "merged"])
    if others.exists() or in_force().filter(person=person).exists():
        return 0
    conflicts = list(Conflict.objects.filter(person=person).exclude(note=""))
    for conflict in conflicts:
        conflict.perform("erase_note", by=by)
    empty_details([one.pk for one in conflicts])
    perform_many(list(Equality.objects.filter(person=person)), "erase", by=by)
    forget_own_rows(person)
    person.name, person.email, person.is_active = GONE, None, False
    person.set_unusable_password()
    person.save()
    advisor.person = person
    return 1


def forget_own_rows(person: Person) -> dict[str, int]:
    """Deletes the rows of `OWN`, by table."""
    counts: dict[str, int] = {}
    for relation in Person._meta.get_fields(include_hidden=True):
        if isinstance(relation, ForeignObjectRel) and relation.related_model._meta.label_lower in OWN:
            model: Any = relation.related_model
            gone = model._base_manager.filter(**{relation.field.name: person}).delete()[0]
            counts[model._meta.label_lower] = counts.get(model._meta.label_lower, 0) + gone
    return counts


def empty_details(keys: list[Any]) -> int:
    """Reasons and values in the trail of records that were erased; the database empties those of no other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT workflow_empty_details(%s::uuid[])", [[str(key) for key in keys]])
        return int(cursor.fetchone()[0])
