"""What operators ask: is it alive, is it ready, and the few figures worth watching."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
from typing import Any

import redis
from django.conf import settings
from django.db import Error, connection, models
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare

from facility.isolation import network_isolated
from facility.workflow import clock
from facility.workflow.counts import counted
from facility.workflow.database import is_locked, missing_triggers
from facility.workflow.jobs import Job
from facility.workflow.steps import Refused
from facility.workflow.tasks import TICKS
from facility.workflow.trail import Notice

# Seconds after which work that is due counts as late.
BEHIND = 60
REFUSALS = [kind.__name__ for kind in Refused.__subclasses__()]


def live(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def ready(request: HttpRequest) -> JsonResponse:
    """Whether people can work, and what is degraded. Only a database that is away makes it unready."""
    parts = {"database": _database()}
    good = parts["database"] == "ok"
    if good:
        parts |= {"relay": _relay(), "worker": _worker()}
    parts |= {
        "broker": _broker(),
        "embedder": _embedder(),
        "reading": "ok" if network_isolated() else "files are read without a network namespace of their own",
        "clock": "demo" if settings.DEMO_CLOCK else "ok",
    }
    degraded = sorted(name for name, said in parts.items() if said != "ok")
    return JsonResponse({"ready": good, "degraded": degraded, "parts": parts}, status=200 if good else 503)


def _database() -> str:
    try:
        missing = missing_triggers()
    except Error:
        return "away"
    return f"triggers are missing on {', '.join(missing)}" if missing else "ok"


def _broker() -> str:
    try:
        shared: Any = settings.CACHES["default"]
        redis.Redis.from_url(shared["LOCATION"], **shared["OPTIONS"]).ping()
    except (redis.RedisError, KeyError):
        return "away: mail and jobs wait, people are not affected"
    return "ok"


def _relay() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {is_locked(str(TICKS))}")
        (there,) = cursor.fetchone()
    return "ok" if there else "away: jobs, clocks and mail wait"


def _worker() -> str:
    seconds = oldest_job()
    return "ok" if seconds < BEHIND else f"behind: the oldest job has waited for {seconds:.0f} seconds"


def _embedder() -> str:
    try:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(1)
            asked.connect(settings.EMBEDDER_SOCKET)
    except OSError:
        return "away: search goes by words alone"
    return "ok"


def oldest_job() -> float:
    """For how many seconds the oldest job that is due has not been begun."""
    due = Job.objects.filter(state=Job.State.WAITING, due_at__lte=clock.now())
    oldest = due.order_by("due_at").values_list("due_at", flat=True).first()
    return (clock.now() - oldest).total_seconds() if oldest else 0


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
    jobs = dict(Job.objects.order_by("state").values_list("state").annotate(models.Count("pk")))
    late = clock.now() - dt.timedelta(seconds=BEHIND)
    gauges = {
        "jobs_waiting": jobs.get(Job.State.WAITING, 0),
        "jobs_running": jobs.get(Job.State.RUNNING, 0),
        "jobs_parked": jobs.get(Job.State.PARKED, 0),
        "jobs_oldest_seconds": round(oldest_job()),
        # Tried before and put off, as while a server of mail is away or refuses to serve.
        "jobs_failing": Job.objects.filter(state=Job.State.WAITING).exclude(reason="").count(),
        "mails_late": Notice.objects.filter(mailed_at=None, mail_after__isnull=False, created_at__lt=late).count(),
        "timers_late": clock.Timer.objects.filter(next_at__lt=late).count(),
    }
    lines = [
        line for name, value in gauges.items() for line in (f"# TYPE facility_{name} gauge", f"facility_{name} {value}")
    ]
    lines.append("# TYPE facility_refusals_total counter")
    for kind, number in counted(REFUSALS).items():
        lines.append(f'facility_refusals_total{{kind="{kind}"}} {number}')
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")
