"""A circuit breaker: something that keeps failing is not asked each time.

Closed: every call is let through. After ``threshold`` failures without a success between them it
opens; then one call in ``interval`` seconds is let through, as a probe, until one succeeds. Who has
a schedule of probes already, as a partition has that tries its record again, leaves ``allows`` out.
(M. Nygard, "Release It!", 2nd ed. 2018, "Circuit Breaker".)
"""

import time
from collections.abc import Callable


class Circuit:
    """Ask ``allows`` before a call and tell ``succeeded`` or ``failed`` after it."""

    def __init__(
        self,
        threshold: int = 3,
        interval: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.threshold = threshold
        self._interval = interval
        self._clock = clock
        self._failures = 0
        self._next_probe = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are being held back."""
        return self._failures >= self.threshold

    def allows(self) -> bool:
        """Whether to make the call; a yes while open is the one probe of this interval."""
        if not self.is_open:
            return True
        now = self._clock()
        if now < self._next_probe:
            return False
        self._next_probe = now + self._interval
        return True

    def succeeded(self) -> bool:
        """The call was answered: closed. Whether that closed it."""
        was_open = self.is_open
        self._failures = 0
        return was_open

    def failed(self) -> bool:
        """The call failed, or took too long. Whether that opened it."""
        self._failures += 1
        opened = self._failures == self.threshold
        if opened:
            self._next_probe = self._clock() + self._interval
        return opened
