"""What is overdue on a connection, asked twice a second by the server's one timer (``load``)."""

from typing import Final

from serving.connection import NO_PLACE, Connection
from serving.queues import unread_bytes, untaken_bytes
from serving.refusal import Refusal

_TOO_LATE: Final = Refusal(408, "The request has not come in time.")


class Deadlines(Connection):
    """A ``load.Guest``."""

    def check(self, now: float) -> None:
        """Give up what is overdue."""
        limits, running = self.limits, self._running
        if self.transport.is_closing() or self._left_at is not None:
            # A client that does not read what is left of its answer is not waited for.
            self._left_at = now if self._left_at is None else self._left_at
            if now - self._left_at > limits.leave_s:
                self.transport.abort()
        elif self._is_untaken(now):
            self.transport.abort()
        elif running is not None:
            if running.more_body and not self.flow.read_paused:
                stalled = now - self._heard_at > limits.stalled_s
                if stalled or now - running.begun > limits.body_s:
                    self._refuse(_TOO_LATE)
        elif self._counted or self._is_body_awaited():
            if now - self._begun_at > limits.head_s:
                self._refuse(_TOO_LATE)
        else:
            patience = limits.head_s if self.cycle is None else self.timeout_keep_alive
            if self.waiting_since is not None and now - self.waiting_since > patience:
                self.transport.close()

    def _is_untaken(self, now: float) -> bool:
        if not self.flow.write_paused:
            self._untaken_since = None
            return False
        size = untaken_bytes(self.transport)
        if self._untaken_since is None or size != self._untaken:
            self._untaken, self._untaken_since = size, now
        return now - self._untaken_since > self.limits.unread_s

    def has_sent(self) -> bool:
        """Whether there are bytes of it that nobody has read yet."""
        return unread_bytes(self.transport) > 0

    def make_room(self) -> None:
        """Go: it has no request, and another client needs the place."""
        if self._counted:
            self._refuse(NO_PLACE)
        else:
            self.transport.close()
            self._left_at, self.waiting_since = self._load.now, None
