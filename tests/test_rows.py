"""The words in docs/requirements.md, its list of open rows and the marks in the tests say the same of every row."""

import ast
import re
from collections.abc import Mapping, Set
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
REQUIREMENTS = TESTS.parent / "docs" / "requirements.md"
ROW_ID = re.compile(r"\b[CEFGT]\d{2}\b")
# Facility, toolkit, meetings and labels, eco-innovation, cleantech: 141 rows in all.
COUNTS = {"F": 37, "T": 34, "G": 17, "E": 30, "C": 23}
# What a word in the last column says: (a test carries the row, the row is on the list of open ones).
MEANING = {"tested": (True, False), "partly": (True, True), "open": (False, True)}


def read_rows(text: str) -> tuple[dict[str, str], set[str]]:
    """The status of every row of the tables, and the ids on the list of open rows."""
    tables, _, listed = text.partition("## Open rows")
    rows = re.findall(r"^\| ([CEFGT]\d{2}) \| .+ \| (tested|partly|open) \|$", tables, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a row stands twice in the tables"
    return dict(rows), set(ROW_ID.findall(listed))


def is_row_mark(node: ast.AST) -> bool:
    """Whether this is a call of `pytest.mark.row`."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.row"


def marked_ids(source: str) -> set[str]:
    """The ids in every `pytest.mark.row(...)` of a test file, on a test, a class or the whole module."""
    calls = [node for node in ast.walk(ast.parse(source)) if is_row_mark(node)]
    arguments = [argument for call in calls for argument in call.args]
    assert all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in arguments), (
        "a row mark holds something else than ids as plain strings"
    )
    return {one.value for one in arguments}


def complaints(status: Mapping[str, str], open_rows: Set[str], marked: Set[str]) -> list[str]:
    """A sentence for everything in which the document and the tests disagree."""
    found = [f"{id}: a test carries it, but there is no such row" for id in marked - set(status)]
    found += [f"{id}: on the list of open rows, but there is no such row" for id in open_rows - set(status)]
    for id, word in status.items():
        has_test, is_listed = MEANING[word]
        if (id in marked) != has_test:
            found.append(f"{id}: the table says {word}, but {'a' if id in marked else 'no'} test carries it")
        if (id in open_rows) != is_listed:
            found.append(f"{id}: the table says {word}, the list of open rows says otherwise")
    return sorted(found)


def test_table_list_and_marks_agree():
    status, open_rows = read_rows(REQUIREMENTS.read_text(encoding="utf-8"))
    marked = {id for path in sorted(TESTS.rglob("*.py")) for id in marked_ids(path.read_text(encoding="utf-8"))}

    assert complaints(status, open_rows, marked) == []


def test_the_document_holds_every_row():
    status, _ = read_rows(REQUIREMENTS.read_text(encoding="utf-8"))

    assert list(status) == [f"{letter}{n:02}" for letter, count in COUNTS.items() for n in range(1, count + 1)]


FABRICATED = {"F01": "tested", "F02": "partly", "F03": "open"}


@pytest.mark.parametrize(
    ("open_rows", "marked", "expected"),
    [
        ({"F02", "F03"}, {"F01", "F02"}, []),
        ({"F02", "F03"}, {"F02"}, ["F01: the table says tested, but no test carries it"]),
        ({"F02", "F03"}, {"F01"}, ["F02: the table says partly, but no test carries it"]),
        ({"F02", "F03"}, {"F01", "F02", "F03"}, ["F03: the table says open, but a test carries it"]),
        ({"F02", "F03"}, {"F01", "F02", "F99"}, ["F99: a test carries it, but there is no such row"]),
        ({"F02", "F03", "F98"}, {"F01", "F02"}, ["F98: on the list of open rows, but there is no such row"]),
        ({"F01", "F02", "F03"}, {"F01", "F02"}, ["F01: the table says tested, the list of open rows says otherwise"]),
        ({"F03"}, {"F01", "F02"}, ["F02: the table says partly, the list of open rows says otherwise"]),
        ({"F02"}, {"F01", "F02"}, ["F03: the table says open, the list of open rows says otherwise"]),
    ],
)
def test_the_check_finds_what_is_wrong_in_a_fabricated_set(open_rows, marked, expected):
    assert complaints(FABRICATED, open_rows, marked) == expected


def test_marks_are_found_on_functions_classes_and_modules():
    mark = "pytest.mark." + "row"
    source = (
        f"pytestmark = {mark}('F01')\n"
        f"@{mark}('F02', 'T01')\nclass TestOne:\n    @{mark}('F03')\n    def test_two(self): ...\n"
        "@pytest.mark.other('F04')\ndef test_three(): ...\n"
    )

    assert marked_ids(source) == {"F01", "F02", "F03", "T01"}
