# ruff: noqa: RUF001 -- the dashes and apostrophes that people type are what is read here.

"""Dates as people write them in a CV: points (YYYY or YYYY-MM) and periods, in the languages of the Union.

A period is (start, end, from, to): the end is None while it lasts, `from` and `to` are offsets in the text.
"""

import re
from dataclasses import dataclass

from babel import Locale

from advisory.cv.vocabulary import LOCALES, fold

SHORTEST = 3


def _months(locales: tuple[str, ...]) -> dict[str, int]:
    names: dict[str, int] = {"sept": 9, "lis": 11}
    for locale in locales:
        for forms in Locale(locale).months.values():
            for width in ("wide", "abbreviated"):
                for number, label in forms[width].items():
                    if len(folded := fold(label)) >= SHORTEST and folded.isalpha():
                        names.setdefault(folded, number)
    return names


MONTHS = _months(LOCALES)
# Where the month stands behind its year.
MONTHS_BEHIND = _months(("hu", "lt", "lv"))
YEAR = r"(?:19[5-9]\d|20[0-4]\d)"
POINT = re.compile(
    rf"(?<![\w.])(?:"
    rf"(?P<iso>{YEAR})[-/.](?P<iso_month>0[1-9]|1[0-2])(?:[-/.][0-3]\d)?(?!\d)"
    rf"|(?:[0-3]?\d[./-])?(?P<month>0?[1-9]|1[0-2])[./-](?P<month_year>{YEAR})"
    rf"|(?P<first>{YEAR})\.?\s(?:m\.\s)?(?P<behind>[^\W\d_]{{3,}})(?!\w)\.?(?=\s*(?:[0-3]?\d\.?\s*)?(?:[-–—]|$|"
    rf"[,:;|)\s]))"
    rf"|(?:(?:[0-3]?\d\.?\s+(?:de\s+)?)?(?P<word>[^\W\d_]{{3,}})\.?(?:\s[0-3]?\d)?,?\s+(?:de\s+|del\s+|"
    rf"of\s+)?)?(?P<year>{YEAR})(?!\.\s?[^\W\d_])"
    rf")(?!\d|\.\d)"
)
CURRENT = re.compile(
    r"(?<!\w)(?:present|current|now|(?:to ?)?date|today|ongoing|heute|aktuell|laufend|gegenwart|jetzt|présent|"
    r"aujourd['’]hui|actuel(?:lement)?|en cours|(?:à )?ce jour|presente|oggi|attuale|attualmente|in corso|"
    r"(?:la )?actualidad|actual(?:mente)?|hoy|heden|nu|obecnie|nadal|teraz|dziś|chwili obecnej|dnia dzisiejszego|"
    r"atual(?:mente)?|nuvarande|pågående|nuværende|nykyinen|současnost|dosud|súčasnosť|danes|danas|sedaj|jelenleg|"
    r"prezent|сега|настояще|досега|днес|момента|σήμερα|dabar|šobrīd|praegu|dato|nå|idag|doteraz|dodnes|trvá|"
    r"napjainkig|máig|jelen|folyamatban|(?:ao |el )?momento)(?!\w)",
    re.IGNORECASE,
)
UNTIL = (
    r"\b(?:to|until|till|through|bis(?: zum)?|à|au|jusqu['’](?:à|en)|al?|alla?|fino a(?:d|l)?|ad?|hasta(?: la)?|"
    r"tot(?: en met)?|t/m|do|až(?: do| po)?|até(?: ao)?|până(?: în| la)?|até|til|till|iki|līdz|kuni|до|έως|ως|"
    r"μέχρι|la)\b"
)
JOINT = re.compile(rf"\s*\.?\s*(?:[-–—‒−→~]+(?:\s*{UNTIL})?|/|{UNTIL})\s*(?:\ben\s)?\s*", re.IGNORECASE)
SINCE = re.compile(
    r"(?:\b(?:since|from|seit|ab|depuis|dal(?:la|l['’])?|desde|od|sinds|vanaf|sedan|siden|от|από|nuo|kopš|alates)\s+)$",
    re.IGNORECASE,
)
BETWEEN = re.compile(r"\s*(?:[0-3]?\d[.\s]+)?(?:le\s)?\s*")
LEAD = re.compile(
    r"(?:\b(?:from|von|vom|de|du|d['’]|dal|da|del?|od|van|fra|från|between|since|seit|depuis|desde|sinds)\s+)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time in a text: start and end as YYYY or YYYY-MM, and where it stands in the text."""

    start: str | None
    end: str | None
    at: int
    to: int
    is_range: bool


def normal(text: str | None) -> str | None:
    """Cut an ISO date or time to YYYY or YYYY-MM; None when the text does not begin with one."""
    match = re.match(rf"\s*({YEAR})(?:-(0[1-9]|1[0-2]))?", text or "")
    return "-".join(filter(None, match.groups())) if match else None


def _point(match: re.Match[str]) -> tuple[str, int, int]:
    """Return the date of a match and where it truly begins and ends (a word beside a year may be no month)."""
    if match["iso"]:
        return f"{match['iso']}-{match['iso_month']}", match.start(), match.end()
    if match["month"]:
        return f"{match['month_year']}-{int(match['month']):02}", match.start(), match.end()
    if match["first"]:
        month = MONTHS_BEHIND.get(fold(match["behind"]))
        return (f"{match['first']}-{month:02}", match.start(), match.end()) if month else (
            match["first"], match.start(), match.end("first"))  # fmt: skip
    month = MONTHS.get(fold(match["word"] or ""))
    if month:
        return f"{match['year']}-{month:02}", match.start(), match.end()
    return match["year"], match.start("year"), match.end()


def find_periods(text: str) -> list[Period]:
    """Return the periods and single dates of a text in order; a single date has start None and is no range."""
    points: list[tuple[str, int, int]] = []
    for match in POINT.finditer(text):
        points.append(_point(match))
    periods, index = [], 0
    while index < len(points):
        value, at, to = points[index]
        index += 1
        joint = JOINT.match(text, to)
        since = SINCE.search(text[:at])
        if joint and index < len(points) and _reaches(text, joint.end(), points[index][1]):
            end, _, end_to = points[index]
            index += 1
            periods.append(Period(value, end, _lead(text, at), end_to, True))
        elif joint and (now := CURRENT.match(text, joint.end())):
            periods.append(Period(value, None, _lead(text, at), now.end(), True))
        elif since:
            blank = len(text) - len(text[to:].lstrip())
            now = CURRENT.match(text, joint.end() if joint else blank)
            periods.append(Period(value, None, since.start(), now.end() if now else to, True))
        elif joint and not text[joint.end() :].strip(" )]") and text[to : joint.end()].strip() in {"-", "–", "—"}:
            periods.append(Period(value, None, at, len(text), True))
        else:
            periods.append(Period(None, value, at, to, False))
    return periods


def _lead(text: str, at: int) -> int:
    lead = LEAD.search(text[:at])
    return lead.start() if lead else at


def _reaches(text: str, joint_end: int, next_at: int) -> bool:
    """Tell whether only a day or a small word stands between the joint and the next date."""
    return next_at >= joint_end - 1 and bool(BETWEEN.fullmatch(text, joint_end, max(joint_end, next_at)))
