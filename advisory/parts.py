"""The parts of a score by their names, in the order in which they are shown."""

from django.utils.translation import gettext_lazy as _

PARTS = [
    ("meaning", _("What the CV says")),
    ("words", _("Words in common")),
    ("areas", _("Areas")),
    ("languages", _("Languages")),
    ("sector", _("Sector")),
    ("country", _("Country known")),
    ("kind", _("Exact kind")),
    ("record", _("Earlier work here")),
    ("wishes", _("Wishes")),
]
