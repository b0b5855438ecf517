"""Trace context in record headers, and what all messaging spans and metrics carry."""

from collections.abc import Iterable
from functools import lru_cache

from opentelemetry.trace import SpanContext
from opentelemetry.util.types import AttributeValue

from telemetry.bounds import MAX_CONTEXT, MAX_TEXT, cut
from telemetry.errors import ERROR_TYPE, type_of
from telemetry.propagation import active

Headers = list[tuple[str, bytes]]


def carrier_of(headers: Iterable[tuple[str, bytes | None]] | None) -> dict[str, str]:
    """A record's headers that carry context, by their names in lower case.

    Of repeated headers the last one counts: setters of other programs append.
    """
    names = active().names
    return {
        names[name]: value[:MAX_CONTEXT].decode("ascii", "replace")
        for name, value in headers or ()
        if name in names and isinstance(value, bytes)
    }


def extract(headers: Iterable[tuple[str, bytes | None]] | None) -> SpanContext | None:
    """The span context in a record's headers, None where there is none that is valid."""
    return active().sender_of(carrier_of(headers))


def key_attribute(key: bytes | None) -> dict[str, AttributeValue]:
    """The record's key as an attribute, bytes that are no text escaped; nothing without a key."""
    if key is None:
        return {}
    return {"messaging.kafka.message.key": cut(key[:MAX_TEXT].decode("utf-8", "backslashreplace"))}


@lru_cache(maxsize=256)
def _labels(operation: str, topic: str, group: str | None) -> dict[str, str]:
    labels = {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.destination.name": topic,
    }
    if group is not None:
        labels["messaging.consumer.group.name"] = group
    return labels


def metric_labels(
    operation: str, topic: str, group: str | None, error: BaseException | None
) -> dict[str, str]:
    """The attributes of the messaging metrics; shared between calls, not to be changed."""
    labels = _labels(operation, topic, group)
    return labels if error is None else labels | {ERROR_TYPE: type_of(error)}
