"""Index of the records of this app."""

from .report import Report, ReportCut, ReportFile, ReportPart
from .story import StoryCluster, StoryPartner, StoryQuote, SuccessStory
from .trajectory import Trajectory, TrajectoryEntry

__all__ = [
    "Report",
    "ReportCut",
    "ReportFile",
    "ReportPart",
    "StoryCluster",
    "StoryPartner",
    "StoryQuote",
    "SuccessStory",
    "Trajectory",
    "TrajectoryEntry",
]
