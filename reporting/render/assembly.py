"""The report section by section: a job may finish one part at a time, keep it, and bind the parts at the end."""

import base64
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from reporting.cut import canonical, is_sealed
from reporting.render.compiler import RenderError
from reporting.render.docx import render_docx
from reporting.render.pdf import render_charts, render_pdf
from reporting.render.tables import Part, section_tables
from reporting.render.xlsx import render_xlsx

Cut = dict[str, Any]
WRITERS: dict[str, Callable[[Cut, list[Part], str, Path], bytes]] = {
    "pdf": lambda cut, parts, lang, fonts: render_pdf(cut, lang, fonts),
    "docx": lambda cut, parts, lang, fonts: render_docx(cut, lang, parts),
    "xlsx": lambda cut, parts, lang, fonts: render_xlsx(cut, lang, parts),
    "json": lambda cut, parts, lang, fonts: canonical(cut),
}


def sections(cut: Cut) -> list[str]:
    """The ids of the sections in the order of the report."""
    return [section["id"] for section in cut["sections"]]


def render_section(cut: Cut, section: str, lang: str, fonts: Path) -> Part:
    """One finished section as JSON: narrative, groups, tables, and charts with their words and `png` in base64.

    See `tables` for the shape. Depends on the cut, the section and the language alone, so that a part made before a
    crash can be kept. Raises KeyError for an unknown section, RenderError when a chart cannot be drawn.
    """
    charts = [
        {**chart, "png": base64.b64encode(chart["png"]).decode()} for chart in render_charts(cut, section, lang, fonts)
    ]
    return {**section_tables(cut, section, lang), "charts": charts}


def assemble(cut: Cut, parts: list[Part], formats: Iterable[str], lang: str, fonts: Path) -> dict[str, bytes]:
    """The report in each format (pdf, docx, xlsx, json), bound from the finished parts.

    Raises RenderError when the cut is not the one that was sealed or when a part is missing; KeyError for a format
    that is not known.
    """
    if not is_sealed(cut):
        raise RenderError("The cut differs from its checksum; freeze the report again.")
    if missing := [section for section in sections(cut) if section not in {part["id"] for part in parts}]:
        raise RenderError(f"These sections are not finished: {', '.join(missing)}.")
    in_order = sorted(parts, key=lambda part: sections(cut).index(part["id"]))
    return {kind: WRITERS[kind](cut, in_order, lang, fonts) for kind in formats}


def render_all(cut: Cut, formats: Iterable[str], lang: str, fonts: Path) -> dict[str, bytes]:
    """Every section and then every format in one go."""
    return assemble(cut, [render_section(cut, section, lang, fonts) for section in sections(cut)], formats, lang, fonts)
