"""The jobs of this app."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from facility.workflow import clock
from facility.workflow.jobs import Job, job
from facility.workflow.steps import SYSTEM
from facility.workflow.tasks import daily, letter, post
from webinars.signup import SignUp
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


@job("webinars.confirm_sign_up")
def confirm_sign_up(work: Job) -> None:
    """Sends the link by which an address is confirmed. It stands only in the mail."""
    made = SignUp.objects.select_for_update(of=("self",), no_key=True).filter(pk=work.args["sign_up"]).first()
    if made is None or made.webinar.state != Webinar.State.ANNOUNCED:
        return
    link = settings.BASE_URL + reverse("place", kwargs={"code": made.new_code()})
    with translation.override(made.language):
        # Not the name that was given: whoever gave it may not be whoever reads this.
        context = {"webinar": made.webinar, "link": link}
        post(letter(str(work.pk), made, made.webinar.title_text, render_to_string("webinars/place.txt", context)))


@daily
def forget_sign_ups() -> int:
    """Names and addresses that nobody confirmed, or whose webinar is over."""
    return SignUp.forget()
