"""The kernel's own work: the one Celery task, the timers' ticks, and the mailing of notices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from email.utils import parseaddr
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_noop

from . import clock, jobs, seals, trail
from .engine import by_type
from .once import Once
from .seals import Seal
from .steps import SYSTEM, Refused

log = structlog.get_logger()
# Advisory locks: one relay ticks and one mails at a time; any number may ring.
TICKS, MAILS = 7_205_001, 7_205_002
REPEATED_WITHIN = dt.timedelta(days=7)
LOOK_AGAIN, REFUSED_AGAIN = dt.timedelta(days=1), dt.timedelta(hours=1)
FAILURES_IN_A_ROW = 3
PERMANENT = 500
# No transaction lasts longer (the hard limit of a job is ten minutes), so every entry older than this is visible.
SETTLED = dt.timedelta(minutes=15)


@shared_task(name="workflow.run_job")
def run_job(job_id: str) -> None:
    """Runs the job of this id."""
    jobs.run(job_id)


def send(job_id: str, queue: str) -> bool:
    """Rings: asks a worker of the queue to run the job. A broker that is away is no error for anybody."""
    try:
        run_job.apply_async(args=[job_id], queue=queue, retry=False)
    except Exception as error:
        log.warning("broker_away", error=type(error).__name__)
        return False
    return True


def tick() -> int:
    """Lets due timers act: reminders, overdue marks, escalations, and the steps that the system takes by itself.

    A timer that breaks is tried again later and does not hold up those after it.
    """
    instant, acted = clock.now(), 0
    for key in list(
        clock.Timer.objects.filter(next_at__lte=instant).order_by("next_at").values_list("pk", flat=True)[:500]
    ):
        try:
            with transaction.atomic():
                rows = clock.Timer.objects.select_for_update(skip_locked=True)
                timer = rows.filter(pk=key, next_at__lte=instant).first()
                if timer is not None:
                    _act(timer, instant)
                    acted += 1
        except Exception as error:
            if not connection.is_usable():
                raise
            log.error("timer_broke", timer_id=str(key), error=type(error).__name__, exc_info=True)
            clock.Timer.objects.filter(pk=key).update(next_at=instant + REFUSED_AGAIN)
    return acted


def _act(timer: clock.Timer, instant: dt.datetime) -> None:
    record = by_type(timer.record_type)._base_manager.filter(pk=timer.record_id).first()
    if record is None or record.state != timer.state:
        timer.next_at = None
    elif record.clock_stopped():
        timer.next_at = instant + LOOK_AGAIN  # the end of a programme can be moved
    elif timer.step:
        _take_step(timer, record, instant)
    elif timer.reminded_at is None and timer.due_at > instant:
        timer.reminded_at, timer.next_at = instant, timer.due_at
        _notify(record, record.awaited_people(), gettext_noop("Reminder: “%(title)s” waits for you."))
    elif timer.overdue_at is None:
        timer.overdue_at, timer.next_at = instant, timer.escalate_at
        _notify(record, record.awaited_people(), gettext_noop("Overdue: “%(title)s” still waits for you."))
    elif timer.escalated_at is None:
        timer.escalated_at, timer.next_at = instant, None
        _notify(record, record.overseers(), gettext_noop("“%(title)s” is overdue; please look after it."))
    # It may be gone: a step that was taken has made new ones.
    marks = {name: getattr(timer, name) for name in ("reminded_at", "overdue_at", "escalated_at", "next_at")}
    clock.Timer.objects.filter(pk=timer.pk).update(**marks)


def _take_step(timer: clock.Timer, record: Any, instant: dt.datetime) -> None:
    """A refused step is tried again, since what stands in its way may go; the overseers are told once."""
    timer.next_at = None
    try:
        record.perform(timer.step, by=SYSTEM)
    except Refused as refused:
        log.warning("timed_step_refused", step=timer.step, record_id=str(record.pk), reason=type(refused).__name__)
        timer.next_at = instant + REFUSED_AGAIN
        if timer.escalated_at is None:
            timer.escalated_at = instant
            step = str(type(record).step(timer.step).label)
            _notify(
                record, record.overseers(), gettext_noop("“%(title)s” could not go on by itself: %(step)s."), step=step
            )


def _notify(record: Any, people: list[Any], key: str, **params: Any) -> None:
    trail.Notice.objects.bulk_create(trail.notices(record, people, key, {"title": record.title(), **params}))


def mail(limit: int = 100) -> int:
    """Mails notices that wait for it. Each has one Message-ID, so that a repetition can be told as such.

    A notice that cannot be mailed waits for a while and does not hold up those after it; after three in a row the
    server of mail is taken to be away, and the rest waits for the next turn.
    """
    sent = failed = 0
    waiting = Q(mailed_at__isnull=True, mail_after__lte=clock.now(), to__is_active=True)
    rows = trail.Notice.objects.filter(waiting).select_related("to")
    for key in list(rows.order_by("mail_after").values_list("pk", flat=True)[:limit]):
        # Not locked while it is sent, or its reader would wait for the server of mail; one relay mails at a time.
        notice = rows.filter(pk=key).first()
        if notice is None:
            continue
        try:
            message_for(notice).send()
        except Exception as error:
            log.warning("mail_failed", notice_id=str(key), error=type(error).__name__, exc_info=True)
            # What is refused for good stays in the inbox alone.
            final = refused_for_good(error)
            trail.Notice.objects.filter(pk=key).update(mail_after=None if final else clock.now() + jobs.LATER)
            failed += not final
        else:
            trail.Notice.objects.filter(pk=key).update(mailed_at=clock.now())
            failed, sent = 0, sent + 1
        if failed >= FAILURES_IN_A_ROW:
            break
    return sent


def post(message: EmailMessage) -> None:
    """Sends the mail of a job; while the server of mail is away, the job is for later."""
    try:
        message.send()
    except OSError as error:
        if refused_for_good(error):
            raise
        raise jobs.Later from error


def refused_for_good(error: Exception) -> bool:
    """Whether the server refuses this very address or mail, now and ever (RFC 5321: codes 5xx).

    Whatever else it says, such as to a password that has run out, is about the server and may be mended.
    """
    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _said in error.recipients.values()]
        return bool(codes) and min(codes) >= PERMANENT
    return isinstance(error, SMTPDataError) and error.smtp_code >= PERMANENT


def letter(key: str, to: Any, subject: str, body: str) -> EmailMessage:
    """A mail to a person. The same key is the same mail: a repetition has the same Message-ID."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return EmailMessage(subject=subject, body=body, to=[to.email or ""], headers={"Message-ID": f"<{key}@{domain}>"})


