"""Index of the records of this app."""

from .access import CvAccess
from .action import Action
from .advisor import Advisor
from .advisorcall import AdvisorCall, ConsentText
from .agreement import Agreement
from .applicant import Applicant
from .assignment import Assignment
from .case import Lesson, ProjectCluster, Signature
from .curriculum import CurriculumVitae, CvField
from .duplicate import Duplicate
from .equality import Equality
from .intake import CvIntake, CvIntakeFile
from .matchrun import MatchRun
from .needs import Need, NeedsAssessment
from .note import AdvisorNote
from .order import Ranking
from .preference import Preference
from .project import Project
from .searchable import CvSentence
from .served import SessionAction, SessionFirm, SessionNeed
from .session import SupportSession
from .shortlist import Shortlist, ShortlistEntry
from .terms import Terms
from .vectors import AskVector, CvPassage

__all__ = [
    "Action",
    "Advisor",
    "AdvisorCall",
    "AdvisorNote",
    "Agreement",
    "Applicant",
    "AskVector",
    "Assignment",
    "ConsentText",
    "CurriculumVitae",
    "CvAccess",
    "CvField",
    "CvIntake",
    "CvIntakeFile",
    "CvPassage",
    "CvSentence",
    "Duplicate",
    "Equality",
    "Lesson",
    "MatchRun",
    "Need",
    "NeedsAssessment",
    "Preference",
    "Project",
    "ProjectCluster",
    "Ranking",
    "SessionAction",
    "SessionFirm",
    "SessionNeed",
    "Shortlist",
    "ShortlistEntry",
    "Signature",
    "SupportSession",
    "Terms",
]
