"""Second factors: who needs one, what counts, and that a session is another one once it has been shown."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator

from facility import accounts
from tests import factories as make
from tests.facility import signing
from tests.facility.signing import client, is_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _demanded(settings):
    settings.SECOND_FACTOR = True


@pytest.mark.parametrize("role", ["lead", "coordinator", "evaluator"])
def test_these_roles_are_led_to_a_page_that_offers_both_factors(role):
    person, browser = make.staff(role, make.programme()), client()
    signing.sign_in(browser, person)
    for path in ("/workspace/", "/workspace/account/", "/workspace/account/tokens/"):
        assert browser.get(path)["Location"] == "/accounts/2fa/"
    page = browser.get("/accounts/2fa/").content.decode()
    assert "/accounts/2fa/webauthn/add/" in page and "/accounts/2fa/totp/activate/" in page


@pytest.mark.parametrize("role", ["observer", "policymaker", "administrator"])
def test_others_are_not(role):
    person, browser = make.staff(role, make.programme()), client()
    signing.sign_in(browser, person)
    assert is_in(browser)


def test_the_api_says_so_with_a_problem_document():
    person, browser = make.staff("coordinator", make.programme()), client()
    signing.sign_in(browser, person)
    answer = browser.get("/api/projects/")
    assert answer.status_code == 403 and answer["Content-Type"] == "application/problem+json"
    assert "second factor" in answer.json()["detail"] and answer.json()["request_id"]
    assert browser.post("/api/calls/", "{}", content_type="application/json").status_code == 403


def test_control_without_the_gate_the_api_answers(monkeypatch):
    monkeypatch.setattr(accounts, "WITH_SECOND_FACTOR", set())
    person, browser = make.staff("coordinator", make.programme()), client()
    signing.sign_in(browser, person)
    assert browser.get("/api/projects/").status_code == 200


def signed_in_with(person, code):
    browser = client()
    signing.sign_in(browser, person)
    assert not is_in(browser)
    browser.post("/accounts/2fa/authenticate/", {"code": code})
    return is_in(browser)


def test_a_recovery_code_works_once():
    person = make.staff("lead", make.programme())
    first, second, *_rest = signing.with_app(person)
    assert signed_in_with(person, first)
    assert not signed_in_with(person, first)
    assert signed_in_with(person, second)


def test_a_code_of_the_app_works_once_and_a_wrong_one_never():
    person = make.staff("lead", make.programme())
    signing.with_app(person)
    code = signing.code_of()
    assert not signed_in_with(person, f"{(int(code) + 1) % 1_000_000:06}")
    assert signed_in_with(person, code)
    assert not signed_in_with(person, code)


def test_codes_are_tried_five_times_and_not_more_from_wherever_they_come():
    person = make.staff("lead", make.programme())
    first, *_rest = signing.with_app(person)
    for _try in range(5):
        assert not signed_in_with(person, "000000")
    assert not signed_in_with(person, first)


def test_control_without_the_limit_the_sixth_try_gets_in(settings):
    settings.ACCOUNT_RATE_LIMITS = False
    person = make.staff("lead", make.programme())
    first, *_rest = signing.with_app(person)
    for _try in range(5):
        assert not signed_in_with(person, "000000")
    assert signed_in_with(person, first)


def test_recovery_codes_alone_are_no_second_factor():
    person = make.staff("lead", make.programme())
    signing.with_app(person)
    Authenticator.objects.filter(user=person, type="totp").delete()
    assert not accounts.has_second_factor(person)


def test_changing_factors_asks_anew_who_it_is(settings):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    person, browser = make.person(), client()
    signing.sign_in(browser, person)
    for path in ("/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"):
        assert browser.get(path)["Location"].startswith("/accounts/reauthenticate/")
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    assert browser.get("/accounts/2fa/totp/activate/").status_code == 200


def test_the_gate_costs_no_query(django_assert_num_queries):
    person, browser = make.staff("lead", make.programme()), client()
    signing.with_app(person)
    signing.sign_in(browser, person)
    browser.post("/accounts/2fa/authenticate/", {"code": signing.code_of()})
    with django_assert_num_queries(2):  # session and person
        browser.get("/api/")
