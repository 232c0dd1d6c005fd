"""The addresses of this app that no record has by itself."""

from typing import Any

from django.urls import path

from webinars import events, web

urlpatterns: list[Any] = [
    path("events/<uuid:pk>/", events.PublicEvent.as_view(), name="public-webinar"),
    path("events/places/<str:code>/", events.Place.as_view(), name="place"),
    path("events/places/<str:code>/calendar.ics", events.Place.as_view(is_calendar=True), name="place-calendar"),
    path("workspace/webinars/<uuid:pk>/calendar.ics", web.calendar, name="webinar-calendar"),
]
