"""The input of the steps of this app."""

from .registry import *
from .selection import *
