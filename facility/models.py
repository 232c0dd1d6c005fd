"""Index of the records of this app."""

from .application import Application
from .bid import ApplicationNeed, ApplicationPartner
from .call import Call, Criterion
from .interests import InterestsDeclaration
from .eligibility import EligibilityAnswer
from .evaluation import Evaluation, Score
from .instruments.link import Link
from .registry.cluster import Cluster
from .registry.conflicts import Conflict
from .registry.documents import Document, Download
from .registry.grants import Grant
from .registry.organisation import Organisation
from .registry.people import Person, Token
from .registry.evaluator import EvaluatorProfile, ProfileEmployer
from .registry.programme import Programme
from .selection import Selection, SelectionLine

__all__ = [
    "Application",
    "ApplicationNeed",
    "ApplicationPartner",
    "Call",
    "Cluster",
    "Conflict",
    "Criterion",
    "InterestsDeclaration",
    "Document",
    "Download",
    "EligibilityAnswer",
    "Evaluation",
    "EvaluatorProfile",
    "Grant",
    "Link",
    "Organisation",
    "Person",
    "ProfileEmployer",
    "Programme",
    "Score",
    "Selection",
    "SelectionLine",
    "Token",
]
