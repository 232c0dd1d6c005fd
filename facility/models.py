"""Index of the records of this app."""

from .application import Application
from .asked import Asked, EarlierAnswer
from .call import Call
from .call_parts import Criterion, QuestionSet
from .eligibility import EligibilityAnswer
from .evaluation import Evaluation, Score
from .instruments.exchange import Import
from .instruments.link import Link
from .instruments.signature import Signature, SignedText
from .interests import InterestsDeclaration
from .letter import Letter, LetterText
from .papers import (
    ApplicationDocument,
    ApplicationNeed,
    ApplicationPartner,
    Clarification,
    KeptText,
    Submission,
)
from .quotas import CallQuota, SelectionQuota
from .registry.aid import Aid, DeclaredAid
from .registry.assessment import OutsideAssessment
from .registry.cluster import Cluster
from .registry.conflicts import Conflict
from .registry.contact import Contact
from .registry.cooperation import Cooperation
from .registry.declaration import Declaration
from .registry.documents import Document, Download
from .registry.engagement import Engagement, Signatory
from .registry.evaluator import EvaluatorProfile, ProfileEmployer
from .registry.grants import Grant
from .registry.indicator import Indicator, IndicatorSet, IndicatorValue, Measurement
from .registry.label import Label
from .registry.organisation import Membership, Organisation
from .registry.people import Person, Token
from .registry.programme import Programme
from .selection import Selection, SelectionLine

__all__ = [
    "Aid",
    "Application",
    "ApplicationDocument",
    "ApplicationNeed",
    "ApplicationPartner",
    "Asked",
    "Call",
    "CallQuota",
    "Clarification",
    "Cluster",
    "Conflict",
    "Contact",
    "Cooperation",
    "Criterion",
    "Declaration",
    "DeclaredAid",
    "Document",
    "Download",
    "EarlierAnswer",
    "EligibilityAnswer",
    "Engagement",
    "Evaluation",
    "EvaluatorProfile",
    "Grant",
    "Import",
    "Indicator",
    "IndicatorSet",
    "IndicatorValue",
    "InterestsDeclaration",
    "KeptText",
    "Label",
    "Letter",
    "LetterText",
    "Link",
    "Measurement",
    "Membership",
    "Organisation",
    "OutsideAssessment",
    "Person",
    "ProfileEmployer",
    "Programme",
    "QuestionSet",
    "Score",
    "Selection",
    "SelectionLine",
    "SelectionQuota",
    "Signatory",
    "Signature",
    "SignedText",
    "Submission",
    "Token",
]
