"""The work on CVs and match runs that no page waits for."""

from __future__ import annotations

from typing import Any

import structlog
from django.utils import translation

from advisory.curriculum import CurriculumVitae
from advisory.cv import ocr
from advisory.equality import genders_of
from advisory.matchrun import MatchRun
from advisory.spread import spread_of
from advisory.tasks.comparing import asked_by, embedder, passages_indexed, quoted, texts_of
from facility.isolation import IsolationError, TimedOut, TooMuchMemory, run_isolated
from facility.registry.documents import Document
from facility.workflow.jobs import TRIES, Job, job
from facility.workflow.steps import SYSTEM, Blocked

log = structlog.get_logger()

# The format of a PDF of pictures.
SCANNED = "scanned-pdf"


@job("advisory.read_cv", whole=False)
def read_cv(work: Job) -> None:
    """Checks the file if nobody has yet, then reads it in an isolated child, outside of any transaction."""
    cv = CurriculumVitae.objects.select_related("document").get(pk=work.record_id)
    if cv.state != CurriculumVitae.State.RECEIVED:
        return
    document = checked(cv.document)
    reading = reading_of(document, is_last_try=work.attempts >= TRIES)
    cv.perform("read", by=SYSTEM, reading=storable(reading))


def checked(document: Document) -> Document:
    """The document after its scan, whoever does it first."""
    try:
        if document.state == Document.State.RECEIVED:
            document.perform("scan_file", by=SYSTEM)
    except Blocked:
        return Document.objects.get(pk=document.pk)
    return document


def reading_of(document: Document, *, is_last_try: bool) -> dict[str, Any]:
    """What the reader says; a file that breaks the child is refused, one that broke off by chance is tried again."""
    if document.state == Document.State.REJECTED:
        return refusal(document.why_rejected)
    try:
        data = document.read()
        reading = run_isolated("advisory.cv.reader.read_as_dict", data, document.name)
        return (recognised(data, document.name) if reading["format"] == SCANNED else None) or reading
    except IsolationError as error:
        log.warning("cv_reading_broke_off", document_id=str(document.pk), detail=error.detail)
        if not is_last_try and not isinstance(error, TimedOut | TooMuchMemory):
            raise
        return refusal(error.sentence)


def recognised(data: bytes, name: str) -> dict[str, Any] | None:
    """What tesseract makes of a scan, where it is installed; None where it is not, or makes nothing of it."""
    if ocr.program() is None:
        return None
    try:
        return run_isolated("advisory.cv.ocr.read_scanned", data, name, **ocr.READ_LIMITS)
    except IsolationError as error:
        log.warning("recognition_broke_off", detail=error.detail)
        return None


def refusal(sentence: str) -> dict[str, Any]:
    """A reading that says no."""
    return {"format": "unknown", "language": None, "status": "rejected", "reason": sentence, "fields": [], "text": ""}


def storable(value: Any) -> Any:
    """The same without what PostgreSQL cannot keep in text: NUL."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {key: storable(one) for key, one in value.items()}
    return [storable(one) for one in value] if isinstance(value, list) else value


@job("advisory.embed_cv")
def embed_cv(work: Job) -> None:
    """Turns a confirmed CV into vectors of meaning; a text that was embedded before is not embedded again."""
    cv = CurriculumVitae.objects.get(pk=work.record_id)
    if cv.state != CurriculumVitae.State.CONFIRMED:
        return
    passages = passages_indexed(cv)
    if passages is not None:
        cv.perform("index", by=SYSTEM, passages=passages)


def break_off(work: Job) -> None:
    """A run that could not be finished says so."""
    run = MatchRun.objects.get(pk=work.record_id)
    if run.state in {MatchRun.State.REQUESTED, MatchRun.State.RUNNING}:
        run.perform("fail", by=SYSTEM, why="The run broke off three times. Try again; if it fails again, ask for help.")


@job("advisory.run_match", whole=False, gives_up=break_off)
def run_match(work: Job) -> None:
    """Freezes the inputs, scores and solves; taken up again after a break, it goes on from the frozen inputs."""
    from advisory.proposal import propose

    run = MatchRun.objects.get(pk=work.record_id)
    if run.state == MatchRun.State.REQUESTED:
        run.perform("start", by=SYSTEM)
    if run.state != MatchRun.State.RUNNING:
        return
    texts, total = texts_of(run), steps_of(run)
    asked = asked_by(run, work, total)

    def advance(number: int) -> None:
        work.advance(len(run.inputs["projects"]) + number, total)

    weights = run.parameters.get("weights")
    with translation.override(run.asked_by.language if run.asked_by else None):
        result = propose(run.inputs, texts, asked, run.terms(), weights, advance, translation.gettext)
    if result["status"] == "infeasible":
        run.perform("fail", by=SYSTEM, why=" ".join(result["reasons"])[:2000])
        return
    scores = result.pop("scores")
    spread = spread_of(run.inputs, scores, result["pairs"], written_in(texts), genders_of(run.inputs))
    result |= {"pairs": quoted(run, result["pairs"], texts, asked), "fairness": spread}
    run.perform("finish", by=SYSTEM, result=result, scores=scores)


def steps_of(run: MatchRun) -> int:
    """How many steps a run has: its projects are read, their places filled, every pair weighed."""
    return sum(1 + sum(one["demand"].values()) for one in run.inputs["projects"]) + 1


def written_in(texts: dict[str, tuple[str, str, Any]]) -> dict[str, str]:
    """The language of each advisor's CV, by advisor id."""
    return {advisor: language for advisor, (_text, language, _vectors) in texts.items()}


__all__ = ["embed_cv", "embedder", "read_cv", "run_match"]
