"""OTLP over HTTP/protobuf with our encoders in front of the stock exporters.

Everything about sending is the stock exporter's: session, TLS, headers, compression, time-out,
retries with back-off, shutdown, the refusal of oversized requests. It has no seam between encoding
and sending (``export`` calls a function of its module), so ``export`` is replaced, and it alone;
the parts of the base class that it uses are private, which the tests over real HTTP watch.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE

from telemetry.otlp.logs import LogEncoder
from telemetry.otlp.spans import Queued, SpanEncoder

logger = logging.getLogger(__name__)
Item = TypeVar("Item")


def _send(
    exporter: OTLPSpanExporter | OTLPLogExporter,
    encode: Callable[[Sequence[Item]], bytes],
    batch: Sequence[Item],
) -> bool:
    """Encode and send one batch; True when the receiver has it. Never raises."""
    if exporter._shutdown:
        logger.warning("An exporter that was shut down left out %d items", len(batch))
        return False
    with exporter._metrics.export_operation(len(batch)) as outcome:
        try:
            request = encode(batch)
        except Exception as error:
            logger.exception("Left out a batch of %d items that cannot be encoded", len(batch))
            outcome.error = error
            return False
        if 0 < exporter._max_request_size < len(request):
            logger.warning("Left out a batch whose request of %d bytes is too large", len(request))
            outcome.error = ValueError("OTLP request too large")
            return False
        answer = exporter._client.export(request)
        if not answer.success:
            outcome.error = answer.error
            if answer.status_code is not None:
                outcome.error_attrs = {HTTP_RESPONSE_STATUS_CODE: answer.status_code}
        return answer.success


class CachingSpanExporter(OTLPSpanExporter):
    """The stock span exporter at a fraction of its cost. Takes the same arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.encoder = SpanEncoder()

    def export(self, spans: Sequence[ReadableSpan | Queued]) -> SpanExportResult:
        sent = _send(self, self.encoder.encode, spans)
        return SpanExportResult.SUCCESS if sent else SpanExportResult.FAILURE


class CachingLogExporter(OTLPLogExporter):
    """The stock log exporter at a fraction of its cost. Takes the same arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._encoder = LogEncoder()

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        sent = _send(self, self._encoder.encode, batch)
        return LogRecordExportResult.SUCCESS if sent else LogRecordExportResult.FAILURE
