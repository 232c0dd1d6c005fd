"""The jobs of this app."""

from __future__ import annotations

import datetime as dt

from facility.workflow import clock
from facility.workflow.jobs import Job, job
from facility.workflow.steps import SYSTEM
from webinars.webinar import Webinar


@job("webinars.invite")
def invite(work: Job) -> None:
    """Invites whoever takes part and is not invited yet, and looks again a day later while the webinar is announced."""
    webinar = Webinar.objects.get(pk=work.record_id)
    if webinar.state != Webinar.State.ANNOUNCED:
        return
    if webinar.uninvited().exists():
        webinar.perform("invite_latecomers", by=SYSTEM)
    again = clock.now() + dt.timedelta(days=1)
    key = f"webinars.invite:{webinar.pk}:{again:%Y-%m-%d}"
    Job.objects.bulk_create([Job.about(webinar, "webinars.invite", due_at=again, key=key)], ignore_conflicts=True)
