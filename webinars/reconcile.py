"""Attendance report against registrations: who was there, by e-mail first and by name then (F26). Pure, no Django."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from webinars.attendance import ACCEPTED, Refused, read

HOSTS = frozenset({"host", "organizer", "organiser", "co-organizer"})


def read_report(data: bytes, filename: str, zone: str | None) -> dict[str, Any]:
    """The report as `Attendance.as_json` gives it, or {"error": sentence, "accepted": formats}; for a child process."""
    try:
        return read(data, filename, zone).as_json()
    except Refused as refused:
        return {"error": str(refused), "accepted": list(ACCEPTED)}


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody with a registration: `key` names it, `expected` says whether they had registered."""

    key: str
    name: str
    email: str
    expected: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody in the report, in whole minutes; `key` is the registration they match, "" for none; `by` says how."""

    name: str
    email: str
    minutes: int
    key: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a report says about the registrations of one webinar.

    present: those who were there and match a registration. absent: keys of registrations whose people did not come.
    unmatched: those who were there and match none. hosts: unmatched people who ran the meeting; no participants.
    """

    present: tuple[Found, ...]
    absent: tuple[str, ...]
    unmatched: tuple[Found, ...]
    hosts: tuple[Found, ...]
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Figures, and the people who need a look."""
        return {
            "attended": len(self.present),
            "absent": len(self.absent),
            "unmatched": [{"name": one.name, "email": one.email, "minutes": one.minutes} for one in self.unmatched],
            "hosts": [one.name for one in self.hosts],
            "warnings": list(self.warnings),
        }


def reconcile(people: Sequence[dict[str, Any]], known: Iterable[Known], warnings: Sequence[str] = ()) -> Reconciled:
    """Matches the people of a report (as `Attendance.as_json` gives them) with the registrations of a webinar.

    E-mail addresses match without regard to case. A name matches without regard to case, accents and the order of its
    words, and only where one registration and one row of the report bear it: two of one name are told apart by nobody.
    Rows with 0 minutes are people who did not come.
    """
    left = {one.key: one for one in known}
    expected = [one.key for one in left.values() if one.expected]
    came = [Found(p["name"], p["email"], max(1, round(p["minutes"]))) for p in people if p["minutes"] > 0]
    roles = [p["role"] for p in people if p["minutes"] > 0]
    matched: dict[int, Found] = {}
    said = list(warnings)
    for by, sign in (("e-mail", _email), ("name", _name)):
        rows = {at: sign(one) for at, one in enumerate(came) if at not in matched}
        matched |= _matched(rows, left, by, sign, came, said)
    rest = [at for at in range(len(came)) if at not in matched]
    hosts = [at for at in rest if roles[at] in HOSTS]
    there = {one.key for one in matched.values()}
    return Reconciled(
        present=tuple(matched[at] for at in sorted(matched)),
        absent=tuple(key for key in expected if key not in there),
        unmatched=tuple(came[at] for at in rest if at not in hosts),
        hosts=tuple(came[at] for at in hosts),
        warnings=tuple(said),
    )


def _matched(
    rows: dict[int, str],
    left: dict[str, Known],
    by: str,
    sign: Callable[[Any], str],
    came: list[Found],
    said: list[str],
) -> dict[int, Found]:
    """The rows whose sign is that of exactly one registration; those registrations are taken out of `left`."""
    bearers: dict[str, list[str]] = {}
    for key, one in left.items():
        bearers.setdefault(sign(one), []).append(key)
    often = Counter(rows.values())
    found = {}
    for at, text in rows.items():
        keys = bearers.get(text, []) if text else []
        if len(keys) == 1 and often[text] == 1:
            found[at] = replace(came[at], key=keys[0], by=by)
            del left[keys[0]]
        elif keys:
            said.append(f"{came[at].name} is the {by} of several people; match them by hand.")
    return found


def _email(one: Any) -> str:
    return one.email.strip().casefold()


def _name(one: Any) -> str:
    plain = unicodedata.normalize("NFKD", one.name.casefold())
    letters = "".join(sign if sign.isalnum() else " " for sign in plain if not unicodedata.combining(sign))
    return " ".join(sorted(letters.split()))
