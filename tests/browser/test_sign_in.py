"""Signing in with a real browser: passkeys with a virtual authenticator, and every page of it, wide and narrow."""

from __future__ import annotations

import json
import re
import time

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.backends.db import SessionStore
from django.test import override_settings

from facility.instruments.link import Link
from facility.registry.grants import grant
from facility.registry.people import Person, Token
from facility.workflow.steps import SYSTEM
from tests import factories as make
from tests.browser.conftest import PATIENCE, Visit, session_of
from tests.browser.test_pages import RULES
from tests.facility import signing

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def home(server):
    """The address of the server by the name under which browsers allow passkeys without https."""
    elsewhere = signing.openid_connect("https://login.example", "facility", "x", "EU Login")
    with override_settings(
        ALLOWED_HOSTS=["127.0.0.1", "localhost"], SECOND_FACTOR=True, SOCIALACCOUNT_PROVIDERS=elsewhere
    ):
        yield server.replace("127.0.0.1", "localhost")


@pytest.fixture
def window(browser, home):
    """`window(width=390, session=key)` opens a browser window."""
    contexts = []

    def opened(*, width=1280, session=""):
        context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-GB", reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=home)
        if session:
            context.add_cookies([{"name": "session", "value": session, "url": home}])
        contexts.append(context)
        return Visit(context, home)

    yield opened
    for context in contexts:
        context.close()


def key_of(visit):
    """A virtual authenticator as it sits in a laptop; answers its address and the line to it."""
    line = visit.context.new_cdp_session(visit.page)
    line.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    return line, line.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def lead():
    return make.staff("lead", make.programme())


