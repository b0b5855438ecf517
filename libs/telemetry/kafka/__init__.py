"""Records in traces: the headers, spans and links between who sends a record and who processes it.

It knows headers, spans and links, and nothing of retries or offsets. Names and attributes are
those of OpenTelemetry's messaging conventions for Kafka (in development as of 1.45). What it
promises: whatever another program put into a record's headers, ``extract`` does not raise; a
process span is the root of a new trace with one link, to the record's send span, so that a trace
ends when a request does, and the way leads from either end to the other.
"""

from telemetry.kafka.headers import Headers, extract
from telemetry.kafka.process import (
    BatchSpan,
    ProcessSpan,
    process_span,
    relate_records_by,
    start_batch_span,
    start_process_span,
)
from telemetry.kafka.send import SendSpan, end_send_span, inject, start_send_span
from telemetry.propagation import current_headers as current_context_headers

__all__ = [
    "BatchSpan",
    "Headers",
    "ProcessSpan",
    "SendSpan",
    "current_context_headers",
    "end_send_span",
    "extract",
    "inject",
    "process_span",
    "relate_records_by",
    "start_batch_span",
    "start_process_span",
    "start_send_span",
]
