"""Assign advisors to projects: the best worst case, the best sum that goes with it, then the fairest (F07, F08).

Pure: scores, demands, limits and conflicts go in; pairs come out with a proof, or with the gap that is left. The score
of a project is the sum over its advisors, and the worst case is the lowest score of the projects that ask for anybody.

The proof: the linear relaxation is solved over a growing set of pairs until no other pair could raise it, which bounds
every assignment; then the whole-number problem is solved over those pairs, and again with all pairs whose reduced cost
fits into the gap. A pair left out after that cannot be part of a better assignment.

Where several assignments have this worst case and this sum, the one is taken whose second lowest project stands best,
then the third lowest, and so on (leximin). Where there is none, a set of demands and limits is named that cannot all
hold, and without any one of which they could.
"""

from .greedy import greedy
from .problem import Key, Pair, Problem, RunnerUp, Solution
from .search import solve
from .words import told

__all__ = ["Key", "Pair", "Problem", "RunnerUp", "Solution", "greedy", "solve", "told"]