def message_for(notice: trail.Notice) -> EmailMessage:
    """The mail of a notice in its reader's language; never more than one line of it in the subject."""
    written = by_type(notice.record_type)(id=notice.record_id).letter_of(notice)
    with translation.override(notice.to.language):
        subject, text = written or (notice.text(), notice.text())
        link = settings.BASE_URL + (notice.link or reverse("notice", kwargs={"pk": notice.pk}))
        body = render_to_string(
            "workflow/mail.txt", {"notice": notice, "text": text, "link": link, "is_letter": bool(written)}
        )
    return letter(str(notice.pk), notice.to, " ".join(subject.split())[:120], body)


def seal() -> Seal | None:
    """Seals what has come since the last time. The log keeps it as well, outside the database."""
    made = seals.seal(clock.actual() - SETTLED)
    if made:
        log.info("trail_sealed", **made.line())
    return made


_daily: list[Callable[[], int]] = []


def daily(sweep: Callable[[], int]) -> Callable[[], int]:
    """Declares a function of an app's `tasks.py` that the relay calls once a day; it answers how much it took away."""
    _daily.append(sweep)
    return sweep


def keep_house() -> None:
    """Calls every daily sweep; one that breaks does not hold up the others."""
    autodiscover_modules("tasks")
    for sweep in _daily:
        try:
            log.info("swept", sweep=sweep.__name__, gone=sweep())
        except Exception as error:
            if not connection.is_usable():
                raise
            log.error("sweep_broke", sweep=sweep.__name__, error=type(error).__name__, exc_info=True)


@daily
def forget_repeated_posts() -> int:
    """Keys of acts that nobody repeats any more."""
    return Once.objects.filter(at__lt=clock.now() - REPEATED_WITHIN).delete()[0]


@daily
def forget_sessions() -> int:
    """Sessions that have ended."""
    ended = Session.objects.filter(expire_date__lt=clock.actual())
    return ended.delete()[0]
