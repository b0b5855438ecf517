"""The circuit: tells a bad record from a handler that fails for everything.

One bad record is dead-lettered. When one record after the other fails for good, and none succeeds
in between, it is more likely that a deployment is bad than that the topic is; dead-lettering on
would empty the topic into the dead letters. Then the circuit opens: nothing is dead-lettered, each
partition tries its oldest record again from time to time, and the first success closes it.
"""

import logging
from typing import Final

from telemetry.metrics import gauge

_LOG: Final = logging.getLogger(__name__)


class Circuit:
    """Open or closed, for one topic in one worker; the partitions share it."""

    def __init__(self, topic: str, threshold: int) -> None:
        self._topic = topic
        self._threshold = threshold
        self._failures = 0
        self.reason: str | None = None
        """Why it is open, on one line; None while it is closed."""
        self._report()

    @property
    def is_open(self) -> bool:
        """Whether nothing may be dead-lettered for its handler's failure."""
        return self.reason is not None

    def success(self) -> None:
        """A record was handled: the handler works."""
        self._failures = 0
        if self.reason is not None:
            self.reason = None
            self._report()
            _LOG.warning("%s: a record succeeded; consumption goes on", self._topic)

    def failure(self, error: str) -> bool:
        """A record failed for good. Returns whether the circuit is open, now or still."""
        if not self.is_open:
            self._failures += 1
            if self._failures >= self._threshold:
                self.reason = (
                    f"{self._topic}: the last {self._failures} records all failed ({error});"
                    " consumption is stopped, and the oldest record is tried from time to time"
                )
                self._report()
                _LOG.error("%s", self.reason)
        return self.is_open

    def _report(self) -> None:
        gauge("consumer.circuit").set(
            int(self.is_open), {"messaging.destination.name": self._topic}
        )
