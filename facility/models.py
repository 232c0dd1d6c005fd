"""Index of the records of this app."""

from .application import Application
from .call import Call, Criterion, QuestionSet
from .evaluation import Evaluation, Score
from .instruments.link import Link
from .papers import (
    ApplicationDocument,
    ApplicationNeed,
    ApplicationPartner,
    Clarification,
    KeptText,
    Submission,
)
from .registry.cluster import Cluster
from .registry.conflicts import Conflict
from .registry.declaration import Declaration
from .registry.documents import Document, Download
from .registry.grants import Grant
from .registry.organisation import Organisation
from .registry.people import Person, Token
from .registry.programme import Programme
from .selection import Selection, SelectionLine

__all__ = [
    "Application",
    "ApplicationDocument",
    "ApplicationNeed",
    "ApplicationPartner",
    "Call",
    "Clarification",
    "Cluster",
    "Conflict",
    "Criterion",
    "Declaration",
    "Document",
    "Download",
    "Evaluation",
    "Grant",
    "KeptText",
    "Link",
    "Organisation",
    "Person",
    "Programme",
    "QuestionSet",
    "Score",
    "Selection",
    "SelectionLine",
    "Submission",
    "Token",
]
