"""Errands for the tests of the kernel."""

from __future__ import annotations

from typing import Any

from tests import factories
from tests.errands.models import Errand


def people() -> tuple[Any, Any]:
    """(giver, runner)."""
    return factories.person("Giver Gruber"), factories.person("Runner Roux")


def errand(giver: Any, runner: Any, what: str = "fetch bread", **data: Any) -> Errand:
    """An errand that was given."""
    return Errand().perform("give", by=giver, runner=runner, what=what, stops=data.pop("stops", []), **data)
