"""Index: matching (people and who works with whom) and support (the projects)."""

from .matching import *  # noqa: F403
from .support import *  # noqa: F403
from .weights import *  # noqa: F403
