"""Index: advisors and their CVs, match runs, assignments, the pool, and support (the projects)."""

from .advisors import *  # noqa: F403
from .applying import *  # noqa: F403
from .assigning import *  # noqa: F403
from .duplicates import *  # noqa: F403
from .intake import *  # noqa: F403
from .matching import *  # noqa: F403
from .pool import *  # noqa: F403
from .sessions import *  # noqa: F403
from .solving import *  # noqa: F403
from .support import *  # noqa: F403
