"""Loads a synthetic programme of any size."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.scale import AlreadyThere, Scale, TooFew


class Command(BaseCommand):
    help = (
        "Loads a synthetic Facility of any size for measuring, in a programme of its own that is marked as demo. Rows "
        "are written in bulk with the entries that their course would have left; the chains of the trail verify."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--projects", type=int, required=True, help="projects under way, one for each place")
        parser.add_argument("--applications", type=int, help="applications of the decided call (four times as many)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same Facility")

    def handle(self, *args: Any, **options: Any) -> None:
        projects, began = options["projects"], time.monotonic()
        applications = projects * 4 if options["applications"] is None else options["applications"]
        if min(projects, applications) < 1:
            raise CommandError("Give at least one project and one application.")
        try:
            made = Scale(projects, applications, options["seed"], self.stdout.write).load()
        except (TooFew, AlreadyThere) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{made.name} ({made.slug}) in {time.monotonic() - began:.0f} s")
