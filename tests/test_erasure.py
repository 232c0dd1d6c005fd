"""A person can go: nothing of theirs is found afterwards, and the trail still holds."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.management import call_command
from django.db import connection
from django.test import Client

from advisory.assignment import Assignment
from advisory.matchrun import MatchRun
from advisory.searchable import CvSentence
from advisory.shortlist import ShortlistEntry
from facility.asked import Asked
from facility.instruments.signature import texts_of
from facility.registry.conflicts import Conflict
from facility.registry.contact import Contact
from facility.registry.evaluator import EvaluatorProfile, ProfileEmployer
from facility.registry.people import Person, Token
from facility.workflow import trail
from facility.workflow.engine import all_records
from facility.workflow.steps import SYSTEM
from tests import factories as make
from tests.advisory import making_matching as making
from tests.advisory import making_pool as pool
from tests.facility import judging
from tests.facility import making_registry as registry
from tests.facility.making_selection import after_closing, approved, crowd, scene


def hits(word: str) -> list[str]:
    """The tables whose rows hold the word anywhere."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text ILIKE %s', [f"%{word}%"])
            if cursor.fetchone()[0]:
                found.append(table)
    return found


@pytest.fixture
def advisor(committed):
    programme = make.programme()
    _lead, coordinator, _evaluator = making.office(programme)
    made = making.pooled(programme, coordinator)
    person = made.person
    person.email, person.name = "zacharias.quill@example.org", "Zacharias Quillfeather"
    person.save()
    Token.make(person, "laptop")
    return made


def test_nothing_of_an_erased_person_is_found(advisor, as_owner, capsys):
    address, name = "zacharias.quill@example.org", "Quillfeather"
    assert "facility_person" in hits(name)
    call_command("erase_person", str(advisor.person_id))
    assert json.loads(capsys.readouterr().out)["files"] == 1
    assert hits(name) == [] and hits(address) == []
    assert not Person.objects.get(pk=advisor.person_id).is_active
    assert trail.verify(all_records()) == []


def test_runs_that_failed_and_scores_of_assignments_tell_nothing_of_an_erased_person(advisor, as_owner):
    programme = advisor.programme
    people = making.office(programme)
    making.projects(programme, people, [{}])
    making.requested(programme, people[1], kinds=["business"])
    assert making.run("advisory.run_match") == ["done"]
    assert any(part["evidence"] for part in Assignment.objects.get().parts)
    failed = making.requested(programme, people[1], kinds=["business"])
    failed.perform("start", by=SYSTEM)
    failed.perform("fail", by=SYSTEM, why="Zacharias Quillfeather has no place left.")
    call_command("erase_person", str(advisor.person_id))
    assert hits("Quillfeather") == []
    assert all(not part["evidence"] for part in Assignment.objects.get().parts)
    assert all(run.people_out == 1 for run in MatchRun.objects.all())


def test_notes_and_the_place_on_a_list_are_told_and_go_with_the_sentences(advisor, as_owner, capsys):
    coordinator = make.staff("coordinator", advisor.programme)
    pool.note(advisor, coordinator, "Prefers Quill-Feather of Ghent.")
    pool.shortlist(advisor.programme, coordinator, advisor)
    pool.indexed()
    call_command("export_person", str(advisor.person_id))
    told = json.loads(capsys.readouterr().out)
    assert told["advisory.advisornote"][0]["text"] == "Prefers Quill-Feather of Ghent."
    assert len(told["advisory.shortlistentry"]) == 1
    call_command("erase_person", str(advisor.person_id))
    assert json.loads(capsys.readouterr().out)["advisory.cvsentence"] > 0
    assert hits("Quill-Feather of Ghent") == []
    assert hits(str(advisor.pk)) and not CvSentence.objects.exists() and not ShortlistEntry.objects.exists()
    assert trail.verify(all_records()) == []


def test_what_clusters_wrote_of_an_erased_advisor_goes_and_the_agreement_stays(committed, as_owner, capsys):
    programme = make.programme()
    people = making.office(programme)
    (project,) = making.projects(programme, people, [{}])
    advisor = making.pooled(programme, people[1], name="Zacharias Quillfeather")
    work = making.active(project, advisor, people[1])
    head = making.head_of(project)
    making.preferred(project, head, "zacharias quillfeather")
    digest = work.agreement.text
    assert "advisory_preference" in hits("quillfeather")
    call_command("erase_person", str(advisor.person_id))
    assert hits("quillfeather") == []
    assert type(work.agreement).objects.get().text == digest
    assert trail.verify(all_records()) == []


def test_the_words_of_a_question_go_and_its_published_answer_stays(advisor, as_owner, capsys):
    programme = make.programme()
    coordinator = make.staff("coordinator", programme)
    call = make.call(programme, coordinator)
    make.grant(advisor.person, "manager", "cluster", make.cluster().pk, by=make.SYSTEM)
    asked = Asked().perform("ask", by=advisor.person, call=call, text="I, Z. Quill-Feather of Ghent, ask: why?")
    asked.perform("prepare_answer", by=coordinator, wording="Why?", reply="Because.").perform("publish", by=coordinator)
    call_command("export_person", str(advisor.person_id))
    assert "Quill-Feather of Ghent" in json.loads(capsys.readouterr().out)["facility.asked"][0]["text"]
    call_command("erase_person", str(advisor.person_id))
    assert hits("Quill-Feather of Ghent") == []
    assert Asked.objects.get().answer == "Because."
    assert trail.verify(all_records()) == []


