"""Index: matching (people and who works with whom), the pool of advisors, and support (the projects)."""

from .applying import *  # noqa: F403
from .assigning import *  # noqa: F403
from .duplicates import *  # noqa: F403
from .intake import *  # noqa: F403
from .matching import *  # noqa: F403
from .pool import *  # noqa: F403
from .sessions import *  # noqa: F403
from .solving import *  # noqa: F403
from .support import *  # noqa: F403