def by_form(visit, person):
    page = visit.open("/accounts/login/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password", exact=True).fill(signing.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_load_state()
    return page


def adds_a_passkey(visit, *, passwordless):
    page = visit.open("/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("My laptop")
    if passwordless:
        page.get_by_text("Passwordless", exact=True).click()
    page.get_by_role("button", name="Add the passkey").click()
    page.wait_for_url("**/recovery-codes/")
    return page


def leaves(visit):
    page = visit.open("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.wait_for_load_state()


def test_a_lead_sets_up_a_passkey_and_signs_in_with_it_alone(window):
    person, one = lead(), window()
    key_of(one)
    page = by_form(one, person)
    assert page.url.endswith("/accounts/2fa/")
    before = {cookie["name"]: cookie["value"] for cookie in one.context.cookies()}["session"]
    page = adds_a_passkey(one, passwordless=True)
    assert len(re.findall(r"\b\d{8}\b", page.locator("#recovery_codes").text_content())) == 10
    assert {cookie["name"]: cookie["value"] for cookie in one.context.cookies()}["session"] != before
    assert one.open("/workspace/").url.endswith("/workspace/")
    leaves(one)
    page = one.open("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/workspace/")
    assert person.name in page.content()
    assert one.faults == []


def test_a_passkey_is_the_second_factor_after_the_password(window):
    person, one = lead(), window()
    key_of(one)
    by_form(one, person)
    adds_a_passkey(one, passwordless=False)
    leaves(one)
    page = by_form(one, person)
    assert page.url.endswith("/accounts/2fa/authenticate/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/workspace/")
    assert one.faults == []


def test_control_without_the_key_nobody_comes_in_and_the_page_says_so(window):
    person, one = lead(), window()
    line, authenticator = key_of(one)
    by_form(one, person)
    adds_a_passkey(one, passwordless=False)
    leaves(one)
    line.send("WebAuthn.clearCredentials", {"authenticatorId": authenticator})
    page = by_form(one, person)
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("The passkey did not work.").wait_for()
    assert not one.open("/workspace/").url.endswith("/workspace/")


def test_the_key_of_somebody_else_opens_nothing(window):
    """The credential of another person is known to the server, and does not fit the person who signs in."""
    owner, other, one = lead(), lead(), window()
    key_of(one)
    by_form(one, owner)
    adds_a_passkey(one, passwordless=True)
    leaves(one)
    found = Authenticator.objects.get(user=owner, type="webauthn")
    stolen = window()
    by_form(stolen, other)
    key_of(stolen)
    adds_a_passkey(stolen, passwordless=False)
    leaves(stolen)
    Authenticator.objects.filter(user=other, type="webauthn").update(data=found.data)
    page = by_form(stolen, other)
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("The passkey did not work.").wait_for()


def test_a_token_is_copied_by_its_button(window, axe):
    person = make.person()
    one = window(session=fresh(session_of(person)))
    page = one.open("/workspace/account/")
    page.get_by_role("link", name="Make a token").click()
    page.get_by_label("What it is for").fill("planning sheet")
    page.get_by_role("button", name="Make the token").click()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert Token.person_of(copied)[0] == person
    whole(one, page, axe, "signing-token-made-1280")


def fresh(key, **more):
    """A session in which somebody has just signed in."""
    session = SessionStore(key)
    session.update({"began": int(time.time()), "seen": int(time.time()), "second_factor": True} | more)
    session.save()
    return key


def invitation():
    programme = make.programme()
    person = Person.objects.create_user(f"new{time.time_ns()}@example.org", "Nora Newcomer")
    made = grant(person, "evaluator", "programme", programme.pk, by=SYSTEM, programme=programme)
    return Link.make(person, made, Link.SIGN_IN)


@pytest.fixture(scope="module")
def member(home):
    """A manager with everything that the page of an account can show."""
    manager = make.manager_of(make.cluster())
    Person.objects.filter(pk=manager.pk).update(name="Inés Calatayud")
    signing.with_app(manager)
    Authenticator.objects.create(user=manager, type="webauthn", data={"name": "My laptop", "credential": {}})
    Token.make(manager, "planning sheet", scope="read")
    from allauth.socialaccount.models import SocialAccount
    from allauth.usersessions.models import UserSession
    from django.conf import settings

    SocialAccount.objects.create(
        user=manager, provider=settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["provider_id"], uid="ines"
    )
    UserSession.objects.create(
        user=manager, ip="192.0.2.7", session_key=session_of(manager), user_agent="Firefox on a laptop"
    )
    return manager


PAGES = {
    "login": ("nobody", "/accounts/login/"),
    "reset": ("nobody", "/accounts/password/reset/"),
    "reset-done": ("nobody", "/accounts/password/reset/done/"),
    "reset-bad": ("nobody", "/accounts/password/reset/key/1-bad/"),
    "inactive": ("nobody", "/accounts/inactive/"),
    "signup": ("nobody", "/accounts/signup/"),
    "provider-cancelled": ("nobody", "/accounts/3rdparty/login/cancelled/"),
    "provider-error": ("nobody", "/accounts/3rdparty/login/error/"),
    "invitation": ("nobody", "the invitation"),
    "account": ("member", "/workspace/account/"),
    "token": ("member", "/workspace/account/tokens/"),
    "logout": ("member", "/accounts/logout/"),
    "password": ("member", "/accounts/password/change/"),
    "factors": ("member", "/accounts/2fa/"),
    "no-factors": ("newcomer", "/accounts/2fa/"),
    "app": ("newcomer", "/accounts/2fa/totp/activate/"),
    "app-off": ("member", "/accounts/2fa/totp/deactivate/"),
    "passkey": ("newcomer", "/accounts/2fa/webauthn/add/"),
    "recovery": ("member", "/accounts/2fa/recovery-codes/"),
    "recovery-new": ("member", "/accounts/2fa/recovery-codes/generate/"),
    "connections": ("member", "/accounts/3rdparty/"),
    "connect": ("newcomer", "/accounts/3rdparty/"),
    "reauthenticate": ("newcomer", "/accounts/reauthenticate/"),
    "reauthenticate-code": ("member", "/accounts/2fa/reauthenticate/"),
    "give": ("member", "/workspace/grants/new/give/"),
}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_sign_in_is_whole(window, member, axe, name, width):
    who, where = PAGES[name]
    person = {"member": member, "newcomer": make.person() if who == "newcomer" else None}.get(who)
    one = window(width=width, session=fresh(session_of(person)) if person else "")
    page = one.open(f"/accounts/invitation/{invitation()}/" if where == "the invitation" else where)
    whole(one, page, axe, f"signing-{name}-{width}")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_of_the_second_factor_is_whole(window, axe, width):
    person, one = make.person(), window(width=width)
    signing.with_app(person)
    page = by_form(one, person)
    assert page.url.endswith("/accounts/2fa/authenticate/")
    whole(one, page, axe, f"signing-authenticate-{width}")


def whole(one, page, axe, name):
    one.saved(name)
    # The page of a failed sign-in is a 401, and Chromium says so.
    assert [fault for fault in one.faults if "401" not in fault] == []
    sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert len(set(page.evaluate(sizes))) == 1, "the page scrolls sideways"
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {json.dumps(RULES)})")["violations"]
    assert [(rule["id"], [node["html"][:160] for node in rule["nodes"]][:3]) for rule in found] == []
