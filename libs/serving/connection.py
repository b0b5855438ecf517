"""What a connection is between its requests: its state, how one is started, and how it is refused.

The protocol is uvicorn's class on httptools and is all in one object, because each request goes
through it. It is written in layers, by what each is about: this one; ``deadlines``; ``parsing``;
and ``protocol``, which has its beginning, its end, and the turns of pipelined requests.
"""

import asyncio
import contextvars
from typing import Any, ClassVar, Final

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from serving.cycle import Cycle
from serving.limits import Limits
from serving.load import load_of
from serving.refusal import Refusal
from serving.way import Flow

NO_PLACE: Final = Refusal(503, "There are too many connections just now.")


class Connection(HttpToolsProtocol):
    """One connection."""

    limits: ClassVar[Limits] = Limits()

    cycle: Cycle  # the newest; those before it wait in the pipeline, or for the running one
    flow: Flow
    _way: Any  # a Way; uvicorn's types ask for a transport

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._load = load_of(server_state, self.limits, self.loop)
        self._running: Cycle | None = None
        self._in_head = False
        # The bytes are counted of a head, and of a chunked body between two of its parts.
        self._counted = False
        self._count = 0
        self._rest = b""  # of what was read, as long as requests before it wait for their turn
        self._last_words: Refusal | None = None
        self._hosts = 0
        self._chunked = False
        self._announced = 0
        self._discarded = 0
        self._left_at: float | None = None
        self._heard_at = self._begun_at = self._load.now
        self._untaken = 0
        self._untaken_since: float | None = None
        self.waiting_since: float | None = self._load.now

    def _start(self, cycle: Cycle) -> None:
        app = self.app
        limit = self.limit_concurrency
        if limit is not None and (len(self.connections) >= limit or len(self.tasks) >= limit):
            app = service_unavailable
        self._running = cycle
        self.waiting_since = None
        if self.config.reset_contextvars:
            task = self.loop.create_task(cycle.run_asgi(app), context=contextvars.Context())
        else:
            task = self.loop.create_task(cycle.run_asgi(app))
        cycle.task = task
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _leave(self) -> None:
        """Close, once the client has read what was written.

        While it still sends, closing would throw away the answer on its way to it.
        """
        if self._left_at is not None or self.transport.is_closing():
            return
        self._left_at = self._load.now
        self.waiting_since = None
        self._rest = b""
        if self._may_still_send():
            self.flow.held = False
            self.flow.resume_reading()
            if self.transport.can_write_eof():
                self.transport.write_eof()
                return
        self.transport.close()

    def _may_still_send(self) -> bool:
        return (
            self._counted
            or self._last_words is not None
            or self._is_body_awaited()
            or self.flow.read_paused
        )

    def _is_body_awaited(self) -> bool:
        return self.cycle is not None and self.cycle.more_body

    def _refuse(self, refusal: Refusal) -> None:
        """Answer with it when its turn comes, which ends the connection."""
        self._rest = b""
        cycle = self.cycle
        if not self._in_head and self._is_body_awaited():
            if cycle.response_complete:
                self._leave()
                return
            if cycle is self._running:
                self._running = None
                cycle.disconnected = True
                cycle.message_event.set()
                if cycle.response_started:
                    self.transport.abort()
                else:
                    self._say(refusal)
                return
            self.pipeline.popleft()
            cycle.release()
        if self._running is None:
            self._say(refusal)
        else:
            self._last_words = refusal

    def _say(self, refusal: Refusal) -> None:
        head = self.scope is not None and self.scope.get("method") == "HEAD"
        headers = self.server_state.default_headers
        self._last_words = refusal
        self.transport.write(refusal.on_the_wire(headers, bodiless=head))
        self._leave()
