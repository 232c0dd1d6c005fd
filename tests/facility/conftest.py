"""What several tests of this folder need."""

from __future__ import annotations

import time

import pytest

from facility import accounts
from tests.facility import signing


@pytest.fixture
def at(monkeypatch):
    """Sets the machine's clock as sessions read it, in seconds from now; until then it stands still."""
    start = time.time()

    def move(seconds):
        monkeypatch.setattr(accounts.time, "time", lambda: start + seconds)

    move(0)
    yield move
    monkeypatch.undo()


@pytest.fixture(scope="module")
def running():
    """A provider of OpenID Connect that really runs."""
    made = signing.Provider()
    yield made
    made.stop()


@pytest.fixture
def provider(running, settings):
    """The same, set up here."""
    settings.SOCIALACCOUNT_PROVIDERS, settings.OIDC_ISSUER = running.setup, running.issuer
    return running
