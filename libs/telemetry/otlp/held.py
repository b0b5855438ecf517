"""The bytes of a queue, kept below a bound beside the number of its items.

Items count from when they are taken in until the exporter is done with them, whether it could send
them or not: so long they are in memory.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from opentelemetry.sdk._shared_internal import BatchProcessor

from telemetry.bounds import MAX_QUEUE_BYTES

Item = TypeVar("Item")


class Held:
    """What one queue of the SDK's holds."""

    def __init__(self, queue: BatchProcessor[Any]) -> None:
        self._queue = queue
        self._bytes = 0
        # One for each queue: what is said too often is not said again, of each logger for itself.
        self._log = logging.getLogger(f"{__name__}.{queue._exporting.lower()}")
        self.lock = threading.Lock()

    def has_room(self) -> bool:
        """Whether one more item may come."""
        queue = self._queue
        return len(queue._queue) < queue._max_queue_size and self._bytes < MAX_QUEUE_BYTES

    def add(self, size: int) -> None:
        """So many bytes more, or less; by whoever has the lock."""
        self._bytes += size

    def drop(self) -> None:
        """Say that an item found no room, and count it. Without the lock: saying it is a log
        record, which may be the next item."""
        self._log.warning("Queue full, dropping %s.", self._queue._exporting)
        self._queue._metrics.drop_items(1)

    def let_go(self, exporter: Any, size_of: Callable[[Item], int]) -> None:
        """From now on the exporter's ``export`` gives back what each of its items has taken."""
        export = exporter.export

        def counted(batch: Sequence[Item], *arguments: Any, **options: Any) -> Any:
            try:
                return export(batch, *arguments, **options)
            finally:
                with self.lock:
                    self.add(-sum(map(size_of, batch)))

        exporter.export = counted
