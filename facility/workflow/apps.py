from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class WorkflowApp(AppConfig):
    """The kernel: it knows records, steps, the trail, jobs and clocks, and no domain."""

    name = "facility.workflow"
    label = "workflow"

    def ready(self) -> None:
        from . import clock
        from .database import install_triggers

        post_migrate.connect(install_triggers, dispatch_uid="workflow.triggers")
        if settings.DATABASE_CLOCK:
            connection_created.connect(clock.set_by_database, dispatch_uid="workflow.clock")
