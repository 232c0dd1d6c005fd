"""Index of the records of this app."""

from .contents import AgendaItem, Guest, Material
from .registration import Registration
from .signup import SignUp
from .topic import Proposer, Topic, Vote
from .webinar import Webinar

__all__ = ["AgendaItem", "Guest", "Material", "Proposer", "Registration", "SignUp", "Topic", "Vote", "Webinar"]
