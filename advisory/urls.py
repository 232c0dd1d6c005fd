"""The addresses of this app that no record has by itself."""

from typing import Any

urlpatterns: list[Any] = []
