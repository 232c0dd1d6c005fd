"""`manage.py solve_assignment`: the assignment as one JSON object in and one out, without a database."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from advisory.solver import Problem, solve

ANSWER = ("sum", "min", "sum_bound", "min_bound", "status")


class Command(BaseCommand):
    help = "Reads scores, demand, load bounds and conflicts as JSON on standard input and answers the assignment."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=60.0, help="Time to look for the proven optimum.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            given = json.load(sys.stdin)
            problem = Problem(
                scores=given["scores"],
                demand=given["demand"],
                load_ub=given["load_ub"],
                load_lb=given.get("load_lb"),
                conflict=given.get("conflict"),
            )
            solution = solve(problem, options["seconds"])
        except KeyError as error:
            raise CommandError(f"The input has no “{error.args[0]}”.") from error
        except (ValueError, TypeError) as error:
            raise CommandError(f"The input cannot be read as an assignment: {error}") from error
        answer = {"pairs": solution.pairs, **{name: getattr(solution, name) for name in ANSWER}}
        self.stdout.write(json.dumps({**answer, "reasons": solution.reasons}))
