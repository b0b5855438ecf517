"""How many bytes an item of a queue is in memory, about; the same each time it is asked.

It is the texts that grow, which others choose. The rest is Python's objects: measured for a span of
a request, and for a log record of one.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from opentelemetry._logs import LogRecord
from opentelemetry.sdk.trace import ReadableSpan

from telemetry.otlp.spans import inside

_SPAN: Final = 2_000
_ATTRIBUTE: Final = 100
_RECORD: Final = 300
_PART: Final = 500
"""Of an event or a link."""


def size_of_span(span: ReadableSpan) -> int:
    """Of one that has ended."""
    attributes, _, events, _, links, _ = inside(span)
    size = _SPAN + len(span.name) + _texts(attributes)
    size += sum(_PART + _texts(event.attributes) for event in events)
    return size + sum(_PART + _texts(link.attributes) for link in links)


def size_of_record(record: LogRecord) -> int:
    """Of one that nobody changes any more."""
    return _RECORD + _length(record.body) + _texts(record.attributes)


def _texts(attributes: Mapping[str, Any] | None) -> int:
    return sum(_ATTRIBUTE + _length(value) for value in (attributes or {}).values())


def _length(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return len(value)
    return sum(map(_length, value)) if isinstance(value, Iterable) else 0
