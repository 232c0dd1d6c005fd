"""Index of the records of this app."""

from .action import Action
from .advisor import Advisor
from .assignment import Assignment
from .case import Lesson, ProjectCluster, Signature
from .curriculum import CurriculumVitae, CvField, CvPassage
from .matchrun import MatchRun
from .needs import Need, NeedsAssessment
from .order import Ranking
from .project import Project
from .served import SessionAction, SessionFirm, SessionNeed
from .session import SupportSession
from .vectors import AskVector

__all__ = [
    "Action",
    "Advisor",
    "AskVector",
    "Assignment",
    "CurriculumVitae",
    "CvField",
    "CvPassage",
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
    "Signature",
    "SupportSession",
]
