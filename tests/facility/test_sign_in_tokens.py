"""Bearer tokens: made on the page of the account, shown once, hashed, scoped, expiring, revocable, in no log."""

from __future__ import annotations

import datetime as dt
import io
import logging
import re

import pytest
import structlog
from django.utils import timezone

from facility.registry.grants import grant
from facility.registry.people import Person, Token
from tests import factories as make
from tests.facility import signing
from tests.facility.signing import client, is_in

pytestmark = pytest.mark.django_db
NEW = "/workspace/account/tokens/"


def made_by(person, **form):
    """A token made on the page."""
    browser = client()
    signing.sign_in(browser, person)
    return token_in(browser, **form)


def token_in(browser, **form):
    answer = browser.post(NEW, {"label": "planning sheet", "scope": "write", "days": "7"} | form)
    assert answer.status_code == 200 and answer["Cache-Control"].find("no-store") >= 0
    return re.search(r">(fac_[\w-]{43})<", answer.content.decode())[1]


def ask(token, path="/api/grants/", **more):
    return client().get(path, HTTP_AUTHORIZATION=f"Bearer {token}", **more)


def post(token, call):
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    return client().post(f"/api/calls/{call.pk}/perform/edit/", "{}", content_type="application/json", **headers)


@pytest.fixture
def lead():
    return make.staff("lead", make.programme())


@pytest.fixture
def call(lead):
    return make.call(lead.grants.get().programme, lead, open_now=False)


def test_a_token_is_shown_once_and_only_its_hash_is_kept(lead):
    plain = made_by(lead)
    assert ask(plain).json()["results"]
    assert plain not in str(Token.objects.values())
    browser = client()
    signing.sign_in(browser, lead)
    page = browser.get("/workspace/account/").content.decode()
    assert "planning sheet" in page and plain not in page


def test_a_token_to_read_does_not_write(lead, call):
    reads, writes = made_by(lead, scope="read"), made_by(lead, scope="write")
    assert ask(reads).status_code == 200
    answer = post(reads, call)
    assert answer.status_code == 403 and answer["Content-Type"] == "application/problem+json"
    assert post(writes, call).status_code == 428  # let in, and told what else is missing


def test_control_a_scope_that_nobody_looks_at_lets_it_write(lead, call, monkeypatch):
    reads = made_by(lead, scope="read")
    found = Token.person_of
    monkeypatch.setattr(Token, "person_of", lambda plain: (found(plain)[0], "write"))
    assert post(reads, call).status_code == 428


def over(token, person):
    Token.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))


def revoked(token, person):
    browser = client()
    signing.sign_in(browser, person)
    browser.post(f"{NEW}{Token.objects.get().pk}/")


def disabled(token, person):
    person.is_active = False
    person.save()


def promoted(token, person):
    """A token made before a role with a second factor may have been made without one."""
    one = person.grants.get(role="lead").programme
    grant(person, "evaluator", "programme", one.pk, by=make.staff("lead", one), programme=one)


@pytest.mark.parametrize("end", [over, revoked, disabled, promoted])
def test_a_token_that_has_ended_is_refused(lead, end):
    token = made_by(lead)
    assert ask(token).status_code == 200
    end(token, lead)
    answer = ask(token)
    assert answer.status_code == 401 and answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Bearer"


def test_control_a_token_that_nothing_ends_goes_on(lead):
    token = made_by(lead)
    client().post(f"{NEW}{Token.objects.get().pk}/")
    assert ask(token).status_code == 200


def test_nobody_revokes_the_token_of_somebody_else(lead):
    token, browser = made_by(lead), client()
    signing.sign_in(browser, make.person())
    browser.post(f"{NEW}{Token.objects.get().pk}/")
    assert ask(token).status_code == 200


def test_a_token_counts_in_the_header_only(lead, call):
    token = made_by(lead)
    for name in ("token", "access_token", "Authorization", "bearer"):
        assert client().get(f"/api/grants/?{name}={token}").json().get("results", []) == []
    assert ask(token + "x").status_code == 401


def test_making_one_asks_anew_who_it_is(settings):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    person, browser = make.person(), client()
    signing.sign_in(browser, person)
    assert browser.get(NEW)["Location"].startswith("/accounts/reauthenticate/")
    assert browser.post(NEW, {"label": "x", "scope": "read", "days": "7"})["Location"].startswith("/accounts/reauth")
    assert not Token.objects.exists()
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    session = browser.session
    session["began"] -= 301
    session.save()
    assert browser.get(NEW).status_code == 302
    where = f"/accounts/reauthenticate/?next={NEW}"
    assert browser.post(where, {"password": "wrong"}).status_code == 200
    assert browser.get(NEW).status_code == 302
    # What was sent before is done now, and answered as it would have been.
    assert "fac_" in browser.post(where, {"password": signing.PASSWORD}).content.decode()
    assert Token.objects.get().label == "x"
    assert token_in(browser)


def test_whoever_has_nothing_to_be_asked_for_here_signs_in_again():
    person, browser = make.person(), client()
    Person.objects.filter(pk=person.pk).update(password="!")
    person.refresh_from_db()
    browser.force_login(person)
    session = browser.session
    session["began"] -= 301
    session.save()
    assert browser.get(NEW)["Location"] == f"/accounts/login/?next={NEW}"
    assert not is_in(browser)


def test_whoever_needs_a_second_factor_makes_no_token_without_one(lead, settings):
    settings.SECOND_FACTOR = True
    browser = client()
    signing.sign_in(browser, lead)
    assert browser.post(NEW, {"label": "x", "scope": "read", "days": "7"})["Location"] == "/accounts/2fa/"
    assert not Token.objects.exists()


def test_no_token_stands_in_the_log(lead, call, settings):
    said = io.StringIO()
    format_ = {name: value for name, value in settings.LOGGING["formatters"]["json"].items() if name != "()"}
    handler = logging.StreamHandler(said)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(**format_))
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    try:
        token = made_by(lead)
        ask(token)
        ask(token + "x")
        post(token, call)
        ask(token, "/api/no/such/address/")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert said.getvalue() and token not in said.getvalue()


def test_the_page_of_the_account_sets_the_language_of_mails():
    person, browser = make.person(), client()
    signing.sign_in(browser, person)
    browser.post("/workspace/account/", {"language": "nl"})
    browser.post("/workspace/account/", {"language": "xx", "name": "Somebody Else"})
    person.refresh_from_db()
    assert person.language == "nl" and person.name.startswith("Person")
