"""What a handler is, and what it may say about a record."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from delivery.kafka.records import Metadata

Handler: TypeAlias = Callable[[Any, Metadata], Awaitable[None]]
BatchHandler: TypeAlias = Callable[[Sequence[tuple[Any, Metadata]]], Awaitable[None]]
Hook: TypeAlias = Callable[[Any, Metadata], Awaitable[None]]


class PermanentError(Exception):
    """Raised by a handler: this record will never work; do not try it again."""
