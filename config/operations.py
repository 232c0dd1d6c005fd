"""What operators ask: is it alive, is it ready, and the few figures worth watching."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.core.cache import cache
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from facility.isolation import network_isolated
from facility.workflow.database import missing_triggers
from facility.workflow.jobs import Job


def live(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def ready(request: HttpRequest) -> JsonResponse:
    """Whether people can work, and what is degraded. Only a database that is away makes it unready."""
    parts: dict[str, str] = {}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        missing = missing_triggers()
        parts["database"] = "ok" if not missing else f"triggers are missing on {', '.join(missing)}"
    except Error:
        parts["database"] = "away"
    try:
        cache.set("ready", 1, 5)
        parts["broker"] = "ok"
    except Exception:
        parts["broker"] = "away: mail and jobs wait, people are not affected"
    parts["reading"] = "ok" if network_isolated() else "files are read without a network namespace of their own"
    parts["clock"] = "demo" if settings.DEMO_CLOCK else "ok"
    good = parts["database"] == "ok"
    return JsonResponse({"ready": good, "parts": parts}, status=200 if good else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Figures in the text format of Prometheus; for the inside network only."""
    open_jobs = Job.objects.filter(state__in=["waiting", "running"])
    oldest = open_jobs.order_by("made_at").values_list("made_at", flat=True).first()
    age = (dt.datetime.now(dt.UTC) - oldest).total_seconds() if oldest else 0
    lines = [
        "# TYPE facility_jobs_open gauge",
        f"facility_jobs_open {open_jobs.count()}",
        "# TYPE facility_jobs_oldest_seconds gauge",
        f"facility_jobs_oldest_seconds {max(age, 0):.0f}",
        "# TYPE facility_jobs_parked gauge",
        f"facility_jobs_parked {Job.objects.filter(state=Job.State.PARKED).count()}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")
