import os
import signal
import time

from facility.workflow.jobs import Job, JobRefused, job
from facility.workflow.steps import SYSTEM
from tests.errands.models import Errand, Stop


@job("tests.thank")
def thank(work: Job) -> None:
    record = Errand.objects.get(pk=work.record_id)
    if not record.note:
        record.perform("thank", by=SYSTEM)


@job("tests.fail")
def fail(work: Job) -> None:
    raise ValueError("person@example.org is not to be seen")


@job("tests.useless")
def useless(work: Job) -> None:
    raise JobRefused("The file cannot be read; hand in another.")


@job("tests.stop")
def stop(work: Job) -> None:
    Errand.objects.get(pk=work.record_id).perform("stop", by=SYSTEM, job=work.pk)


@job("tests.slow_stop", whole=False)
def slow_stop(work: Job) -> None:
    """Commits on its own and is not safe to be run again while it runs."""
    stop(work)
    time.sleep(work.args["seconds"])


@job("tests.stop_slowly")
def stop_slowly(work: Job) -> None:
    """Can be killed in its middle, and be run again."""
    time.sleep(work.args["seconds"])
    stop(work)


@job("tests.stop_and_die", whole=False)
def stop_and_die(work: Job) -> None:
    """The effect is committed apart from the job's being done, and the worker dies in between, the first time."""
    Errand.objects.get(pk=work.record_id).perform("stop", by=SYSTEM, job=work.pk)
    if Stop.objects.filter(place=str(work.pk)).count() == 1:
        os.kill(os.getpid(), signal.SIGKILL)


@job("tests.die")
def die(work: Job) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@job("tests.die_late", whole=False)
def die_late(work: Job) -> None:
    """Comes on a little each time, and never further."""
    work.advance(1, 3)
    work.advance(2, 3)
    os.kill(os.getpid(), signal.SIGKILL)
