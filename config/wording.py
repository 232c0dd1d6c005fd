"""Finds words for people that nobody marked for translation: in templates, and in the labels and sentences of Python.

Pure: text of a file in, `Bare(line, words)` out; no Django. Names, codes and what stands in <code> or <kbd> stay.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

WORDS = re.compile(r"[^\W\d_]{2,}")
# Parts of a template that are no words: comments, what is translated, and the block that holds classes.
TRANSLATED = re.compile(
    r"\{% (blocktranslate|comment)\b.*?\{% end\1 %\}|\{% block look %\}.*?\{% endblock %\}|\{#.*?#\}", re.DOTALL
)
TAG = re.compile(r"\{%-?\s*(\w+)(.*?)%\}|\{\{(.*?)\}\}", re.DOTALL)
LITERAL = re.compile(r"""(_\()?("[^"]*"|'[^']*')""")
UNTOUCHED = frozenset({"code", "kbd", "script", "style"})
SPOKEN = frozenset({"alt", "title", "placeholder", "aria-label", "label", "summary"})

NAMED = frozenset({"label", "help_text", "verbose_name", "verbose_name_plural", "empty_label"})
IN_CLASS = frozenset({"verbose_name", "verbose_name_plural", "lede"})
PROPER = frozenset({"SHA-256"})
FIRST = frozenset({"guard", "ValidationError", "NotAllowed", "NotFound", "JobRefused"})
LISTED = frozenset({"Blocked"})
SECOND = frozenset({"tell", "add_error"})
FIELD = re.compile(r"[A-Z]\w*Field$")
CHOICES = re.compile(r"\w*Choices$")
# Fields whose first argument is no name in words.
RELATIONS = frozenset({"OneToOneField", "ManyToManyField", "StateField", "GenericRelation"})


@dataclass(frozen=True)
class Bare:
    """Words that nobody can translate, and the line where they stand."""

    line: int
    words: str


def in_template(text: str) -> list[Bare]:
    """Text, spoken attributes and arguments of tags that stand outside translation."""
    found = [bare for tag in TAG.finditer(_blanked(TRANSLATED, text)) for bare in _in_tag(text, tag)]
    reader = _Reader()
    reader.feed(_blanked(TAG, _blanked(TRANSLATED, text)))
    reader.close()
    return sorted(found + reader.found, key=lambda bare: bare.line)


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: "\n" * match[0].count("\n"), text)


def _in_tag(text: str, tag: re.Match[str]) -> Iterator[Bare]:
    if tag[1] in {"translate", "trans"}:
        return
    for literal in LITERAL.finditer(tag[0]):
        words = literal[2][1:-1]
        # One word alone is a name of a template, a class or an icon; a sentence has several.
        if not literal[1] and " " in words.strip() and WORDS.search(words):
            yield Bare(text.count("\n", 0, text.find(tag[0])) + 1, words)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Bare] = []
        self.untouched = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.untouched += tag in UNTOUCHED
        for name, value in attrs:
            if name in SPOKEN and value and WORDS.search(value):
                self.found.append(Bare(self.getpos()[0], value))

    def handle_endtag(self, tag: str) -> None:
        self.untouched -= tag in UNTOUCHED

    def handle_data(self, data: str) -> None:
        if not self.untouched and WORDS.search(data):
            self.found.append(Bare(self.getpos()[0], " ".join(data.split())))


def in_python(source: str) -> list[Bare]:
    """Labels, names of fields, sentences of guards and refusals, and notices that are plain strings."""
    found: list[Bare] = []
    for node in ast.walk(ast.parse(source)):
        found += (bare for one in _spoken(node) if (bare := _bare(one)))
    return sorted(set(found), key=lambda bare: bare.line)


def _bare(node: ast.AST) -> Bare | None:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node.value in PROPER:
        return None
    return Bare(node.lineno, node.value) if WORDS.search(node.value) else None


def _spoken(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.ClassDef):
        yield from _of_class(node)


def _of_call(node: ast.Call) -> Iterator[ast.AST]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    yield from (keyword.value for keyword in node.keywords if keyword.arg in NAMED)
    yield from (label for keyword in node.keywords if keyword.arg == "choices" for label in _labels(keyword.value))
    model_field = FIELD.search(name) and isinstance(node.func, ast.Attribute) and name not in RELATIONS
    if (model_field or name in FIRST) and node.args:
        yield node.args[0]
    if name in SECOND and len(node.args) > 1:
        yield node.args[1]
    if name in LISTED and node.args and isinstance(node.args[0], ast.List):
        yield from node.args[0].elts


def _of_class(node: ast.ClassDef) -> Iterator[ast.AST]:
    choices = any(CHOICES.search(ast.unparse(base)) for base in node.bases)
    for line in node.body:
        if not isinstance(line, ast.Assign):
            continue
        names = {target.id for target in line.targets if isinstance(target, ast.Name)}
        if choices and isinstance(line.value, ast.Tuple):
            yield line.value.elts[-1]
        elif choices or names & IN_CLASS:
            yield line.value


def _labels(choices: ast.AST) -> Iterator[ast.AST]:
    if isinstance(choices, ast.List | ast.Tuple):
        yield from (pair.elts[1] for pair in choices.elts if isinstance(pair, ast.Tuple) and len(pair.elts) == 2)  # noqa: PLR2004
