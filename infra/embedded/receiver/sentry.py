"""Sentry's envelopes: lines of JSON headers and payloads. Only events are kept.

Format: https://develop.sentry.dev/sdk/foundations/transport/envelopes/. Raises ValueError for a
body that is no envelope; items of other types (sessions, client reports, logs) are passed over.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from embedded.receiver.model import SentryEvent


def events_of(body: bytes) -> Iterator[SentryEvent]:
    """The events of one envelope."""
    position = body.find(b"\n")
    if position < 0:
        return  # headers alone: an envelope without items
    _object(body[:position])
    position += 1
    while position < len(body):
        end = body.find(b"\n", position)
        end = len(body) if end < 0 else end
        if not body[position:end].strip():
            position = end + 1
            continue
        header = _object(body[position:end])
        start = end + 1
        length = header.get("length")
        if isinstance(length, int):
            finish = start + length
        else:
            finish = body.find(b"\n", start)
            finish = len(body) if finish < 0 else finish
        if header.get("type") == "event":
            yield event_of(_object(body[start:finish]))
        position = finish + 1


def event_of(payload: dict[str, Any]) -> SentryEvent:
    """What the page shows of an event. Its trace is the one of its tags, or else of its context."""
    tags = payload.get("tags") or {}
    if isinstance(tags, list):  # the protocol allows pairs, too
        tags = {str(pair[0]): pair[1] for pair in tags if len(pair) == 2}
    tags = {str(name): str(value) for name, value in tags.items()}
    context = (payload.get("contexts") or {}).get("trace") or {}
    return SentryEvent(
        event_id=str(payload.get("event_id", "")),
        service=str(tags.get("service.name") or tags.get("service") or ""),
        level=str(payload.get("level", "error")),
        message=_message(payload),
        trace_id=tags.get("otel.trace_id") or str(context.get("trace_id", "")),
        span_id=tags.get("otel.span_id") or str(context.get("span_id", "")),
        time=_nanoseconds(payload.get("timestamp")),
        tags=tags,
        environment=str(payload.get("environment") or ""),
        release=str(payload.get("release") or ""),
        payload=payload,
    )


def _message(payload: dict[str, Any]) -> str:
    exceptions = payload.get("exception") or {}
    values = exceptions.get("values") if isinstance(exceptions, dict) else exceptions
    if values:
        last = values[-1]  # the one that was raised; its causes come before it
        return f"{last.get('type', 'Error')}: {last.get('value', '')}"
    entry = payload.get("logentry") or {}
    return str(entry.get("formatted") or entry.get("message") or payload.get("message") or "")


def _nanoseconds(timestamp: object) -> int:
    if isinstance(timestamp, (int, float)):
        return int(timestamp * 1_000_000_000)
    try:
        moment = datetime.fromisoformat(str(timestamp).replace("Z", "+00:00"))
    except ValueError:
        return 0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000) * 1_000


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a Sentry envelope: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("not a Sentry envelope: a line is no JSON object")
    return value
