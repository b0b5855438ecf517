"""Log records as an OTLP logs request, straight to bytes.

Promise: ``LogEncoder().encode(records)`` equals ``encode_logs(records).SerializeToString()`` of
the stock encoder. Source of the format: opentelemetry-proto's logs.proto.
"""

import struct
from collections.abc import Sequence

from opentelemetry.sdk._logs import ReadableLogRecord

from telemetry.otlp.groups import Groups, OwnerEncoder
from telemetry.otlp.wire import (
    AttributeEncoder,
    any_value,
    block,
    count,
    text,
)

_time = struct.Struct("<BQ").pack
_flags = struct.Struct("<BI").pack


class LogEncoder:
    """Encodes batches of log records; keeps what repeats between them."""

    def __init__(self) -> None:
        self._owners = OwnerEncoder()
        self._attributes = AttributeEncoder(b"\x32")

    def encode(self, records: Sequence[ReadableLogRecord]) -> bytes:
        """An ExportLogsServiceRequest. Raises like the stock encoder, for a body it has no
        encoding for or an id or a time that does not fit."""
        groups = Groups(self._owners)
        for record in records:
            groups.of(record.resource, record.instrumentation_scope or None).append(
                block(b"\x12", self._record(record))
            )
        return groups.encode()

    def _record(self, readable: ReadableLogRecord) -> bytes:
        record = readable.log_record
        severity = record.severity_number
        flags = int(record.trace_flags or 0)
        return b"".join(
            (
                _time(0x09, record.timestamp) if record.timestamp else b"",
                count(b"\x10", severity.value if severity is not None else 0),
                text(b"\x1a", record.severity_text),
                block(b"\x2a", any_value(record.body)),
                self._attributes(record.attributes),
                count(b"\x38", readable.dropped_attributes),
                _flags(0x45, flags) if flags else b"",
                b"\x4a\x10" + record.trace_id.to_bytes(16, "big") if record.trace_id else b"",
                b"\x52\x08" + record.span_id.to_bytes(8, "big") if record.span_id else b"",
                _time(0x59, record.observed_timestamp) if record.observed_timestamp else b"",
                text(b"\x62", record.event_name),
            )
        )
