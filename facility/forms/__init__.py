"""The input of the steps of this app."""

from .registry import *  # noqa: F403
from .selection import *  # noqa: F403
