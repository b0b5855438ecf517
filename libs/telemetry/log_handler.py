"""The handler that sends log records over OTLP."""

import copy
import logging

from opentelemetry._logs import LogRecord
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.sdk._logs import LoggerProvider

from telemetry.bounds import MAX_BODY, cut
from telemetry.errors import message_of, stacktrace_of, type_of
from telemetry.logs import MACHINERY, OTLP, error_of


class OtlpHandler(LoggingHandler):
    """The instrumentation's handler, with exceptions written our way and no feedback loop."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__(logger_provider=provider)
        self.set_name(OTLP)
        self.addFilter(self._is_of_the_application)

    @staticmethod
    def _is_of_the_application(record: logging.LogRecord) -> bool:
        # The second: whatever is logged while an exporter sends, by any library.
        return not record.name.startswith(MACHINERY) and is_instrumentation_enabled()

    def emit(self, record: logging.LogRecord) -> None:
        error = error_of(record)
        if error is not None or "color_message" in vars(record):
            # Other handlers see the record too.
            record = copy.copy(record)
            vars(record).pop("color_message", None)
        if error is not None:
            record.exc_info = None
            vars(record)["exception.type"] = type_of(error)
            vars(record)["exception.message"] = message_of(error)
            vars(record)["exception.stacktrace"] = stacktrace_of(error)
        super().emit(record)

    def _translate(self, record: logging.LogRecord) -> LogRecord:
        translated = super()._translate(record)
        if isinstance(translated.body, str):
            translated.body = cut(translated.body, MAX_BODY)
        for name, value in (translated.attributes or {}).items():
            if isinstance(value, str) and name != "exception.stacktrace" and len(value) > MAX_BODY:
                translated.attributes = {**(translated.attributes or {}), name: cut(value)}
        return translated

    def flush(self) -> None:
        """Nothing: ``Telemetry.shutdown`` flushes, and the base class would start a thread."""
