"""`manage.py embedder`: the process that turns live queries into vectors of meaning, on a unix socket."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from advisory import meaning


class Command(BaseCommand):
    help = "Answers live queries for meaning on a unix socket until it is told to stop (SIGTERM)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--socket", default=settings.EMBEDDER_SOCKET, help="Path of the unix socket.")
        parser.add_argument("--health", action="store_true", help="Ask the running embedder whether it is ready.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["health"]:
            answer = meaning.health(options["socket"], timeout=1)
            if not answer:
                raise CommandError("No embedder answers.")
            self.stdout.write(f"{answer['model']}, {answer['dimension']} numbers a vector, ready")
            return
        try:
            meaning.serve(options["socket"])
        except RuntimeError as error:
            raise CommandError(str(error)) from error
