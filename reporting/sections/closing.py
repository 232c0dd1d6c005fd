"""Sections that close the report: method, annex, evidence. They have words only; their tables come from the others."""

from __future__ import annotations

from reporting.cut import Figures
from reporting.sections.material import Material
from reporting.sections.registry import Cut, section


@section("method")
def method(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """How the figures were counted, and what they cannot say."""
    return {}, [
        "Every figure was counted from records that were frozen at the time given in the imprint. The index of "
        "evidence gives "
        "for each figure the query in words, the number of records behind it and a checksum of their ids; the open "
        "data list "
        "the ids, and the key of the record that each id stands for.",
        "A session counts when the advisor has logged it, the cluster has confirmed it and a coordinator has approved "
        "it. "
        "Hours are those of contact and of preparation. A firm counts once in a total, however often it took part. A "
        "need "
        "counts when the three voices have agreed on the order of needs.",
        "Limits: months of support are short for changes in production, so most outcomes are first steps. There is no "
        "comparison group. Needs were judged solved or eased by those who took part in solving them. People appear by "
        "their "
        "role and a number only.",
    ]


@section("annex")
def annex(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """Full tables."""
    return {}, [
        "The tables repeat the figures of the charts in full, for readers who use assistive technology or reckon on."
    ]


@section("evidence")
def evidence(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """The index of figures."""
    return {}, [
        "Each figure carries a number. The index gives its value, the query that produced it, the number of records "
        "and the "
        "first twelve signs of the checksum over their ids."
    ]
