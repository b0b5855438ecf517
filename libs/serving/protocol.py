"""HTTP/1.1 for uvicorn with a limit on everything that a client could make grow or last.

``uvicorn.Config(app, http=BoundedProtocol)``. It is uvicorn's own protocol on httptools, which has
no limits. Other limits: a subclass with its own ``limits``.

What is promised (``limits`` says where the bounds are): a header without end, a silent client, a
body that stalls, an answer that nobody reads, any number of pipelined requests cost bounded memory
and time; a request that is refused is told why, in its turn; a client that goes away is no error;
a stop ends ``limits.stop_s`` after ``shutdown``.
"""

import asyncio

from serving.connection import NO_PLACE
from serving.parsing import Parsing
from serving.way import Flow, Way


class BoundedProtocol(Parsing):
    """One connection, from its beginning to its end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._way = Way(transport, self._leave)
        if not self._load.enter(self):
            if self._load.crowded():
                transport.abort()
            else:
                self._say(NO_PLACE)

    def connection_lost(self, exc: Exception | None) -> None:
        running, self._running = self._running, None
        super().connection_lost(exc)
        self._load.leave(self)
        if running is not None:
            running.disconnected = True
            running.message_event.set()
        for cycle, _ in self.pipeline:
            cycle.release()  # type: ignore[attr-defined]  # of our class
        self.pipeline.clear()
        self._rest = b""

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._way.flush()  # an answer to HEAD has no more
        cycle, self._running = self._running, None
        if cycle is not None:
            cycle.release()
        if self.transport.is_closing() or self._left_at is not None:
            return
        if self.pipeline:
            self._start(self.pipeline.pop()[0])  # type: ignore[arg-type]  # of our class
        if self._rest and not self.pipeline:
            self._feed_rest()
        if self.pipeline:
            return
        self.flow.held = False
        if self._running is None:
            if self._last_words is not None:
                self._say(self._last_words)
                return
            self.waiting_since = self._begun_at = self._load.now
        self.flow.resume_reading()

    def shutdown(self) -> None:
        """Answer the request in work, if there is one, and end."""
        self.loop.call_later(self.limits.stop_s, self._abandon)
        self._rest = b""
        for cycle, _ in self.pipeline:
            cycle.release()  # type: ignore[attr-defined]
        self.pipeline.clear()
        if self._running is None:
            self.transport.close()
        else:
            self._running.keep_alive = False

    def _abandon(self) -> None:
        running = self._running
        self.transport.abort()
        if running is not None and running.task is not None:
            running.task.cancel()
