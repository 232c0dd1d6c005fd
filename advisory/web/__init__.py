"""Index: matching (people and who works with whom) and support (the projects)."""

from .matching import *
from .support import *
