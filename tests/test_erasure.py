"""A person can go: nothing of theirs is found afterwards, and the trail still holds."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.management import call_command
from django.db import connection
from django.test import Client

from facility.registry.people import Person, Token
from facility.workflow import trail
from facility.workflow.engine import all_records
from tests import factories as make
from tests.advisory import making_matching as making
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
