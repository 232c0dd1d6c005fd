"""Small reading aids over lxml for exports that do not keep to their schema: local names, paths, escaped HTML."""

import html
import re
from collections.abc import Iterator

from lxml import etree

from advisory.cv.reading import Line

BREAKS = re.compile(r"<\s*(?:br|/p|/li|/div|/h\d)[^>]*>", re.IGNORECASE)
TAGS = re.compile(r"<[^<>]*>")
BINARY = {"Photo", "Attachment", "AttachmentList", "Data", "Signature"}


def local(element: etree._Element) -> str:
    """Return the element's name without its namespace."""
    return etree.QName(element).localname


def children(element: etree._Element | None, path: str) -> list[etree._Element]:
    """Return the elements at a path of local names such as `Period/From`, in document order."""
    level = [] if element is None else [element]
    for step in path.split("/"):
        level = [child for parent in level for child in parent if local(child) == step]
    return level


def first(element: etree._Element | None, *paths: str) -> etree._Element | None:
    """Return the first element that any of the paths leads to."""
    for path in paths:
        if hits := children(element, path):
            return hits[0]
    return None


def words(element: etree._Element | None) -> str:
    """Return the element's own text, with escaped HTML taken off, on one line."""
    return " ".join(plain(element.text if element is not None else None).split())


def plain(text: str | None) -> str:
    """Take escaped HTML (as the Europass editors write it) off a text; blocks become lines."""
    if not text:
        return ""
    bare = html.unescape(TAGS.sub(" ", BREAKS.sub("\n", text)))
    lines = (" ".join(line.split()) for line in bare.splitlines())
    return "\n".join(line for line in lines if line)


def said(element: etree._Element | None) -> str:
    """Return all text at and below an element on one line, leaving out pictures and attachments."""
    return " · ".join(text for text, _ in _texts(element)) if element is not None else ""


def told(element: etree._Element | None) -> list[Line]:
    """Return all text at and below an element as lines with their paths."""
    if element is None:
        return []
    return [Line(line, place(node)) for text, node in _texts(element) for line in text.splitlines()]


def _texts(element: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    for node in element.iter(etree.Element):
        if BINARY.intersection(local(above) for above in (node, *node.iterancestors())):
            continue
        if "year" in node.attrib:
            date = "-".join(node.get(part, "").lstrip("-") for part in ("year", "month") if part in node.attrib)
            yield date, node
        if text := plain(node.text):
            yield text, node


def place(element: etree._Element) -> str:
    """Return the element's path by local names, numbered where siblings share a name."""
    steps = []
    for node in (element, *element.iterancestors()):
        parent = node.getparent()
        same = [node] if parent is None else children(parent, local(node))
        steps.append(f"{local(node)}[{same.index(node) + 1}]" if len(same) > 1 else local(node))
    return "/".join(reversed(steps))
