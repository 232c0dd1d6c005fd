from django.apps import AppConfig
from django.db.models.signals import post_migrate


class WorkflowApp(AppConfig):
    """The kernel: it knows records, steps, the trail, jobs and clocks, and no domain."""

    name = "facility.workflow"
    label = "workflow"

    def ready(self) -> None:
        from .database import install_triggers

        post_migrate.connect(install_triggers, dispatch_uid="workflow.triggers")
