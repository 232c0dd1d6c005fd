"""Letters from templates with merge fields such as {cluster}: filling them, and finding what is left. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

FIELD = re.compile(r"\{(\w+)\}")


def merged(text: str, values: Mapping[str, str]) -> str:
    """The text with every field filled for which there is a value; an unknown or empty one stays as it is."""
    return FIELD.sub(lambda found: values.get(found[1]) or found[0], text)


def left_open(text: str) -> list[str]:
    """The names of the fields that are not filled, each once, in order."""
    return list(dict.fromkeys(FIELD.findall(text)))
