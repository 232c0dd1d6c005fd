"""Generated diagrams and who-may tables."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from facility.workflow import diagram


class Command(BaseCommand):
    help = "Writes docs/workflows from the code; with --check only says what is stale."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.BASE_DIR / "docs" / "workflows"
        if not options["check"]:
            diagram.write(folder)
            return
        stale = diagram.stale(folder)
        if stale:
            raise CommandError(f"Run `make docs`; stale: {', '.join(stale)}")
