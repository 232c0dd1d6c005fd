"""Celery with a broker that loses patience after a second and delivers again what is still being worked on."""

from __future__ import annotations

import os
import time
from typing import Any

from config.celery import app

__all__ = ["app"]
SECONDS = float(os.environ.get("SECTION_SECONDS", "4"))

app.conf.task_acks_late = True
app.conf.broker_transport_options = {
    "ack_emulation": True,
    "visibility_timeout": 1,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}


@app.on_after_finalize.connect
def make_sections_long(sender: Any, **_: Any) -> None:
    """Every section takes much longer than the broker's patience."""
    from facility.workflow import jobs
    from reporting import tasks

    if os.environ.get("WITHOUT_LOCK"):
        jobs._lock = lambda job_id: True  # type: ignore[assignment]
    quick = tasks.render_section

    def slow(*given: Any) -> Any:
        time.sleep(SECONDS)
        return quick(*given)

    tasks.render_section = slow
