"""The input of the steps of this app."""

from .application import *  # noqa: F403
from .asked import *  # noqa: F403
from .call import *  # noqa: F403
from .cluster import *  # noqa: F403
from .consortium import *  # noqa: F403
from .eligibility import *  # noqa: F403
from .engagement import *  # noqa: F403
from .evaluation import *  # noqa: F403
from .exchange import *  # noqa: F403
from .profile import *  # noqa: F403
from .registry import *  # noqa: F403
from .selection import *  # noqa: F403
from .writing import *  # noqa: F403
