"""The report, or the record of a decision, as PDF, and charts as pictures, from one cut."""

from datetime import datetime
from pathlib import Path
from typing import Any

from reporting.render.compiler import compile_cut

STANDARDS = ["ua-1", "a-2a"]
CHART_PPI = 144.0


def render_pdf(cut: dict[str, Any], lang: str, fonts: Path, main: str = "report.typ") -> bytes:
    """PDF/UA-1 and PDF/A-2a in one file; the same cut, language and compiler give the same bytes.

    `lang` is one of en, nl, de, fr and chooses the labels; text of the cut keeps the cut's own language. `fonts` is
    the folder of the packaged fonts, `main` the template. Raises RenderError.
    """
    frozen = datetime.fromisoformat(cut["meta"]["frozen_at"])
    pages, _ = compile_cut(
        cut,
        main,
        fonts=fonts,
        inputs={"lang": lang},
        format="pdf",
        pdf_standards=STANDARDS,
        timestamp=int(frozen.timestamp()),
    )
    return pages[0]


def render_charts(cut: dict[str, Any], section: str, lang: str, fonts: Path) -> list[dict[str, Any]]:
    """The charts of one section in order: `title`, `reading`, `alt`, `source`, `png` (bytes, 144 to the inch)."""
    pictures, words = compile_cut(
        cut,
        "charts-only.typ",
        fonts=fonts,
        inputs={"lang": lang, "section": section},
        query="<chart-text>",
        format="png",
        ppi=CHART_PPI,
    )
    return [{**text, "png": picture} for text, picture in zip(words, pictures, strict=True)]
