from django.apps import AppConfig


class WebinarsApp(AppConfig):
    name = "webinars"
    label = "webinars"
