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
from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE

from telemetry.otlp.held import Held
from telemetry.otlp.logs import LogEncoder, size_of
from telemetry.otlp.spans import Queued, SpanEncoder

logger = logging.getLogger(__name__)
Item = TypeVar("Item")
AT_ONCE = 64
"""Ended spans that are encoded together."""


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
        self.held: Held | None = None

    def export(self, spans: Sequence[ReadableSpan | Queued]) -> SpanExportResult:
        sent = _send(self, self.encoder.encode, spans)
        if self.held is not None:
            with self.held.lock:
                for span in spans:
                    if isinstance(span, Queued) and span.held is not None:
                        self.held.add(-span.held)
                        span.held = None
        return SpanExportResult.SUCCESS if sent else SpanExportResult.FAILURE


class EncodingSpanProcessor(BatchSpanProcessor):
    """The stock batch processor, with spans that are encoded soon after they end.

    A span is two dozen Python objects. A second later, in the exporter's thread and on another
    core, encoding it costs twice as much and holds up the first; and until then all of them wait in
    memory, where the garbage collector walks over them. One at a time, in the middle of a request,
    is as dear: the code is cold then. So it is done for a few dozen at a time.
    """

    def __init__(self, exporter: CachingSpanExporter, **options: Any) -> None:
        super().__init__(exporter, **options)
        self._encoder = exporter.encoder
        self._held = exporter.held = Held(self._batch_processor)
        self._fresh: list[Queued] = []

    def on_end(self, span: ReadableSpan) -> None:
        context = span._context
        if context is None or not context.trace_flags & 1:
            return
        if not self._held.has_room():
            return
        queued = Queued(span)
        self._batch_processor.emit(queued)  # type: ignore[arg-type]  # for our exporter alone
        fresh = self._fresh
        fresh.append(queued)
        if len(fresh) >= AT_ONCE:
            self._fresh = []
            for each in fresh:
                each.encode(self._encoder)
            with self._held.lock:
                for each in fresh:
                    if each.held is not None:
                        each.held = len(each.field)
                        self._held.add(each.held)


class CachingLogExporter(OTLPLogExporter):
    """The stock log exporter at a fraction of its cost. Takes the same arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._encoder = LogEncoder()
        self.held: Held | None = None

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        sent = _send(self, self._encoder.encode, batch)
        if self.held is not None:
            with self.held.lock:
                self.held.add(-sum(size_of(record.log_record) for record in batch))
        return LogRecordExportResult.SUCCESS if sent else LogRecordExportResult.FAILURE


class BoundedLogProcessor(BatchLogRecordProcessor):
    """The stock batch processor, with a bound on the bytes of what waits."""

    def __init__(self, exporter: CachingLogExporter, **options: Any) -> None:
        super().__init__(exporter, **options)
        self._held = exporter.held = Held(self._batch_processor)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self._held.has_room():
            with self._held.lock:
                self._held.add(size_of(log_record.log_record))
            super().on_emit(log_record)
