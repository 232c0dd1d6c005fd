from django.apps import AppConfig


class FacilityApp(AppConfig):
    """Who takes part, the call and the selection."""

    name = "facility"
    label = "facility"

    def ready(self) -> None:
        """Loads what listens to signing in."""
        from facility import accounts  # noqa: F401
