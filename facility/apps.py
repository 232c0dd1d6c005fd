from django.apps import AppConfig


class FacilityApp(AppConfig):
    """Who takes part, the call and the selection."""

    name = "facility"
    label = "facility"
