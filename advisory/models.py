"""Index of the records of this app."""

from .action import Action
from .advisor import Advisor
from .assignment import Assignment
from .case import Lesson, ProjectCluster, Signature
from .curriculum import CurriculumVitae, CvField, CvPassage
from .matchrun import MatchRun
from .needs import Need, NeedsAssessment
from .note import AdvisorNote
from .order import Ranking
from .project import Project
from .searchable import CvSentence
from .served import SessionAction, SessionFirm, SessionNeed
from .session import SupportSession
from .shortlist import Shortlist, ShortlistEntry

__all__ = [
    "Action",
    "Advisor",
    "AdvisorNote",
    "Assignment",
    "CurriculumVitae",
    "CvField",
    "CvPassage",
    "CvSentence",
    "Lesson",
    "MatchRun",
    "Need",
    "NeedsAssessment",
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
]
