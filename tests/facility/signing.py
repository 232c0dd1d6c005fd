"""What tests of the sign-in share: addresses, codes of an app, letters, and a provider of OpenID Connect."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.core import mail
from django.test import Client

from config.settings import openid_connect
from facility.workflow import jobs

PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def client(**more: Any) -> Client:
    """A browser of its own address, so that the limits of one test do not reach the next."""
    return Client(REMOTE_ADDR=".".join(["10", *(str(random.randint(1, 254)) for _ in range(3))]), **more)


def sign_in(browser: Client, person: Any, password: str = PASSWORD) -> Any:
    """The sign-in form."""
    return browser.post("/accounts/login/", {"login": person.email, "password": password})


def is_in(browser: Client) -> bool:
    return browser.get("/workspace/inbox/").status_code == 200


def with_app(person: Any) -> list[str]:
    """Gives a person an app that makes codes; answers the recovery codes."""
    totp.TOTP.activate(person, SECRET)
    return RecoveryCodes.activate(person).generate_codes()


def code_of(secret: str = SECRET) -> str:
    """What the app shows now, and for some seconds more."""
    left = 30 - time.time() % 30
    if left < 4:
        time.sleep(left)
    return totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))


def has_factor(person: Any) -> bool:
    return Authenticator.objects.filter(user=person).exclude(type="recovery_codes").exists()


def work(name: str) -> list[Any]:
    """Does the waiting jobs of this name; answers the letters."""
    mail.outbox.clear()
    for job in jobs.Job.objects.filter(name=name, state="waiting"):
        assert jobs.run(str(job.pk)) == "done"
    return list(mail.outbox)


def path_in(letter: Any) -> str:
    """The path of the link in a letter."""
    return re.search(rf"{re.escape(settings.BASE_URL)}(\S+)", letter.body)[1]


class Provider:
    """A provider that runs, and how it is set up here."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("oidc_server.py")
        self.process = subprocess.Popen(
            [sys.executable, script],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"AUTHLIB_INSECURE_TRANSPORT": "1"},
        )
        self.issuer = self.process.stdout.readline().strip()
        self.setup = openid_connect(self.issuer, "facility", "a-secret", "EU Login")
        self.id = self.setup["openid_connect"]["APPS"][0]["provider_id"]

    def say(self, subject: str, **claims: Any) -> None:
        """What the provider says of a subject from now on."""
        assert requests.put(f"{self.issuer}/users/{subject}", json=claims, timeout=5).ok

    def begin(self, browser: Client, **asked: str) -> Any:
        """The button: where it leads."""
        return browser.post(f"/accounts/oidc/{self.id}/login/", asked)

    def back(self, sent: Any, subject: str) -> str:
        """The person signs in there; the path by which they come back."""
        answer = requests.post(sent["Location"], data={"sub": subject}, allow_redirects=False, timeout=5)
        return answer.headers["Location"].partition("testserver")[2]

    def sign_in(self, browser: Client, subject: str, **asked: str) -> Any:
        """There and back."""
        return browser.get(self.back(self.begin(browser, **asked), subject))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(5)
        self.process.stdout.close()
