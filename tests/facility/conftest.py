"""What several tests of this folder need."""

from __future__ import annotations

import time

import pytest

from facility import accounts


@pytest.fixture
def at(monkeypatch):
    """Sets the machine's clock as sessions read it, in seconds from now; until then it stands still."""
    start = time.time()

    def move(seconds):
        monkeypatch.setattr(accounts.time, "time", lambda: start + seconds)

    move(0)
    yield move
    monkeypatch.undo()
