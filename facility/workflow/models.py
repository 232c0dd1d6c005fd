"""Index of the kernel's tables."""

from .clock import Timer
from .jobs import Job
from .once import Once
from .trail import Detail, Entry, Notice, Seal

__all__ = ["Detail", "Entry", "Job", "Notice", "Once", "Seal", "Timer"]
