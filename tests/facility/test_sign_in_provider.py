"""OpenID Connect against a real provider: known by issuer and subject, connected by its owner, never by an address."""

from __future__ import annotations

import pytest
from allauth.socialaccount.models import SocialAccount

from facility.registry.people import Person
from tests import factories as make
from tests.facility import signing
from tests.facility.signing import client, is_in

pytestmark = pytest.mark.django_db


def connected(provider, person, subject):
    SocialAccount.objects.create(user=person, provider=provider.id, uid=subject)


def test_without_a_provider_there_is_no_button_and_no_way(running):
    assert "Sign in with EU Login" not in client().get("/accounts/login/").content.decode()
    assert client().post(f"/accounts/oidc/{running.id}/login/").status_code == 404
    assert client().get(f"/accounts/oidc/{running.id}/login/callback/?code=1&state=2").status_code == 404


def test_the_button_leads_to_the_provider_with_pkce_and_asks_for_no_address(provider):
    browser = client()
    assert "Sign in with EU Login" in browser.get("/accounts/login/").content.decode()
    asked = provider.begin(browser)["Location"]
    assert asked.startswith(f"{provider.issuer}/oauth2/authorize?")
    assert "code_challenge_method=S256" in asked and "scope=openid&" in asked + "&" and "email" not in asked


def test_a_person_connects_their_account_and_signs_in_with_it(provider):
    person, browser = make.person(), client()
    signing.sign_in(browser, person)
    done = provider.sign_in(browser, "ada", process="connect")
    assert done["Location"] == "/workspace/account/"
    assert "Connected with EU Login" in browser.get("/workspace/account/").content.decode()
    other = client()
    provider.sign_in(other, "ada")
    assert is_in(other) and other.session["_auth_user_id"] == str(person.pk)
    kept = SocialAccount.objects.get(user=person)
    assert (kept.provider, kept.uid, kept.extra_data) == (provider.id, "ada", {})


@pytest.mark.parametrize("scope", [["openid"], ["openid", "profile", "email"]])
def test_an_unknown_subject_takes_no_account_over_by_its_address_and_makes_none(provider, settings, scope):
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": provider.setup["openid_connect"] | {"SCOPE": scope}}
    victim, browser = make.person(), client()
    provider.say("mallory", email=victim.email, email_verified=True, name="Mallory")
    before = Person.objects.count()
    answer = provider.sign_in(browser, "mallory")
    assert "This account is not known here" in answer.content.decode()
    assert not is_in(browser) and Person.objects.count() == before and not SocialAccount.objects.exists()


def test_control_taking_people_by_their_address_is_noticed(provider, settings):
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": provider.setup["openid_connect"] | {"SCOPE": ["openid", "email"]}
    }
    settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
    victim, browser = make.person(), client()
    provider.say("mallory", email=victim.email, email_verified=True)
    provider.sign_in(browser, "mallory")
    assert is_in(browser)


def test_a_connected_account_does_not_move_to_somebody_else(provider):
    owner, thief, browser = make.person(), make.person(), client()
    connected(provider, owner, "ada")
    signing.sign_in(browser, thief)
    provider.sign_in(browser, "ada", process="connect")
    assert list(SocialAccount.objects.values_list("user", "uid")) == [(owner.pk, "ada")]


def test_the_same_subject_of_another_issuer_is_unknown(provider, settings):
    person = make.person()
    elsewhere = signing.openid_connect("https://login.elsewhere.example", "facility", "x", "Elsewhere")
    connected(provider, person, "ada")
    SocialAccount.objects.update(provider=elsewhere["openid_connect"]["APPS"][0]["provider_id"])
    browser = client()
    provider.sign_in(browser, "ada")
    assert not is_in(browser)


def test_a_token_that_names_another_issuer_is_refused(provider, settings):
    person, browser = make.person(), client()
    connected(provider, person, "ada")
    settings.OIDC_ISSUER = f"{provider.issuer}/another"
    assert "Sign-in did not work" in provider.sign_in(browser, "ada").content.decode()
    assert not is_in(browser)


