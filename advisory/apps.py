from django.apps import AppConfig


class AdvisoryApp(AppConfig):
    name = "advisory"
    label = "advisory"
