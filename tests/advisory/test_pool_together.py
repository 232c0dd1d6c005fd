"""Two coordinators at the same list at the same moment; each try really commits."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from advisory.shortlist import Shortlist
from facility.workflow.steps import Refused
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_pool as pool

pytestmark = pytest.mark.usefixtures("committed")


def both(act):
    """Runs `act(0)` and `act(1)` side by side; answers what each said, a refusal as its sentence, in order."""
    gate, said = threading.Barrier(2), []

    def one(number):
        gate.wait()
        try:
            said.append(str(act(number)))
        except Refused as refused:
            said.append(str(refused))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(said)


@pytest.fixture
def office():
    programme = make.programme()
    return programme, [make.staff("coordinator", programme) for _two in range(2)]


def test_two_lists_of_one_name_become_one(office):
    programme, people = office
    said = both(lambda number: pool.shortlist(programme, people[number]).name)
    assert said == ["Water in the spring", "name: There is a list of this name already."]
    assert Shortlist.objects.count() == 1


def test_control_without_the_unique_name_there_are_two(office, owner, monkeypatch):
    """Shows that the test above looks: without the index both pass the form's check, as the barrier sees to."""
    programme, people = office
    owner.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'shortlist_name_once_per_programme'")
    (made,) = owner.fetchone()
    owner.execute("DROP INDEX shortlist_name_once_per_programme")
    passed, put_on = threading.Barrier(2), Shortlist.put_on
    monkeypatch.setattr(Shortlist, "put_on", lambda self, advisors: (passed.wait(10), put_on(self, advisors)))
    try:
        said = both(lambda number: pool.shortlist(programme, people[number]).name)
        assert said == ["Water in the spring", "Water in the spring"]
    finally:
        owner.execute("TRUNCATE advisory_shortlist CASCADE")
        owner.execute(made)


def test_one_advisor_put_on_by_two_stands_there_once_and_both_are_told_it_is_done(office):
    programme, people = office
    made = pool.shortlist(programme, people[0])
    advisor = matching.candidate(programme, people[0])
    said = both(
        lambda number: Shortlist.objects.get(pk=made.pk).perform("add", by=people[number], advisors=[str(advisor.pk)])
    )
    assert said == ["Water in the spring"] * 2
    assert Shortlist.objects.get().entry_count == made.entries.count() == 1
