"""What operators ask: is it alive, is it ready, and the few figures worth watching."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import Any

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare

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
        shared: Any = settings.CACHES["default"]
        redis.Redis.from_url(shared["LOCATION"], **shared["OPTIONS"]).ping()
        parts["broker"] = "ok"
    except (redis.RedisError, KeyError):
        parts["broker"] = "away: mail and jobs wait, people are not affected"
    parts["reading"] = "ok" if network_isolated() else "files are read without a network namespace of their own"
    parts["clock"] = "demo" if settings.DEMO_CLOCK else "ok"
    good = parts["database"] == "ok"
    return JsonResponse({"ready": good, "parts": parts}, status=200 if good else 503)


def may_measure(request: HttpRequest) -> bool:
    """Whether the key is shown, or where none is set, whether the request comes directly from a private address."""
    if settings.METRICS_TOKEN:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        return constant_time_compare(shown, settings.METRICS_TOKEN)
    if {"X-Forwarded-For", "Forwarded", "X-Real-IP"} & set(request.headers):
        return False  # passed on by a proxy, so whoever asks stands outside
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return address.is_private  # loopback counts as private


def metrics(request: HttpRequest) -> HttpResponse:
    """Figures in the text format of Prometheus, for whoever shows the key or asks from inside the own network."""
    if not may_measure(request):
        raise Http404
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
