from django.apps import AppConfig


class ErrandsApp(AppConfig):
    """A workflow that exists only in tests: it shows that one file and one row of the matrix are enough."""

    name = "tests.errands"
    label = "tests"
