"""How a section of the report is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reporting.cut import Figures
from reporting.sections.material import Material

Cut = dict[str, Any]
Section = Callable[[Material, Figures], tuple[Cut, list[str]]]
DECLARED: dict[str, Section] = {}


def section(name: str) -> Callable[[Section], Section]:
    """Declares the function that makes a section: members of the cut, and the paragraphs that introduce it.

    It is called once for each cut, in the order of `reporting.cut.SECTIONS`; its figures are numbered as it asks.
    """

    def declare(make: Section) -> Section:
        DECLARED[name] = make
        return make

    return declare
