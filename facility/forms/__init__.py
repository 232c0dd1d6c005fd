"""The input of the steps of this app."""

from .application import *  # noqa: F403
from .asked import *  # noqa: F403
from .call import *  # noqa: F403
from .evaluation import *  # noqa: F403
from .registry import *  # noqa: F403
from .selection import *  # noqa: F403
