"""A contradiction in sentences: each demand and each limit by name, many of one family together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from .problem import Key, Problem

# More than so many of a family are told in one sentence.
SINGLY = 4
NAMED = 3


def gettext_noop(text: str) -> str:
    """Marks a text for the catalogues; whoever shows it hands over the way to translate it."""
    return text


HEAD = gettext_noop("These demands and limits cannot all hold; without any one of them they could:")
HEAD_ONE = gettext_noop("This cannot be met:")
HEAD_UNSURE = gettext_noop(
    "These demands and limits cannot all hold. The time given ended before the smallest set of them was found:"
)
KINDS = {
    "": gettext_noop("of any kind"),
    "business": gettext_noop("as business advisor"),
    "sustainability": gettext_noop("as sustainability advisor"),
}
REASONS = {
    "conflict": gettext_noop("by a conflict of interest"),
    "language": gettext_noop("for want of a common language"),
    "excluded": gettext_noop("by an exclusion that either side asked for"),
    "on the project": gettext_noop("being on the project already"),
    "declined or replaced": gettext_noop("having declined or been replaced there"),
    "score": gettext_noop("having no score there"),
}


def told(
    problem: Problem,
    keys: Sequence[Key],
    is_smallest: bool = True,
    say: Callable[[str], str] = str,
    kinds: Mapping[str, str] = KINDS,
) -> list[str]:
    """The sentences for a set of keys, after one that says what they are; `say` translates a text."""
    families: dict[str, list[Key]] = defaultdict(list)
    for key in keys:
        families[key[0]].append(key)
    teller = _Teller(problem, say, kinds)
    sentences = [say(HEAD_UNSURE if not is_smallest else HEAD if len(keys) > 1 else HEAD_ONE)]
    for family in ("asks", "language", "pin", "least", "room", "forbid", "barred", "load", "days", "each", "places"):
        own = families.get(family, [])
        together = getattr(teller, f"all_{family}", None)
        if len(own) > SINGLY and together:
            sentences.append(together(own))
        else:
            sentences += [getattr(teller, family)(*key[1:]) for key in own]
    return sentences


class _Teller:
    """One sentence for each family of demands and limits."""

    def __init__(self, problem: Problem, say: Callable[[str], str], kinds: Mapping[str, str]) -> None:
        self.problem, self.say, self.kinds = problem, say, kinds

    def advisor(self, number: int) -> str:
        """The name of an advisor, or the number."""
        names = self.problem.advisor_names
        return names[number] if names else self.say("Advisor %d") % number

    def project(self, number: int) -> str:
        """The name of a project, or the number."""
        names = self.problem.project_names
        return names[number] if names else self.say("Project %d") % number

    def kind(self, kind: str) -> str:
        """As what, in words."""
        return self.say(self.kinds[kind]) if kind in self.kinds else kind

    def wanted(self, project: int, kind: str) -> int:
        """How many a project asks for."""
        asked = self.problem.demand[project]
        return asked[kind] if isinstance(asked, Mapping) else int(asked)

    def serving(self, kind: str) -> int:
        """How many advisors serve as a kind."""
        served = self.problem.kinds
        return len(self.problem.load_ub) if not kind or served is None else sum(kind in own for own in served)

    def asks(self, project: int, kind: str) -> str:
        """A demand, and how many there are at all."""
        said = self.say(gettext_noop("%(project)s asks for %(n)d %(kind)s; %(all)d may serve so."))
        values = {"n": self.wanted(project, kind), "kind": self.kind(kind), "all": self.serving(kind)}
        return said % {"project": self.project(project), **values}

    def all_asks(self, keys: Sequence[Key]) -> str:
        """Many demands."""
        n = sum(self.wanted(project, kind) for _family, project, kind in keys)
        said = self.say(gettext_noop("%(names)s ask for %(n)d advisors in all."))
        return said % {"names": self.some([self.project(p) for p in dict.fromkeys(key[1] for key in keys)]), "n": n}

    def room(self, project: int, kind: str) -> str:
        """No more than asked for."""
        said = self.say(gettext_noop("%(project)s has no place for more than %(n)d %(kind)s."))
        return said % {"project": self.project(project), "n": self.wanted(project, kind), "kind": self.kind(kind)}

    def load(self, advisor: int) -> str:
        """The places of an advisor."""
        n = int(self.problem.load_ub[advisor])
        return self.say(gettext_noop("%(advisor)s has room for projects: %(n)d.")) % {
            "advisor": self.advisor(advisor),
            "n": n,
        }

    def all_load(self, keys: Sequence[Key]) -> str:
        """The places of many."""
        n = sum(int(self.problem.load_ub[advisor]) for _family, advisor in keys)
        said = self.say(gettext_noop("%(names)s have room for %(n)d projects in all."))
        return said % {"names": self.some([self.advisor(a) for _family, a in keys]), "n": n}

    def least(self, advisor: int) -> str:
        """Projects that an advisor must get."""
        n = int((self.problem.load_lb or [])[advisor])
        said = self.say(gettext_noop("%(advisor)s must take projects, at least: %(n)d."))
        return said % {"advisor": self.advisor(advisor), "n": n}

    def days(self, advisor: int) -> str:
        """The days of an advisor."""
        n = (self.problem.days or [])[advisor]
        return self.say(gettext_noop("%(advisor)s has days left: %(n)s.")) % {
            "advisor": self.advisor(advisor),
            "n": f"{n:g}",
        }

    def all_days(self, keys: Sequence[Key]) -> str:
        """The days of many."""
        n = sum((self.problem.days or [])[advisor] or 0 for _family, advisor in keys)
        said = self.say(gettext_noop("%(names)s have %(n)s days left in all."))
        return said % {"names": self.some([self.advisor(a) for _family, a in keys]), "n": f"{n:g}"}

    def language(self, project: int, codes: Sequence[str]) -> str:
        """A language that somebody must speak."""
        speak = sum(not set(codes).isdisjoint(own) for own in self.problem.speaks or ())
        said = self.say(gettext_noop("An advisor of %(project)s must speak %(codes)s; %(n)d do."))
        return said % {"project": self.project(project), "codes": " / ".join(codes), "n": speak}

    def pin(self, advisor: int, project: int) -> str:
        """A pair that must be."""
        asked, served = self.problem.demand[project], self.problem.kinds
        wanted = {kind for kind, n in asked.items() if n} if isinstance(asked, Mapping) else {""} if asked else set()
        fits = "" in wanted or (bool(wanted) if served is None else not wanted.isdisjoint(served[advisor]))
        said = self.say(
            gettext_noop("%(advisor)s is pinned to %(project)s.")
            if fits
            else gettext_noop("%(advisor)s is pinned to %(project)s, which asks for nobody of that kind.")
        )
        return said % {"advisor": self.advisor(advisor), "project": self.project(project)}

    def forbid(self, advisor: int, project: int) -> str:
        """A pair that must not be."""
        said = self.say(gettext_noop("%(advisor)s is forbidden for %(project)s."))
        return said % {"advisor": self.advisor(advisor), "project": self.project(project)}

    def barred(self, project: int, why: str) -> str:
        """People kept off a project for one reason."""
        problem = self.problem
        conflict = problem.conflict
        off = [
            advisor
            for advisor in range(len(problem.load_ub))
            if (why == "score" or (conflict is not None and conflict[advisor][project]))
            and (why == "score" or problem.why.get((advisor, project), "conflict") == why)
            and (why != "score" or bool(problem.scores[advisor][project] != problem.scores[advisor][project]))
        ]
        said = self.say(gettext_noop("Kept off %(project)s %(why)s: %(names)s."))
        words = self.say(REASONS[why]) if why in REASONS else why
        return said % {"project": self.project(project), "why": words, "names": self.some(list(map(self.advisor, off)))}

    def each(self, group: str) -> str:
        """Projects of one group for each."""
        said = self.say(gettext_noop("Nobody takes more than %(n)d projects of the group %(group)s."))
        return said % {"n": self.problem.most_each[group], "group": group}

    def places(self, group: str) -> str:
        """Places for one group."""
        said = self.say(gettext_noop("Advisors of the group %(group)s take at most %(n)d places."))
        return said % {"n": self.problem.most_places[group], "group": group}

    def some(self, names: Sequence[str]) -> str:
        """A few names, and how many others."""
        if len(names) <= SINGLY:
            return ", ".join(names)
        said = self.say(gettext_noop("%(names)s and %(n)d others"))
        return said % {"names": ", ".join(names[:NAMED]), "n": len(names) - NAMED}
