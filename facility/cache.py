"""The shared cache: counts of sign-in tries and of one-use codes. Without its server, sign-in still works."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger()


class SharedCache(RedisCache):
    """Redis; while it is away each process keeps its own, so that limits hold for each process by itself."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.here = LocMemCache("while the shared one is away", params | {"OPTIONS": {}})

    def _either(self, name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(), name)(*args, **kwargs)
        except RedisError as error:
            log.warning("cache_away", error=type(error).__name__)
            return getattr(self.here, name)(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        """As the cache of Django does."""
        return self._either("add", *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        """As the cache of Django does."""
        return self._either("get", *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        """As the cache of Django does."""
        return self._either("set", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """As the cache of Django does."""
        return self._either("delete", *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        """As the cache of Django does."""
        return self._either("incr", *args, **kwargs)
