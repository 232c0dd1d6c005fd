"""Sessions: a new key at the sign-in, their end when something about the person changes, and their limits."""

from __future__ import annotations

import re
import statistics
import time

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings as live
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from facility.registry.grants import Grant, grant
from facility.registry.people import Person
from facility.workflow.jobs import Job
from tests import factories as make
from tests.facility import signing
from tests.facility.signing import client, is_in

pytestmark = pytest.mark.django_db
COOKIE = live.SESSION_COOKIE_NAME
HARD = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]


def two_of(person):
    """Two browsers in which the person is signed in."""
    browsers = client(), client()
    for browser in browsers:
        signing.sign_in(browser, person)
        assert is_in(browser)
    return browsers


# -- the key


def test_signing_in_gives_a_new_key_so_that_one_planted_before_is_worth_nothing():
    person, browser, thief = make.person(), client(), client()
    session = browser.session
    session["planted"] = True
    session.save()
    browser.cookies[COOKIE] = thief.cookies[COOKIE] = session.session_key
    signing.sign_in(browser, person)
    assert is_in(browser) and browser.cookies[COOKIE].value != session.session_key
    assert not is_in(thief)


def test_control_a_key_that_is_kept_lets_the_thief_in(monkeypatch):
    from django.contrib.sessions.backends.db import SessionStore

    monkeypatch.setattr(SessionStore, "cycle_key", lambda self: None)
    person, browser, thief = make.person(), client(), client()
    session = browser.session
    session.save()
    browser.cookies[COOKIE] = thief.cookies[COOKIE] = session.session_key
    signing.sign_in(browser, person)
    assert is_in(thief)


# -- what ends all sessions


def disabled(person, office):
    person.is_active = False
    person.save()


def back_again(person, office):
    disabled(person, office)
    person.is_active = True
    person.save()


def other_password(person, office):
    person.set_password("another horse battery")
    person.save()


def role_given(person, office):
    one = office.grants.get(role="lead").programme
    grant(person, "evaluator", "programme", one.pk, by=office, programme=one)


def role_revoked(person, office):
    Grant.objects.get(person=person, role="policymaker").perform("revoke", by=office, reason="Moved on.")


CHANGES = [disabled, back_again, other_password, role_given, role_revoked]


@pytest.fixture
def office():
    return make.staff("lead", make.programme())


def with_a_role(office):
    return make.staff("policymaker", office.grants.get(role="lead").programme)


@pytest.mark.parametrize("change", CHANGES)
def test_all_sessions_end_when_something_about_the_person_changes(change, office):
    person = with_a_role(office)
    browsers = two_of(person)
    bystander = client()
    signing.sign_in(bystander, office)
    change(Person.objects.get(pk=person.pk), office)
    assert [is_in(browser) for browser in browsers] == [False, False]
    assert is_in(bystander)
    assert browsers[0].get("/api/grants/").json()["results"] == []


@pytest.mark.parametrize("change", [back_again, role_given, role_revoked])
def test_control_without_the_count_in_the_session_they_go_on(change, office, monkeypatch):
    monkeypatch.setattr(Person, "_get_session_auth_hash", lambda self, secret=None: self.password)
    person = with_a_role(office)
    browsers = two_of(person)
    change(Person.objects.get(pk=person.pk), office)
    assert [is_in(browser) for browser in browsers] == [True, True]


def test_a_grant_that_only_follows_from_a_step_leaves_people_signed_in():
    """Whoever accepts an evaluation gets the grant for this application on the way."""
    from facility.evaluation import Evaluation

    programme = make.programme()
    coordinator, evaluator = make.staff("coordinator", programme), make.staff("evaluator", programme)
    call = make.call(programme, coordinator)
    cluster = make.cluster()
    manager = make.manager_of(cluster)
    made = make.draft(call, manager, cluster)
    made.perform("submit", by=manager)
    made.perform("declare_eligible", by=coordinator, answers=make.MET)
    asked = Evaluation().perform("assign", by=coordinator, application=made, evaluator=evaluator)
    browser = client()
    signing.sign_in(browser, evaluator)
    asked.perform("accept", by=evaluator)
    assert Grant.objects.filter(person=evaluator, scope_type="application").exists()
    assert is_in(browser)


