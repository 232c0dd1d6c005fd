"""Index of the records of this app."""

from .access import CvAccess
from .action import Action
from .advisor import Advisor
from .advisorcall import AdvisorCall, ConsentText
from .applicant import Applicant
from .assignment import Assignment
from .case import Lesson, ProjectCluster, Signature
from .curriculum import CurriculumVitae, CvField, CvPassage
from .duplicate import Duplicate
from .intake import CvIntake, CvIntakeFile
from .matchrun import MatchRun
from .needs import Need, NeedsAssessment
from .order import Ranking
from .project import Project
from .served import SessionAction, SessionFirm, SessionNeed
from .session import SupportSession

__all__ = [
    "Action",
    "Advisor",
    "AdvisorCall",
    "Applicant",
    "Assignment",
    "ConsentText",
    "CurriculumVitae",
    "CvAccess",
    "CvField",
    "CvIntake",
    "CvIntakeFile",
    "CvPassage",
    "Duplicate",
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
