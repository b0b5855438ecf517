"""How much of what comes from outside is kept: every text in telemetry has an end.

A span or a log record waits in memory until the Collector takes it, and clients choose what is in
them: a user agent, a query, a record's key, the text of an exception.
"""

from typing import Final

MAX_TEXT: Final = 1024
"""Characters of a value that a client or a record chooses, and of an exception's message."""

MAX_CONTEXT: Final = 8 * 1024
"""Bytes of a header with trace context or baggage, which the W3C lets have as many."""

MAX_BODY: Final = 8 * 1024
"""Characters of a log line."""

MAX_STACK: Final = 16 * 1024
"""Characters of a stack trace; its end is kept, which says what happened."""

MAX_QUEUE_BYTES: Final = 32 * 1024 * 1024
"""Bytes of one signal that wait for the Collector; what comes on top is dropped."""

_ELLIPSIS: Final = "..."


def cut(text: str, length: int = MAX_TEXT) -> str:
    """The text, or its beginning and three dots."""
    return text if len(text) <= length else text[: length - len(_ELLIPSIS)] + _ELLIPSIS


def cut_start(text: str, length: int = MAX_STACK) -> str:
    """The text, or three dots and its end."""
    return text if len(text) <= length else _ELLIPSIS + text[len(_ELLIPSIS) - length :]