def test_saving_a_person_read_before_does_not_undo_the_ending_of_sessions():
    person = make.person()
    stale = Person.objects.get(pk=person.pk)
    browsers = two_of(person)
    person.end_sessions()
    stale.language = "nl"
    stale.save()
    assert [is_in(browser) for browser in browsers] == [False, False]


def test_what_a_session_must_match_costs_no_query(django_assert_num_queries):
    browser = client()
    signing.sign_in(browser, make.person())
    with django_assert_num_queries(2):  # session and person, as Django does
        browser.get("/api/")


# -- one's own sessions


def test_a_person_sees_their_sessions_and_ends_one_or_all_others():
    person = make.person()
    here, there = two_of(person)
    third = client()
    signing.sign_in(third, person)
    page = here.get("/workspace/account/").content.decode()
    assert page.count("Sign out there") == 2
    one = UserSession.objects.get(session_key=there.cookies[COOKIE].value)
    here.post("/workspace/account/sessions/", {"session": one.pk})
    assert [is_in(browser) for browser in (here, there, third)] == [True, False, True]
    here.post("/workspace/account/sessions/")
    assert [is_in(browser) for browser in (here, there, third)] == [True, False, False]
    assert here.get("/workspace/account/").content.decode().count("Sign out there") == 0


def test_nobody_ends_the_session_of_somebody_else():
    victim, _second = two_of(make.person())
    browser = client()
    signing.sign_in(browser, make.person())
    one = UserSession.objects.get(session_key=victim.cookies[COOKIE].value)
    browser.post("/workspace/account/sessions/", {"session": one.pk})
    assert is_in(victim)


# -- limits


def asks_the_api(browser, call):
    """401 for nobody; whoever is known is told what else is missing."""
    return browser.post(f"/api/calls/{call.pk}/perform/edit/", "{}", content_type="application/json")


@pytest.fixture
def call(office):
    return make.call(office.grants.get(role="lead").programme, office, open_now=False)


@pytest.mark.parametrize(("after", "status"), [(29 * 60, 428), (31 * 60, 401)])
def test_the_api_by_session_keeps_the_limit_of_idle_staff(at, office, call, after, status):
    browser = client()
    signing.sign_in(browser, office)
    at(after)
    answer = asks_the_api(browser, call)
    assert answer.status_code == status and answer["Content-Type"] == "application/problem+json"
    assert is_in(browser) is (status == 428)


def test_the_api_by_session_ends_after_eight_hours_also_for_those_who_never_rest(at, office, call):
    browser = client()
    signing.sign_in(browser, office)
    for minutes in range(0, 8 * 60 + 1, 20):
        at(minutes * 60)
        assert asks_the_api(browser, call).status_code == 428
    at(8 * 3600 + 1)
    assert asks_the_api(browser, call).status_code == 401


@pytest.mark.parametrize("limit", ["SESSION_IDLE", "SESSION_COOKIE_AGE"])
def test_control_without_its_limit_a_session_goes_on(at, settings, limit):
    settings.SESSION_IDLE = settings.SESSION_COOKIE_AGE = 10**9
    browser = client()
    signing.sign_in(browser, make.staff("lead", make.programme()))
    at({"SESSION_IDLE": 31 * 60, "SESSION_COOKIE_AGE": 8 * 3600 + 1}[limit])
    assert is_in(browser)


# -- tries, and what the answers tell


def tries(person, *, count, browser=None):
    """How many of the tries were let through to a comparison."""
    answers = [signing.sign_in(browser or client(), person, "wrong") for _try in range(count)]
    return sum(b"Too many" not in answer.content for answer in answers)


def test_an_account_is_tried_five_times_from_wherever():
    person = make.person()
    assert tries(person, count=8) == 5
    assert signing.sign_in(client(), person).status_code != 302


def test_an_address_tries_ten_accounts():
    browser = client()
    people = [make.person() for _each in range(12)]
    assert sum(tries(one, count=1, browser=browser) for one in people) == 10


def test_control_without_limits_all_tries_are_compared(settings):
    settings.ACCOUNT_RATE_LIMITS = False
    assert tries(make.person(), count=12) == 12


def test_a_new_password_is_asked_for_five_times_an_account_and_twenty_an_address():
    person, browser = make.person(), client()
    asked = [client().post("/accounts/password/reset/", {"email": person.email}).status_code for _each in range(7)]
    assert asked.count(302) == 5 and asked[-1] == 429
    asked = [browser.post("/accounts/password/reset/", {"email": f"n{n}@example.org"}).status_code for n in range(22)]
    assert asked.count(302) == 20 and asked[-1] == 429