def test_a_person_gets_what_is_held_on_them(advisor, as_owner, capsys):
    call_command("export_person", str(advisor.person_id))
    told = json.loads(capsys.readouterr().out)
    assert told["facility.person"][0]["name"] == "Zacharias Quillfeather"
    assert told["advisory.curriculumvitae"][0]["fields"]
    assert "password" not in told["facility.person"][0]


def test_what_one_signs_in_with_is_not_printed(advisor, as_owner, capsys):
    client = Client()
    client.force_login(advisor.person)
    key = client.session.session_key
    UserSession.objects.create(user=advisor.person, session_key=key, ip="192.0.2.7", user_agent="Firefox", data={})
    Authenticator.objects.create(user=advisor.person, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    call_command("export_person", str(advisor.person_id))
    said = capsys.readouterr().out
    assert "192.0.2.7" in said and key not in said and "JBSWY3DPEHPK3PXP" not in said


def test_the_application_itself_may_not_erase(advisor):
    from django.db import DatabaseError

    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
        call_command("erase_person", str(advisor.person_id))


@pytest.fixture
def part(committed):
    programme = make.programme()
    lead = make.cluster()
    manager = make.manager_of(lead)
    bid = make.draft(make.call(programme, make.staff("coordinator", programme)), manager, lead)
    told = {"name": "Zacharias Quillfeather", "email": "zacharias.quill@example.org", "role": "Tester"}
    bid.perform("ask_partner", by=manager, cluster=make.cluster("TN").pk, **told)
    partner = bid.partners.get()
    answer = {"partner": partner.pk, "role": "Tester", "contribution": "Firms."}
    bid.perform("confirm_part", by=partner.contact, **answer)
    return partner


def test_nothing_of_an_erased_contact_of_a_partner_is_found(part, as_owner, capsys):
    call_command("export_person", str(part.contact_id))
    assert json.loads(capsys.readouterr().out)["facility.applicationpartner"]
    call_command("erase_person", str(part.contact_id))

    assert hits("Quillfeather") == [] and hits("zacharias.quill") == []
    part.refresh_from_db()
    assert part.answered_by.name == "Erased person"
    assert trail.verify(all_records()) == []


def test_a_profile_can_be_exported_and_erased(committed, as_owner, capsys):
    made = judging.scene(evaluators=1, bids=1)
    person = made.evaluators[0]
    judging.profile(made, person, languages=["pl"], employers=[{"name": "Quillfeather Weaving", "kind": "employment"}])
    tie = {"person": str(person.pk), "cluster": str(make.cluster().pk), "kind": "personal"}
    Conflict().perform("declare", by=SYSTEM, note="Quillfeather is a cousin", **tie)
    call_command("export_person", str(person.pk))
    assert capsys.readouterr().out.count("Quillfeather") == 2
    call_command("erase_person", str(person.pk))
    assert not ProfileEmployer.objects.exists()
    kept = EvaluatorProfile.objects.get()
    assert (kept.languages, Conflict.objects.get().note) == ([], "")
    assert trail.verify(all_records()) == []


@pytest.fixture
def signatory(committed):
    """Somebody who has signed a declaration and is shown as a contact."""
    programme = make.programme()
    cluster = make.cluster()
    manager = make.person("", ("manager", "cluster", cluster), programme=programme)
    person = make.person("Zacharias Quillfeather")
    engagement = registry.engagement(cluster, manager, [(registry.member(cluster, manager), person)])
    engagement.perform("sign", by=person, seen=texts_of(engagement).get().sha256, has_read=True)
    contact = registry.contact(programme, cluster, manager, person)
    contact.perform("agree", by=person, consent=True).perform("release", by=manager)
    return person


def test_who_signed_and_is_a_contact_gets_it_told_and_can_go(signatory, as_owner, capsys):
    call_command("export_person", str(signatory.pk))
    told = json.loads(capsys.readouterr().out)
    assert {"facility.contact", "facility.signatory", "facility.signature"} <= set(told)
    call_command("erase_person", str(signatory.pk))
    assert hits("Quillfeather") == [] and hits(signatory.email) == []
    assert Contact.objects.get(person=signatory).state == "ended"
    assert trail.verify(all_records()) == []


def test_letters_are_told_to_their_reader_and_go_with_them(committed, as_owner, capsys):
    call, lead, coordinator, _evaluator = scene(places=1)
    with after_closing(call):
        (one,) = crowd(call, 1)
        selection = approved(call, coordinator, lead)
    (letter,) = selection.staged()
    call_command("export_person", str(letter.to_id))
    assert "Dear Manager 000" in json.loads(capsys.readouterr().out)["facility.letter"][0]["body"]
    call_command("erase_person", str(letter.to_id))
    assert hits("Manager 000") == []
    assert selection.staged().count() == 0 and one.selection_lines.count() == 1
