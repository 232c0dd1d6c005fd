from django.apps import AppConfig


class ConfigApp(AppConfig):
    """Home of the commands that concern the whole project, and of the demo."""

    name = "config"
    label = "config"