def plain(answer, *addresses):
    """The page without what differs by chance or was typed."""
    text = answer.content.decode()
    for address in addresses:
        text = text.replace(address, "ADDRESS")
    return re.sub(r'value="[A-Za-z0-9]{64}"|nonce="[^"]+"|<time.*?</time>|Page of [^<]+', "", text)


def test_answers_for_known_and_unknown_addresses_are_the_same():
    person, nobody = make.person(), Person(email="nobody@example.org")
    known, unknown = (signing.sign_in(client(), one, "wrong horse battery") for one in (person, nobody))
    assert known.status_code == unknown.status_code == 200
    assert plain(known, person.email) == plain(unknown, nobody.email)
    pages = [client().post("/accounts/password/reset/", {"email": one.email}, follow=True) for one in (person, nobody)]
    assert plain(pages[0], person.email) == plain(pages[1], nobody.email)


def test_the_letter_is_a_job_which_an_unknown_address_costs_too():
    person = make.person()
    for address in (person.email, "nobody@example.org"):
        client().post("/accounts/password/reset/", {"email": address})
    assert mail.outbox == [] and Job.objects.filter(name="facility.mail_new_password").count() == 2
    assert not any("@" in str(job.args) for job in Job.objects.all())
    (letter,) = signing.work("facility.mail_new_password")
    assert letter.to == [person.email]
    browser = client()
    form = browser.get(signing.path_in(letter), follow=True)
    where = form.redirect_chain[-1][0]
    browser.post(where, {"password1": "a new horse battery", "password2": "a new horse battery"})
    assert signing.sign_in(client(), person, "a new horse battery").status_code == 302
    assert b"new horse" not in client().get(signing.path_in(letter), follow=True).content
    assert "password1" not in client().get(signing.path_in(letter), follow=True).content.decode()


def medians(act, known, unknown, rounds, clock):
    """The medians of both in milliseconds, taken in turns."""
    taken = {known: [], unknown: []}
    for at_ in range(rounds):
        for one in (known, unknown) if at_ % 2 else (unknown, known):
            browser = client()
            before = clock()
            act(browser, one)
            taken[one].append(clock() - before)
    return [statistics.median(taken[one]) * 1000 for one in (known, unknown)]


@pytest.fixture
def unlimited(settings):
    settings.ACCOUNT_RATE_LIMITS = False
    settings.PASSWORD_HASHERS = HARD


def compared(act, rounds):
    """The medians for somebody's address with the wrong password, and for nobody's.

    In time of the processor, where passwords are compared: a busy machine does not blur it.
    """
    known, unknown = medians(act, make.person().email, "nobody@example.org", rounds, time.thread_time)
    print(f"known {known:.1f} ms, unknown {unknown:.1f} ms")
    return known, unknown


def signs_in(browser, email):
    browser.post("/accounts/login/", {"login": email, "password": "wrong horse battery"})


def asks(browser, email):
    browser.post("/accounts/password/reset/", {"email": email})


def test_signing_in_takes_as_long_for_an_unknown_address(unlimited):
    known, unknown = compared(signs_in, 11)
    assert abs(known - unknown) < 0.15 * known


def test_control_without_the_comparison_for_nobody_the_difference_is_seen(unlimited, monkeypatch):
    from allauth.account.auth_backends import AuthenticationBackend

    monkeypatch.setattr(AuthenticationBackend, "_mitigate_timing_attack", lambda self, password: None)
    known, unknown = compared(signs_in, 5)
    assert abs(known - unknown) > 0.5 * known


def test_asking_for_a_new_password_takes_as_long_for_an_unknown_address(unlimited):
    known, unknown = compared(asks, 41)
    assert abs(known - unknown) < 0.25 * known


@pytest.mark.parametrize("act", [signs_in, asks])
def test_both_addresses_cost_the_same_statements(unlimited, act):
    said = []
    for email in (make.person().email, "nobody@example.org"):
        browser = client()
        with CaptureQueriesContext(connection) as queries:
            act(browser, email)
        said.append([re.sub(r"'[^']*'|\d+", "?", one["sql"])[:60] for one in queries])
    assert said[0] == said[1]
