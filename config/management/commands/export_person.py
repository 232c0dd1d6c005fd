"""What the Facility holds on a person, as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import erasure
from facility.registry.people import Person


class Command(BaseCommand):
    help = "Prints everything that belongs to a person or names them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="the key of the person")

    def handle(self, *args: Any, **options: Any) -> None:
        person = Person.objects.filter(pk=options["person"]).first()
        if person is None:
            raise CommandError("There is no person with this key.")
        self.stdout.write(json.dumps(erasure.export(person), indent=1, ensure_ascii=False))
