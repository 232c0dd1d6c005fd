"""Keys of records: UUID version 7 (RFC 9562), ordered by time and not guessable."""

import uuid

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> uuid.UUID:
    """A new key."""
    return _uuid7()
