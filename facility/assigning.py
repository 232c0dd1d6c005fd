"""Who is asked to judge which application (F03).

Pure: from papers and readers to pairs, by a minimum-cost flow. Source -> paper (as many units as evaluations are still
wanted) -> reader (one unit, where nothing stands between them) -> sink (one arc for each further paper of a reader).
In this order the result has: as many evaluations as can be given at all, shortages spread over the papers, loads as
even as the rest allows, then the best fit of languages and expertise. Each further paper of a reader costs more than
the one before, so that the sum grows with the square of the load and the evenest loads are the cheapest (a separable
convex cost: Ahuja, Magnanti, Orlin, Network Flows, 1993, ch. 14). All costs are whole numbers: the optimum is exact.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ortools.graph.python import min_cost_flow

# What speaks against a pair, in points; a reader whose profile is silent stands between fitting and not fitting.
NO_LANGUAGE, NO_ECOSYSTEM, NO_AREA = 60, 25, 15
SILENT = 2
WORST = NO_LANGUAGE + NO_ECOSYSTEM + NO_AREA


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who can be asked. `load`: papers in this call already; `limit`: at most so many, None for any number."""

    id: str
    languages: frozenset[str] = frozenset()
    ecosystems: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    load: int = 0
    limit: int | None = None

    @property
    def room(self) -> int | None:
        """How many more; None for any number."""
        return None if self.limit is None else max(self.limit - self.load, 0)


@dataclass(frozen=True, slots=True)
class Paper:
    """An application. `wanted`: evaluations still to ask for; `asked`: readers who are or were asked."""

    id: str
    wanted: int
    language: str = ""
    ecosystem: str = ""
    areas: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fit:
    """How a reader fits a paper: yes, no, or None where one of the two says nothing. `areas`: those they share."""

    language: bool | None
    ecosystem: bool | None
    areas: tuple[str, ...] | None

    @property
    def cost(self) -> int:
        """0 for a perfect fit up to WORST."""
        weighed = (
            (self.language, NO_LANGUAGE),
            (self.ecosystem, NO_ECOSYSTEM),
            (None if self.areas is None else bool(self.areas), NO_AREA),
        )
        return sum(weight // SILENT if fits is None else 0 if fits else weight for fits, weight in weighed)


@dataclass(frozen=True, slots=True)
class Pair:
    """A reader for a paper; `nth` counts the reader's papers in this call, those of before included."""

    paper: str
    reader: str
    nth: int
    fit: Fit


@dataclass(frozen=True, slots=True)
class Short:
    """A paper that does not get what it wants, and what stands in the way of how many readers, each counted once."""

    paper: str
    missing: int
    tied: int
    asked: int
    full: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The pairs in the order of papers and readers as they were given, and the papers that stay short."""

    pairs: tuple[Pair, ...] = ()
    short: tuple[Short, ...] = ()
    loads: dict[str, int] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether every paper gets what it wants."""
        return not self.short


def fit(reader: Reader, paper: Paper) -> Fit:
    """How the two fit."""
    return Fit(
        language=paper.language in reader.languages if paper.language and reader.languages else None,
        ecosystem=paper.ecosystem in reader.ecosystems if paper.ecosystem and reader.ecosystems else None,
        areas=tuple(sorted(paper.areas & reader.areas)) if paper.areas and reader.areas else None,
    )


def plan(papers: Sequence[Paper], readers: Sequence[Reader], ties: Collection[tuple[str, str]] = ()) -> Plan:
    """The best assignment; `ties` holds (reader id, paper id) of those who have an interest.

    Raises ValueError when an id stands twice.
    """
    for rows in (papers, readers):
        if len({one.id for one in rows}) < len(rows):
            raise ValueError("an id stands twice")
    barred = set(ties)
    wanted = sum(paper.wanted for paper in papers)
    if not wanted:
        return Plan(loads={reader.id: reader.load for reader in readers})
    fits = {
        (at, to): fit(reader, paper)
        for at, paper in enumerate(papers)
        for to, reader in enumerate(readers)
        if (reader.id, paper.id) not in barred and reader.id not in paper.asked
    }
    chosen = _solve(papers, readers, {pair: one.cost for pair, one in fits.items()}, wanted)
    loads = {reader.id: reader.load for reader in readers}
    pairs = []
    for at, to in chosen:
        reader = readers[to].id
        loads[reader] += 1
        pairs.append(Pair(papers[at].id, reader, loads[reader], fits[at, to]))
    short = []
    for at, paper in enumerate(papers):
        given = {readers[to].id for one, to in chosen if one == at}
        if len(given) < paper.wanted:
            tied = {reader.id for reader in readers if (reader.id, paper.id) in barred} - paper.asked
            rest = {reader.id for reader in readers} - tied - paper.asked - given
            short.append(Short(paper.id, paper.wanted - len(given), len(tied), len(paper.asked), len(rest)))
    return Plan(tuple(pairs), tuple(short), loads)


def _solve(
    papers: Sequence[Paper], readers: Sequence[Reader], costs: dict[tuple[int, int], int], wanted: int
) -> list[tuple[int, int]]:
    """The pairs that carry flow, in order."""
    flow = min_cost_flow.SimpleMinCostFlow()
    source, sink = len(papers) + len(readers), len(papers) + len(readers) + 1
    # One step of load outweighs every difference of fit, one evaluation more outweighs every step of load.
    load_step = wanted * WORST + 1
    highest = max((reader.load for reader in readers), default=0) + wanted
    shortage = load_step * (2 * highest + 1) * wanted + 1
    for at, paper in enumerate(papers):
        flow.add_arc_with_capacity_and_unit_cost(source, at, paper.wanted, 0)
        for nth in range(paper.wanted):
            flow.add_arc_with_capacity_and_unit_cost(at, sink, 1, shortage * (nth + 1))
    arcs = {
        flow.add_arc_with_capacity_and_unit_cost(at, len(papers) + to, 1, cost): (at, to)
        for (at, to), cost in costs.items()
    }
    for to, reader in enumerate(readers):
        room = wanted if reader.room is None else min(reader.room, wanted)
        for more in range(room):
            cost = load_step * (2 * (reader.load + more) + 1)
            flow.add_arc_with_capacity_and_unit_cost(len(papers) + to, sink, 1, cost)
    flow.set_node_supply(source, wanted)
    flow.set_node_supply(sink, -wanted)
    if flow.solve() != flow.OPTIMAL:
        raise ArithmeticError("the assignment has no optimum, though every unit may stay unassigned")
    return sorted(pair for arc, pair in arcs.items() if flow.flow(arc))
