"""The jobs of this app."""

from facility.registry.documents import Document
from facility.workflow.jobs import Job, job
from facility.workflow.steps import SYSTEM


@job("facility.scan_document")
def scan_document(work: Job) -> None:
    """Checks a received file; what was checked already stays as it is."""
    document = Document.objects.get(pk=work.record_id)
    if document.state == Document.State.RECEIVED:
        document.perform("scan_file", by=SYSTEM)
