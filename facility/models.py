"""Index of the records of this app."""

from .application import Application
from .asked import Asked, EarlierAnswer
from .bid import ApplicationNeed, ApplicationPartner
from .call import Call, Criterion
from .evaluation import Evaluation, Score
from .instruments.link import Link
from .registry.cluster import Cluster
from .registry.conflicts import Conflict
from .registry.documents import Document, Download
from .registry.grants import Grant
from .registry.organisation import Organisation
from .registry.people import Person, Token
from .registry.programme import Programme
from .selection import Selection, SelectionLine

__all__ = [
    "Application",
    "ApplicationNeed",
    "ApplicationPartner",
    "Asked",
    "Call",
    "Cluster",
    "Conflict",
    "Criterion",
    "Document",
    "Download",
    "EarlierAnswer",
    "Evaluation",
    "Grant",
    "Link",
    "Organisation",
    "Person",
    "Programme",
    "Score",
    "Selection",
    "SelectionLine",
    "Token",
]
