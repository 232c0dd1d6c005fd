"""The questions of a call: a form of sections with typed questions, its conditions, and the judgement of answers (F11).

Pure: JSON in, a `Form` out; no Django, no database. What is wrong is said in a `Sentence`, whose text is marked for
translation and filled where it is shown. A form is stored as

    [{"key", "title": {lang: text}, "intro": {lang: text}, "questions": [
        {"key", "kind", "label": {lang: text}, "help": {lang: text}, "required": bool,
         "condition": {"question": key, "is": [values]}, and the settings of its kind, see SETTINGS}]}]

and answers as {key of the question: value}, where a value is
    text  str            number  int or float           date   "2021-03-05"          file  id of a document
    choice  value        multiple  [values]             table  [{column: value}]     area_ranking  [areas, best first]
An answer that is empty is None.
"""

from .form import Form
from .kinds import COLUMN_KINDS, SETTINGS, UNITS, Column, Condition, Option, Question, Section, length, wording
from .reading import parse
from .said import Malformed, NotAnAnswer, Sentence

__all__ = [
    "COLUMN_KINDS",
    "SETTINGS",
    "UNITS",
    "Column",
    "Condition",
    "Form",
    "Malformed",
    "NotAnAnswer",
    "Option",
    "Question",
    "Section",
    "Sentence",
    "length",
    "parse",
    "wording",
]
