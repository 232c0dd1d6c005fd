"""Erases a person; run by the owner of the tables."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import erasure
from facility.registry.people import Person


class Command(BaseCommand):
    help = "Takes a person's data away for good; the trail stays whole."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="the key of the person")

    def handle(self, *args: Any, **options: Any) -> None:
        person = Person.objects.filter(pk=options["person"]).first()
        if person is None:
            raise CommandError("There is no person with this key.")
        self.stdout.write(json.dumps(erasure.erase(person), indent=1, ensure_ascii=False))
