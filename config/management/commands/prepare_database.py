from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import environ
import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.database import PreparationError, make_role, prepare


class Command(BaseCommand):
    help = (
        "Makes a PostgreSQL database ready for its first migration: extensions, the application's role (DATABASE_URL) "
        "and its rights on what the owner (MIGRATE_DATABASE_URL) makes. May be repeated."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--template",
            action="store_true",
            help="prepare template1 as well, so that test databases on this server are made ready too (superuser)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        owner = environ.Env.db_url_config(settings.MIGRATE_DATABASE_URL)
        application = environ.Env.db_url_config(settings.DATABASE_URL)
        if owner["USER"] == application["USER"]:
            raise CommandError(
                f"DATABASE_URL and MIGRATE_DATABASE_URL both name the role “{owner['USER']}”. The application must "
                "serve with a role of its own, which cannot change the trail."
            )
        databases = [owner["NAME"], "template1"] if options["template"] else [owner["NAME"]]
        for database in databases:
            try:
                self._prepare(database, owner["USER"], application)
            except psycopg.OperationalError as error:
                raise CommandError(f"MIGRATE_DATABASE_URL: {str(error).strip()}") from None
            except PreparationError as error:
                raise CommandError(str(error)) from None

    def _prepare(self, database: str, owner: str, application: dict[str, Any]) -> None:
        with psycopg.connect(settings.MIGRATE_DATABASE_URL, dbname=database, autocommit=True) as connection:
            if make_role(connection, application["USER"], application["PASSWORD"]):
                self.stdout.write(f"Made the role “{application['USER']}”.")
            made = prepare(connection, owner=owner, application=application["USER"])
        self.stdout.write(f"“{database}” is ready" + (f"; made the extensions {', '.join(made)}." if made else "."))
