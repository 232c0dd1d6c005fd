"""Index of the records of this app."""

from .action import Action
from .advisor import Advisor
from .assignment import Assignment
from .curriculum import CurriculumVitae, CvField, CvPassage
from .matchrun import MatchRun
from .needs import Need, NeedsAssessment, Ranking
from .project import Lesson, Project, ProjectCluster, Signature
from .session import SessionAction, SessionFirm, SessionNeed, SupportSession
