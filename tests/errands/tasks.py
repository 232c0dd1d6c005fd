from facility.workflow.jobs import Job, JobRefused, job
from facility.workflow.steps import SYSTEM
from tests.errands.models import Errand


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
