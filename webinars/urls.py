"""The addresses of this app that no record has by itself."""

from typing import Any

from django.urls import path

from webinars import web

urlpatterns: list[Any] = [path("workspace/webinars/<uuid:pk>/calendar.ics", web.calendar, name="webinar-calendar")]
