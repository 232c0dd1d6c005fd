"""Languages and their levels: from a section of free text, and the shape that every format gives them.

A `language` is {code, cefr} and, where the CV tells its levels by skill, `skills` with up to five of listening,
reading, interaction, production and writing. `cefr` is the lowest of them: the weakest skill decides what one can do.
"""

import re
from dataclasses import dataclass
from typing import Any

from advisory.cv.reading import Findings, Line
from advisory.cv.vocabulary import LEVELS, NATIVE, WORDS, find_languages, fold, lowest_level

LEVEL = re.compile(r"(?<![\w])([ABC][12])(?![\w])")
OTHER_TONGUES = re.compile(
    r"\b(?:other|further|foreign|fremd\w*|weitere|autres?|altre|otros|otras|inne|andere|overige|obce|outras|"
    r"alte|dalsi|cizi|αλλεσ|ξενεσ|други|чужди|tovabbi|egyeb|idegen|additional|straniere|strane|ostali|drugi)\b"
)
SKILLS = {
    name: re.compile(rf"\b(?:{'|'.join(fold(label) for label in labels)})\w*\s([abc][12])\b")
    for name, labels in WORDS["language_skills"].items()
}


def language(code: str, levels: dict[str, str]) -> dict[str, Any]:
    """Return the value of a `language` from the levels by skill; what is no level of the CEFR is left out."""
    known = {skill: level.strip().upper() for skill, level in levels.items() if level.strip().upper() in LEVELS}
    skills = {skill: known[skill] for skill in SKILLS if skill in known}
    value: dict[str, Any] = {"code": code, "cefr": lowest_level(list(known.values()))}
    return value | {"skills": skills} if len(skills) > 1 else value


def _skills(said: str) -> dict[str, str]:
    """Return the levels by skill in folded words: named each, or five in a row in the order of the Europass grid."""
    named = {skill: match[1] for skill, pattern in SKILLS.items() if (match := pattern.search(said))}
    row = [word for word in said.split() if LEVEL.fullmatch(word.upper())]
    return named or (dict(zip(SKILLS, row, strict=True)) if len(row) == len(SKILLS) else {})


@dataclass(slots=True)
class _Mention:
    """A language as named in a line, with the words that tell its level; `alone` when nothing else was on the line."""

    code: str
    words: str
    line: Line
    alone: bool
    native: bool
    more: list[str]

    def waits_for(self, text: str) -> bool:
        """Tell whether a line without a language goes on with this one's levels."""
        return self.alone and bool(LEVEL.search(text) or (not self.more and _level(fold(text))))


def read_languages(lines: list[Line], found: Findings) -> None:
    """Add a `language` for each one named; its level stands behind it, before it, or on the next lines."""
    mentions: list[_Mention] = []
    native_block = False
    for line in lines:
        named = _mentions(line, native_block)
        if named:
            native_block = native_block and named[0].native
            mentions += named
        elif mentions and mentions[-1].waits_for(line.text):
            mentions[-1].more.append(line.text)
        else:
            native_block = bool(NATIVE.search(fold(line.text)))
    for mention in mentions:
        said = f"{mention.words} {fold(' '.join(mention.more))}"
        value = language(mention.code, _skills(said))
        value["cefr"] = level = _level(said) or ("native" if mention.native else None)
        if not any(old.name == "language" and old.value["code"] == mention.code for old in found.fields):
            snippet, sure = " · ".join([mention.line.text, *mention.more]), 0.9 if level else 0.7
            found.add("language", value, snippet, mention.line.place, sure)


def _mentions(line: Line, native_block: bool) -> list[_Mention]:
    """Return the languages a line names, each with the words up to the next one."""
    words = fold(line.text).split()
    names = find_languages(line.text)
    if not names:
        return []
    lead = " ".join(words[: names[0][1]])
    others = OTHER_TONGUES.search(lead)
    native = not others and (native_block or bool(NATIVE.search(lead)))
    starts = [start for _, start, _ in names[1:]] + [len(words)]
    told = [" ".join(words[end:until]) for (_, _, end), until in zip(names, starts, strict=True)]
    if len(names) == 1 and not _level(told[0]) and not native:
        told[0] = f"{lead} {told[0]}"
    alone = len(names) == 1 and not _level(told[0])
    return [_Mention(code, text, line, alone, native, []) for (code, _, _), text in zip(names, told, strict=True)]


def _level(folded: str) -> str | None:
    """Return the lowest CEFR level in folded words, `native`, or None."""
    levels = [word.upper() for word in folded.split() if LEVEL.fullmatch(word.upper())]
    return lowest_level(levels) or ("native" if NATIVE.search(folded) else None)
