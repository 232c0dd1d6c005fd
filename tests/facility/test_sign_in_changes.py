"""What changes when a second factor comes or goes; with transactions that really end."""

from __future__ import annotations

import re
import threading

import pytest
from django.conf import settings as live
from django.contrib.sessions.models import Session
from django.db import connection

from facility import accounts
from tests import factories as make
from tests.facility import signing
from tests.facility.signing import client, is_in

COOKIE = live.SESSION_COOKIE_NAME


@pytest.fixture(autouse=True)
def _demanded(settings):
    settings.SECOND_FACTOR = True


def key(browser):
    return browser.cookies[COOKIE].value


def set_up(browser):
    """The person sets up an app on the page; answers the page of recovery codes."""
    page = browser.get("/accounts/2fa/totp/activate/").content.decode()
    secret = re.search(r'id="authenticator_secret">(\w+)<', page)[1]
    with_codes = browser.post("/accounts/2fa/totp/activate/", {"code": signing.code_of(secret)}, follow=True)
    return with_codes.content.decode()


def test_setting_one_up_opens_the_workspace_under_a_new_key_and_ends_all_other_sessions(committed):
    person, browser, other = make.staff("lead", make.programme()), client(), client()
    signing.sign_in(browser, person)
    signing.sign_in(other, person)
    before = key(browser)
    page = set_up(browser)
    assert len(re.findall(r"\b\d{8}\b", page)) == 10
    assert key(browser) != before and not Session.objects.filter(pk=before).exists()
    assert is_in(browser)
    assert other.get("/workspace/")["Location"].startswith("/accounts/login/")


def test_recovery_codes_are_shown_once(committed):
    person, browser = make.staff("lead", make.programme()), client()
    signing.sign_in(browser, person)
    set_up(browser)
    again = browser.get("/accounts/2fa/recovery-codes/", follow=True).content.decode()
    assert re.findall(r"\b\d{8}\b", again) == []
    assert browser.get("/accounts/2fa/recovery-codes/download/").status_code == 403


def test_whoever_removes_the_last_factor_is_led_to_set_up_another(committed):
    person, browser = make.staff("lead", make.programme()), client()
    signing.with_app(person)
    signing.sign_in(browser, person)
    browser.post("/accounts/2fa/authenticate/", {"code": signing.code_of()})
    assert is_in(browser)
    browser.post("/accounts/2fa/totp/deactivate/")
    assert not signing.has_factor(person)
    assert browser.get("/workspace/")["Location"] == "/accounts/2fa/"


def test_one_recovery_code_lets_one_of_two_in_at_the_same_moment(committed):
    person = make.person()
    code = signing.with_app(person)[0]
    browsers, got = [client(), client()], []
    for browser in browsers:
        signing.sign_in(browser, person)
    together = threading.Barrier(2)

    def try_it(browser):
        together.wait()
        browser.post("/accounts/2fa/authenticate/", {"code": code})
        got.append(is_in(browser))
        connection.close()

    threads = [threading.Thread(target=try_it, args=[browser]) for browser in browsers]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(got) == [False, True]


def test_control_without_the_ending_of_sessions_the_other_one_stays(committed, monkeypatch, settings):
    settings.SECOND_FACTOR = False
    monkeypatch.setattr(accounts, "only_this_session", lambda request: None)
    person, browser, other = make.person(), client(), client()
    signing.sign_in(browser, person)
    signing.sign_in(other, person)
    before = key(browser)
    set_up(browser)
    assert key(browser) == before and is_in(other)
