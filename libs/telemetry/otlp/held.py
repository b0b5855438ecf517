"""The bytes of a queue, kept below a bound beside the number of its items.

Items count from when they are taken in until the exporter is done with them, whether it could send
them or not: so long they are in memory.
"""

import logging
import threading
from typing import Any

from opentelemetry.sdk._shared_internal import BatchProcessor

from telemetry.bounds import MAX_QUEUE_BYTES

logger = logging.getLogger(__name__)


class Held:
    """What one queue of the SDK's holds."""

    def __init__(self, queue: BatchProcessor[Any]) -> None:
        self._queue = queue
        self._bytes = 0
        self.lock = threading.Lock()

    def has_room(self) -> bool:
        """Whether one more item may come; says so when not, and counts it as dropped."""
        queue = self._queue
        if len(queue._queue) < queue._max_queue_size and self._bytes < MAX_QUEUE_BYTES:
            return True
        logger.warning("Queue full, dropping %s.", queue._exporting)
        queue._metrics.drop_items(1)
        return False

    def add(self, size: int) -> None:
        """So many bytes more, or less; by whoever has the lock."""
        self._bytes += size
