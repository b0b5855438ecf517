"""Sentry's envelopes: lines of JSON headers and payloads. Only events are kept.

Format: https://develop.sentry.dev/sdk/foundations/transport/envelopes/. Raises ValueError for a
body that is no envelope; items of other types (sessions, client reports, logs) are passed over.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from embedded.receiver import limits
from embedded.receiver.intake.values import LATEST
from embedded.receiver.model import SentryEvent

_HEADER_BYTES = 64 * 1024
_MESSAGE = 2_000
_TAG = 200
_TAGS = 100
_ID = re.compile("[0-9a-f]{16,32}")
_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def events_of(body: bytes) -> Iterator[SentryEvent]:
    """The events of one envelope."""
    position = body.find(b"\n")
    if position < 0:
        position = len(body)  # headers alone: an envelope without items
    _object(body[:position], _HEADER_BYTES)
    items = 0
    position += 1
    while position < len(body):
        end = _line_end(body, position)
        if body[position:end].isspace() or position == end:
            position = end + 1
            continue
        items += 1
        if items > limits.ITEMS:
            raise ValueError(f"not a Sentry envelope: more than {limits.ITEMS} items")
        header = _object(body[position:end], _HEADER_BYTES)
        start = end + 1
        finish = _finish(body, start, header.get("length"))
        if header.get("type") == "event":
            yield event_of(_object(body[start:finish], limits.EVENT_BYTES))
        position = finish + 1


def _finish(body: bytes, start: int, length: object) -> int:
    """Where an item ends: after its length, or at the end of the line. Never before `start`."""
    if length is None:
        return _line_end(body, start)
    if isinstance(length, bool) or not isinstance(length, int):
        raise ValueError("not a Sentry envelope: a length is no number")
    if not 0 <= length <= len(body) - start:
        raise ValueError("not a Sentry envelope: a length leads out of it")
    return start + length


def _line_end(body: bytes, start: int) -> int:
    end = body.find(b"\n", start)
    return len(body) if end < 0 else end


def event_of(payload: dict[str, Any]) -> SentryEvent:
    """What the page shows of an event. Its trace is the one of its tags, or else of its context.

    Raises ValueError where a part has another shape than Sentry's.
    """
    tags = _tags(payload.get("tags"))
    context = _part(_part(payload, "contexts"), "trace")
    return SentryEvent(
        event_id=_text(payload.get("event_id"), 32),
        service=tags.get("service.name") or tags.get("service") or "",
        level=_text(payload.get("level"), 20) or "error",
        message=_message(payload),
        trace_id=_id(tags.get("otel.trace_id") or context.get("trace_id"), 32),
        span_id=_id(tags.get("otel.span_id") or context.get("span_id"), 16),
        time=_nanoseconds(payload.get("timestamp")),
        tags=tags,
        environment=_text(payload.get("environment"), _TAG),
        release=_text(payload.get("release"), _TAG),
        payload=payload,
    )


def _tags(tags: object) -> dict[str, str]:
    if tags is None:
        return {}
    if isinstance(tags, list):  # the protocol allows pairs, too
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in tags if pair is not None):
            raise ValueError("not a Sentry event: its tags are no pairs")
        tags = {str(pair[0]): pair[1] for pair in tags if pair is not None}
    if not isinstance(tags, dict):
        raise ValueError("not a Sentry event: its tags are no object")
    first = list(tags.items())[:_TAGS]
    return {name[:_TAG]: _text(value, _TAG) for name, value in first}


def _part(payload: dict[str, Any], name: str) -> dict[str, Any]:
    part = payload.get(name)
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise ValueError(f"not a Sentry event: its {name} is no object")
    return part


def _message(payload: dict[str, Any]) -> str:
    exceptions = payload.get("exception")
    values = exceptions.get("values") if isinstance(exceptions, dict) else exceptions
    if isinstance(values, list) and values and isinstance(values[-1], dict):
        last = values[-1]  # the one that was raised; its causes come before it
        return _text(f"{last.get('type') or 'Error'}: {last.get('value') or ''}", _MESSAGE)
    entry = _part(payload, "logentry")
    found = entry.get("formatted") or entry.get("message") or payload.get("message")
    return _text(found, _MESSAGE)


def _text(value: object, most: int) -> str:
    return "" if value is None else str(value)[:most]


def _id(value: object, length: int) -> str:
    text = _text(value, 64).lower()
    return text if len(text) == length and _ID.fullmatch(text) and text.strip("0") else ""


def _nanoseconds(timestamp: object) -> int:
    """0 for a text that is not understood."""
    if isinstance(timestamp, int | float):
        # Compared before it is multiplied: no number is too large for that.
        if not 0 <= timestamp <= LATEST // _SECOND:
            raise ValueError("not a Sentry event: its timestamp is no time")
        return int(timestamp * _SECOND)
    try:
        moment = datetime.fromisoformat(_text(timestamp, 40).replace("Z", "+00:00"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        since = moment - _EPOCH
    except (ValueError, OverflowError):
        return 0
    seconds = since.days * 86_400 + since.seconds
    return max(seconds * _SECOND + since.microseconds * 1_000, 0)


def _object(line: bytes, most: int) -> dict[str, Any]:
    if len(line) > most:
        raise ValueError(f"not a Sentry envelope: a part is larger than {most} bytes")
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"not a Sentry envelope: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("not a Sentry envelope: a line is no JSON object")
    return value
