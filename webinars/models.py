"""Index of the records of this app."""

from .contents import AgendaItem, Material
from .registration import Registration
from .topic import Proposer, Topic, Vote
from .webinar import Webinar

__all__ = ["AgendaItem", "Material", "Proposer", "Registration", "Topic", "Vote", "Webinar"]
