"""Index: matching (people and who works with whom) and support (the projects)."""

from .applying import *  # noqa: F403
from .assigning import *  # noqa: F403
from .confirming import *  # noqa: F403
from .intake import *  # noqa: F403
from .matching import *  # noqa: F403
from .support import *  # noqa: F403
from .weights import *  # noqa: F403
