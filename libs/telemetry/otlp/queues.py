"""What gathers ended spans and log records for an exporter, within bounds of number and bytes.

The stock batch processors bound the number alone: a Collector that is away, or slow, would cost
whatever clients put into a span.
"""

from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from telemetry.otlp.exporters import CachingSpanExporter
from telemetry.otlp.held import Held
from telemetry.otlp.sizes import size_of_record, size_of_span
from telemetry.otlp.spans import Queued

AT_ONCE = 64
"""Ended spans that are encoded together."""


class BoundedSpanProcessor(BatchSpanProcessor):
    """The stock batch processor, for any exporter, with a bound on the bytes of what waits."""

    def __init__(self, exporter: SpanExporter, **options: Any) -> None:
        super().__init__(exporter, **options)
        self._held = Held(self._batch_processor)
        self._held.let_go(exporter, size_of_span)

    def on_end(self, span: ReadableSpan) -> None:
        context = span._context
        if context is None or not context.trace_flags & 1:
            return
        with self._held.lock:
            room = self._held.has_room()
            if room:
                self._held.add(size_of_span(span))
                self._batch_processor.emit(span)
        if not room:
            self._held.drop()


class EncodingSpanProcessor(BatchSpanProcessor):
    """The same for our own exporter, with spans that are encoded soon after they end.

    A span is two dozen Python objects. A second later, in the exporter's thread and on another
    core, encoding it costs twice as much and holds up the first; and until then all of them wait in
    memory, where the garbage collector walks over them. One at a time, in the middle of a request,
    is as dear: the code is cold then. So it is done for a few dozen at a time.
    """

    def __init__(self, exporter: CachingSpanExporter, **options: Any) -> None:
        super().__init__(exporter, **options)
        self._encoder = exporter.encoder
        self._held = Held(self._batch_processor)
        self._held.let_go(exporter, Queued.leave)
        self._fresh: list[Queued] = []

    def on_end(self, span: ReadableSpan) -> None:
        context = span._context
        if context is None or not context.trace_flags & 1:
            return
        if not self._held.has_room():
            self._held.drop()
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


class BoundedLogProcessor(BatchLogRecordProcessor):
    """The stock batch processor, for any exporter, with a bound on the bytes of what waits."""

    def __init__(self, exporter: LogRecordExporter, **options: Any) -> None:
        super().__init__(exporter, **options)
        self._held = Held(self._batch_processor)
        self._held.let_go(exporter, _size_of_readable)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        with self._held.lock:
            room = self._held.has_room()
            if room:
                self._held.add(size_of_record(log_record.log_record))
                super().on_emit(log_record)
        if not room:
            self._held.drop()


def _size_of_readable(readable: ReadableLogRecord) -> int:
    return size_of_record(readable.log_record)
