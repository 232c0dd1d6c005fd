"""Assignments at the same instant: the last place, the last days, the lead, a conflict at the moment of the start."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from advisory.agreement import Agreement
from advisory.assignment import Assignment
from advisory.checks import LIVE, days_left_of, days_left_on
from advisory.forms.assigning import ReviseAgreement
from facility.registry import conflicts
from facility.registry.conflicts import Conflict
from facility.roles import in_force
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory.test_offers import run_with_runner_up
from tests.faults.test_races import LONG, before_commit, changed, done, fresh, refused, step, together

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("committed")]


@pytest.fixture
def scene():
    programme = make.programme()
    people = matching.office(programme)
    return programme, people, people[1]


def last_place(scene):
    """Two proposals for an advisor who takes one project."""
    programme, people, coordinator = scene
    advisor = matching.pooled(programme, coordinator, capacity=1)
    return [matching.proposed(one, advisor, coordinator) for one in matching.projects(programme, people, [{}, {}])]


def test_the_last_place_of_an_advisor_is_given_once(scene):
    pair = last_place(scene)
    answers = before_commit(*(step(one, "approve", scene[2]) for one in pair))
    assert len(done(answers)) == 1 and "takes 1 at once" in refused(answers)[0]
    assert Assignment.objects.filter(state__in=LIVE).count() == 1


def test_control_without_the_lock_the_last_place_is_given_twice(scene, monkeypatch):
    pair = last_place(scene)
    changed(monkeypatch, Assignment, "approve", locks="")
    assert len(done(before_commit(*(step(one, "approve", scene[2]) for one in pair), pause=LONG))) == 2


def last_days(scene):
    """Two advisors of either kind, who together want more days than the project has."""
    programme, people, coordinator = scene
    (project,) = matching.projects(programme, people, [{}])
    pair = []
    for kind in ("business", "sustainability"):
        advisor = matching.pooled(programme, coordinator, kind=kind)
        values = {"project": project, "advisor": advisor, "kind": kind, "reason": "Knows it.", "days": 15}
        pair.append(Assignment().perform("propose", by=coordinator, **values))
    return project, pair


def test_the_last_days_of_a_project_are_given_once(scene):
    project, pair = last_days(scene)
    answers = before_commit(*(step(one, "approve", scene[2]) for one in pair))
    assert len(done(answers)) == 1 and "has 5 of 20 days left" in refused(answers)[0]
    assert days_left_on(project) == 5


def test_control_without_the_lock_the_last_days_are_given_twice(scene, monkeypatch):
    project, pair = last_days(scene)
    changed(monkeypatch, Assignment, "approve", locks="")
    monkeypatch.setattr(Assignment, "lock_project", lambda self: None)
    gate, real = threading.Barrier(2), Assignment.lacking_days

    def look(self):
        said = real(self)
        gate.wait(20)  # both look before either commits
        return said

    monkeypatch.setattr(Assignment, "lacking_days", look)
    assert len(done(together(*(step(one, "approve", scene[2]) for one in pair)))) == 2
    assert days_left_on(project) == -10


def declined(scene):
    """A place that was declined, its runner-up, and somebody proposed by hand for it."""
    programme, people, coordinator = scene
    (project,) = matching.projects(programme, people, [{}])
    advisors = [matching.pooled(programme, coordinator) for _one in range(3)]
    one = run_with_runner_up(programme, coordinator, project, *advisors[:2])
    for name, person, data in (
        ("approve", coordinator, {}),
        ("offer", coordinator, {}),
        ("decline", advisors[0].person, {"reason": "No."}),
    ):
        one.perform(name, by=person, **data)
    return one, matching.proposed(project, advisors[2], coordinator)


def agreed(scene, *, on_one_project):
    """Two assignments of five days each that were accepted: on one project, or of one advisor who gives twenty days."""
    programme, people, coordinator = scene
    projects = matching.projects(programme, people, [{}] if on_one_project else [{}, {}])
    if on_one_project:
        kinds = ("business", "sustainability")
        places = [(projects[0], matching.pooled(programme, coordinator, kind=kind), kind) for kind in kinds]
    else:
        advisor = fresh(matching.pooled(programme, coordinator, capacity=9))
        rest = {name: getattr(advisor, name) for name in ("kind", "areas", "languages", "countries", "capacity")}
        advisor.perform("edit", by=coordinator, **rest, days=20)
        places = [(project, advisor, "business") for project in projects]
    made = []
    for project, advisor, kind in places:
        one = matching.proposed(project, advisor, coordinator, kind).perform("approve", by=coordinator, days=5)
        one.perform("offer", by=coordinator)
        made.append(one.perform("accept", by=advisor.person))
    return made


def fifteen_days_each(scene, pair, monkeypatch):
    """Two agreements over fifteen days, drafted at once: either form has found the days before either writes them."""
    gate, real, seen = threading.Barrier(2), ReviseAgreement.check_days, set()

    def check(form, assignment, days):
        real(form, assignment, days)
        if threading.get_ident() not in seen:  # whoever begins anew does not wait again
            seen.add(threading.get_ident())
            gate.wait(20)

    monkeypatch.setattr(ReviseAgreement, "check_days", check)
    return together(*(partial(matching.drafted, one, scene[2], days=15) for one in pair))


@pytest.mark.parametrize("on_one_project", [True, False])
def test_two_agreements_do_not_take_the_same_days(scene, on_one_project, monkeypatch):
    pair = agreed(scene, on_one_project=on_one_project)
    answers = fifteen_days_each(scene, pair, monkeypatch)
    assert len(done(answers)) == 1 and "has 5 of 20 days left" in refused(answers)[0]
    assert sorted(fresh(one).days for one in pair) == [5, 15] and Agreement.objects.count() == 1


@pytest.mark.parametrize("on_one_project", [True, False])
def test_control_without_the_locks_two_agreements_take_the_same_days(scene, on_one_project, monkeypatch):
    pair = agreed(scene, on_one_project=on_one_project)
    changed(monkeypatch, Assignment, "take_days", locks="")
    monkeypatch.setattr(Assignment, "lock_project", lambda self: None)
    gate, real = threading.Barrier(2), Assignment.lacking_days

    def look(self):
        said = real(self)
        gate.wait(20)  # both look before either commits
        return said

    monkeypatch.setattr(Assignment, "lacking_days", look)
    assert len(done(fifteen_days_each(scene, pair, monkeypatch))) == 2
    assert [fresh(one).days for one in pair] == [15, 15]
    left = days_left_on(pair[0].project) if on_one_project else days_left_of(pair[0].advisor)
    assert left == -10


def test_an_agreement_is_not_drafted_while_its_assignment_is_withdrawn(scene):
    one, _other = agreed(scene, on_one_project=True)
    withdraw = step(one, "withdraw", scene[2], reason="Late.")
    answers = before_commit(withdraw, partial(matching.drafted, one, scene[2]), pause=LONG)
    assert len(done(answers)) == 1 and "is possible only from" in refused(answers)[0]
    assert not Agreement.objects.exists()


def test_control_without_asking_the_assignment_the_agreement_is_there(scene, monkeypatch):
    one, _other = agreed(scene, on_one_project=True)
    monkeypatch.setattr(Agreement, "after_step", lambda self, name, *, by: None)
    withdraw = step(one, "withdraw", scene[2], reason="Late.")
    assert len(done(before_commit(withdraw, partial(matching.drafted, one, scene[2]), pause=LONG))) == 2
    assert (fresh(one).state, Agreement.objects.get().state) == ("withdrawn", "open")


def test_a_runner_up_and_another_do_not_both_get_the_place(scene):
    one, by_hand = declined(scene)
    answers = before_commit(step(one, "offer_next", scene[2]), step(by_hand, "approve", scene[2]))
    assert len(done(answers)) == 1
    assert Assignment.objects.filter(state__in=LIVE).count() == 1


def test_two_clicks_on_the_runner_up_are_one_offer(scene):
    one, _by_hand = declined(scene)
    answers = together(*(step(one, "offer_next", scene[2]) for _click in range(2)))
    assert len(done(answers)) == 1 and "is on the project already" in refused(answers)[0]
    assert Assignment.objects.filter(state="offered").count() == 1


def test_control_without_the_guard_only_the_database_refuses_the_second(scene, monkeypatch):
    one, by_hand = declined(scene)
    changed(monkeypatch, Assignment, "approve", guards=())
    answers = before_commit(step(one, "offer_next", scene[2]), step(by_hand, "approve", scene[2]))
    assert refused(answers) == ["This is there already, or somebody else has just entered it."]


def test_a_project_has_one_lead_whoever_is_named_at_once(scene):
    project, pair = last_days(scene)
    for one in pair:
        one.perform("approve", by=scene[2], days=5)
    first = Assignment.objects.get(project=project, is_lead=True)
    other = Assignment.objects.exclude(pk=first.pk).get()
    other.perform("make_lead", by=scene[2])
    together(step(first, "make_lead", scene[2]), step(other, "make_lead", scene[2]))
    assert Assignment.objects.filter(project=project, is_lead=True).count() == 1


def starting(scene):
    """An assignment that is about to start, and a conflict that is about to be declared."""
    programme, people, coordinator = scene
    (project,) = matching.projects(programme, people, [{}])
    advisor = matching.pooled(programme, coordinator)
    one = matching.accepted(project, advisor, coordinator)
    matching.signed(one, coordinator)
    tie = {"person": advisor.person_id, "cluster": project.application.lead_cluster_id, "kind": "other"}
    return one, advisor.person, lambda: Conflict().perform("declare", by=coordinator, **tie)


def sight(person):
    return in_force().filter(person=person, role="advisor", scope_type="project").exists()


def test_a_conflict_at_the_moment_of_the_start_ends_sight_whichever_comes_first(scene):
    one, person, declare = starting(scene)
    _declared, started = before_commit(declare, step(one, "start", scene[2]))
    assert "conflict of interest" in str(started) and not sight(person)
    other, somebody, again = starting(scene)
    assert len(done(before_commit(step(other, "start", scene[2]), again))) == 2
    assert fresh(other).state == "active" and fresh(other).conflicted_at and not sight(somebody)


def test_control_without_the_follower_whoever_starts_first_sees_it(scene, monkeypatch):
    monkeypatch.setattr(conflicts, "_followers", [])
    one, person, declare = starting(scene)
    before_commit(step(one, "start", scene[2]), declare)
    assert sight(person)


def signing(scene):
    """An agreement that the advisor is about to sign, and that is about to be changed."""
    programme, people, coordinator = scene
    (project,) = matching.projects(programme, people, [{}])
    one = matching.accepted(project, matching.pooled(programme, coordinator), coordinator)
    agreement = matching.drafted(one, coordinator)
    values = {"targets": "Ten firms.", "days": 3, "deliverables": agreement.deliverables}
    revise = step(agreement, "revise", coordinator, **values)
    return agreement, revise, lambda: matching.sign(fresh(agreement), one.advisor.person)


def test_nobody_signs_a_text_that_is_being_changed(scene):
    agreement, revise, sign = signing(scene)
    answers = before_commit(revise, sign)
    assert "The text has changed since you opened it" in refused(answers)[0]
    assert not fresh(agreement).advisor_has_signed


def test_control_without_the_digest_the_new_text_is_signed_unseen(scene, monkeypatch):
    from advisory import agreement as module
    from facility.instruments.signature import texts_of

    agreement, revise, sign = signing(scene)
    real = module.sign
    monkeypatch.setattr(module, "sign", lambda one, by, seen, side: real(one, by, texts_of(one)[0].sha256, side))
    assert len(done(before_commit(revise, sign))) == 2
    assert fresh(agreement).advisor_has_signed and fresh(agreement).text_number == 2
