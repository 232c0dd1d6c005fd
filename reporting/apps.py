from django.apps import AppConfig


class ReportingApp(AppConfig):
    name = "reporting"
    label = "reporting"
