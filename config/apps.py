from django.apps import AppConfig


class ConfigApp(AppConfig):
    """Home of the commands that concern the whole project, and of the demo."""

    name = "config"
    label = "config"

    def ready(self) -> None:
        """Makes the Celery application the one that tasks are sent through, in every process."""
        from config import celery  # noqa: F401
