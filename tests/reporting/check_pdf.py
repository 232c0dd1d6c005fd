"""Structural faults of a tagged PDF/UA-1 file, found with pikepdf. Not a substitute for a full validator."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any

import pikepdf


def faults(content: bytes) -> list[str]:
    """One sentence per fault; none for a file that is marked, titled, tagged and embeds its fonts."""
    with pikepdf.open(BytesIO(content)) as pdf:
        return [*_document(pdf), *_structure(list(_elements(pdf.Root.StructTreeRoot.K))), *_pages(pdf)]


def standards(content: bytes) -> dict[str, str]:
    """What the file claims to be, from its metadata: {"pdfuaid:part": "1", …}."""
    with pikepdf.open(BytesIO(content)) as pdf:
        xmp = bytes(pdf.Root.Metadata.read_bytes()).decode()
    return dict(re.findall(r"<(pdf(?:ua|a)id:\w+)>(\w+)", xmp))


def tags(content: bytes) -> list[str]:
    """The kinds of all structure elements, in order."""
    with pikepdf.open(BytesIO(content)) as pdf:
        return [str(element.S)[1:] for element in _elements(pdf.Root.StructTreeRoot.K)]


def _elements(node: Any) -> Iterator[pikepdf.Dictionary]:
    if isinstance(node, pikepdf.Array):
        for child in node:
            yield from _elements(child)
    elif isinstance(node, pikepdf.Dictionary):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from _elements(node.K)


def _document(pdf: pikepdf.Pdf) -> Iterator[str]:
    root = pdf.Root
    xmp = bytes(root.Metadata.read_bytes()).decode()
    if not bool(root.MarkInfo.Marked):
        yield "The document is not marked."
    if "/Lang" not in root:
        yield "The document has no language."
    if not bool(root.ViewerPreferences.DisplayDocTitle):
        yield "The title is not shown."
    if "/Outlines" not in root:
        yield "There are no bookmarks."
    for wanted in ("pdfuaid:part", "dc:title"):
        if wanted not in xmp:
            yield f"The metadata lacks {wanted}."


def _structure(elements: list[pikepdf.Dictionary]) -> Iterator[str]:
    levels = []
    for element in elements:
        kind = str(element.S)[1:]
        if kind == "Figure" and not str(element.get("/Alt", "")).strip():
            yield "A figure has no alternative text."
        if re.fullmatch(r"H[1-6]", kind):
            levels.append(int(kind[1]))
        if kind == "TH":
            attributes = element.get("/A", [])
            attributes = attributes if isinstance(attributes, pikepdf.Array) else [attributes]
            if not any("/Scope" in attribute for attribute in attributes):
                yield "A head of a table has no scope."
    if not levels or levels[0] != 1:
        yield "The first heading is not of level 1."
    if any(after > before + 1 for before, after in pairwise(levels)):
        yield "A level of headings is skipped."


def _pages(pdf: pikepdf.Pdf) -> Iterator[str]:
    for number, page in enumerate(pdf.pages, 1):
        if str(page.get("/Tabs", "")) != "/S":
            yield f"Page {number}: the tab order is not that of the structure."
        for font in page.get("/Resources", {}).get("/Font", {}).values():
            inner = font.DescendantFonts[0] if "/DescendantFonts" in font else font
            descriptor = inner.get("/FontDescriptor", {})
            if "/ToUnicode" not in font:
                yield f"Page {number}: a font has no way back to letters."
            if not any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3")):
                yield f"Page {number}: a font is not embedded."
        for note in page.get("/Annots", []):
            if note.Subtype == "/Link" and ("/StructParent" not in note or "/Contents" not in note):
                yield f"Page {number}: a link is outside the structure or has no text."