def test_an_answer_without_the_state_of_this_browser_is_refused(provider):
    person, browser, other = make.person(), client(), client()
    connected(provider, person, "ada")
    back = provider.back(provider.begin(browser), "ada")
    assert "Sign-in did not work" in other.get(back).content.decode()
    assert not is_in(other)
    browser.get(back)
    assert is_in(browser)


def test_a_code_is_worth_nothing_without_the_secret_of_this_browser(provider, settings):
    """PKCE: the code that another browser was given does not fit, even with a state that does."""
    person, browser, other = make.person(), client(), client()
    connected(provider, person, "ada")
    stolen = provider.back(provider.begin(browser), "ada")
    state = provider.begin(other)["Location"].partition("state=")[2].partition("&")[0]
    forged = stolen.partition("state=")[0] + f"state={state}"
    assert "code=" in forged
    assert "Sign-in did not work" in other.get(forged).content.decode()
    assert not is_in(other)


def test_an_account_that_was_disabled_does_not_come_in_by_the_provider(provider):
    person, browser = make.person(is_active=False), client()
    connected(provider, person, "ada")
    provider.sign_in(browser, "ada")
    assert not is_in(browser)


@pytest.mark.parametrize(
    ("claims", "counts"),
    [
        ({}, False),
        ({"amr": ["pwd"]}, False),
        ({"amr": ["otp"]}, False),
        ({"amr": ["hwk"]}, False),
        ({"amr": "mfa"}, False),
        ({"acr": "https://example.org/loa/low"}, False),
        ({"amr": ["mfa"]}, True),
        ({"amr": ["pwd", "otp"]}, True),
        ({"amr": ["pin", "hwk"]}, True),
        ({"acr": "https://example.org/loa/high"}, True),
    ],
)
def test_several_factors_at_the_provider_count_as_the_second_factor(provider, settings, claims, counts):
    settings.SECOND_FACTOR, settings.OIDC_MFA_ACR = True, ["https://example.org/loa/high"]
    lead, browser = make.staff("lead", make.programme()), client()
    connected(provider, lead, "ada")
    provider.say("ada", **claims)
    provider.sign_in(browser, "ada")
    answer = browser.get("/workspace/inbox/")
    assert (answer.status_code == 200) is counts
    if not counts:
        assert answer["Location"] == "/accounts/2fa/"


def test_whoever_has_an_own_second_factor_shows_it_after_the_provider_too(provider, settings):
    settings.SECOND_FACTOR = True
    lead, browser = make.staff("lead", make.programme()), client()
    connected(provider, lead, "ada")
    signing.with_app(lead)
    provider.say("ada", amr=["mfa"])
    assert provider.sign_in(browser, "ada")["Location"] == "/accounts/2fa/authenticate/"
    assert not is_in(browser)
    browser.post("/accounts/2fa/authenticate/", {"code": signing.code_of()})
    assert is_in(browser)


def test_the_last_way_in_is_not_removed_and_another_is(provider):
    person, browser = make.person(), client()
    connected(provider, person, "ada")
    provider.sign_in(browser, "ada")
    account = SocialAccount.objects.get()
    person.set_unusable_password()
    person.save()
    provider.sign_in(browser, "ada")
    browser.post("/accounts/3rdparty/", {"account": account.pk})
    assert SocialAccount.objects.exists()
    person.set_password(signing.PASSWORD)
    person.save()
    provider.sign_in(browser, "ada")
    browser.post("/accounts/3rdparty/", {"account": account.pk})
    assert not SocialAccount.objects.exists()


def test_a_provider_without_https_is_refused_outside_of_a_developers_machine():
    import os
    import subprocess
    import sys

    env = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "k" * 50,
        "ALLOWED_HOSTS": "x",
        "EMAIL_URL": "smtp://mail",
        "OIDC_ISSUER": "http://login.example",
    }
    got = subprocess.run(
        [sys.executable, "-c", "import config.settings"], env=env, capture_output=True, text=True, check=False
    )
    assert "OIDC_ISSUER" in got.stderr and got.returncode == 1
    env["OIDC_ISSUER"] = "https://login.example/path"
    code = "from config import settings as s; print(s.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'][-1])"
    got = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert got.stdout.strip() == "https://login.example"
