"""Says when a signal no longer reaches its receiver, and when it does again: one line each.

OpenTelemetry's exporters write a line for each try, every few seconds for as long as it lasts, in
words for their developers. Theirs are kept as the reason, and not written.
"""

import logging
import threading
from typing import Any, Final

from telemetry.destinations import Destination, Signal

_STOCK: Final = logging.getLogger("opentelemetry.exporter")
_LONGEST_REASON: Final = 300


class _LastWords(logging.Handler):
    """Remembers what the exporter of this thread said last."""

    def __init__(self) -> None:
        super().__init__()
        self._said = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        self._said.text = " ".join(record.getMessage().split())[:_LONGEST_REASON]

    def take(self) -> str:
        said: str = getattr(self._said, "text", "")
        self._said.text = ""
        return said


_words: Final = _LastWords()


def tell_failures(exporter: Any, signal: Signal, destination: Destination) -> None:
    """From now on the exporter's ``export`` says when it begins to fail, and when that is over."""
    if _words not in _STOCK.handlers:
        _STOCK.addHandler(_words)
        _STOCK.propagate = False
    # One each: what is said too often is not said again, of each logger for itself.
    log = logging.getLogger(f"{__name__}.{signal}")
    export, lost = exporter.export, 0

    def told(batch: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal lost
        result = export(batch, *arguments, **options)
        reason = _words.take()
        if result.name == "SUCCESS":
            if lost:
                log.warning(
                    "%s reach %s again; exports that were lost: %d", signal, destination.shown, lost
                )
            lost = 0
            return result
        lost += 1
        if lost == 1:
            log.warning(
                "%s do not reach %s and are lost until they do: %s",
                signal,
                destination.shown,
                reason or "the export failed",
            )
        return result

    exporter.export = told
