"""Index of the kernel's tables."""

from .clock import Timer
from .jobs import Job
from .once import Once
from .seals import Seal
from .trail import Detail, Entry, Notice

__all__ = ["Detail", "Entry", "Job", "Notice", "Once", "Seal", "Timer"]
