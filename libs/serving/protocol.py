"""HTTP/1.1 for uvicorn with a limit on everything that a client could make grow or last.

``uvicorn.Config(app, http=BoundedProtocol)``. It is uvicorn's own protocol on httptools, which has
no limits. Other limits: a subclass with its own ``limits``.

What is promised (``limits`` says where the bounds are): a header without end, a silent client, a
body that stalls, an answer that nobody reads, any number of pipelined requests cost bounded memory
and time; a request that is refused is told why, in its turn; a client that goes away is no error;
a stop ends ``limits.stop_s`` after ``shutdown``.
"""

import asyncio
import contextvars
import urllib.parse
from collections.abc import Callable
from typing import Any, ClassVar, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import (
    HIGH_WATER_LIMIT,
    FlowControl,
    service_unavailable,
)
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from serving.cycle import Cycle
from serving.limits import Limits
from serving.load import load_of
from serving.refusal import Refusal
from serving.unread import unread_bytes
from serving.upgrades import offers_websocket, without_offer

_SLICE: Final = 2048
"""Bytes that are parsed at a time where what they hold is not known: requests are counted after
each, so that no client has more than a few dozen of them in memory."""

_ROOM: Final = 256 * 1024
"""Bytes for which room is taken at a time for a body of unknown length."""

_JOINED: Final = 64 * 1024
"""Bytes of a body that are copied to go with their head."""

_NOTED: Final = frozenset((b"host", b"content-length", b"transfer-encoding", b"expect"))

_BAD_REQUEST: Final = Refusal(400, "This is no HTTP/1.1 request.")
_HEAD_TOO_LARGE: Final = Refusal(431, "The request's header is too large.")
_NO_PLACE: Final = Refusal(503, "There are too many connections just now.")
_NO_ROOM: Final = Refusal(503, "There are too many large bodies just now.")
_TOO_LATE: Final = Refusal(408, "The request has not come in time.")


class _Refused(Exception):  # raised through the parser, to stop it
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class _Flow(FlowControl):
    """uvicorn's flow control, which reads no further while a request waits for its turn."""

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class Way:
    """A response's way out: the transport, but for its end, which is the protocol's affair.

    A head waits for what follows it, and goes with it in one packet (``hold_next``).
    """

    __slots__ = ("_close", "_head", "_holds", "_write", "is_closing")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._write = transport.write
        self.is_closing = transport.is_closing
        self._close = close
        self._holds = False
        self._head = b""

    def hold_next(self) -> None:
        """What is written next waits for what is written then, or for ``flush``."""
        self._holds = True

    def write(self, data: bytes) -> None:
        """Write it, after what waits."""
        if self._holds:
            self._holds = False
            self._head = data
        elif self._head:
            head, self._head = self._head, b""
            if len(data) > _JOINED:
                self._write(head)
                self._write(data)
            else:
                self._write(head + data)
        else:
            self._write(data)

    def flush(self) -> None:
        """Write what waits."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Leave, once all is written."""
        self.flush()
        self._close()


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    limits: ClassVar[Limits] = Limits()

    cycle: Cycle  # the newest; those before it wait in the pipeline, or for the running one
    flow: _Flow

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
        self._unread = 0
        self._unread_since: float | None = None
        self.waiting_since: float | None = self._load.now

    # The connection's beginning and end

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport)
        self._way: Any = Way(transport, self._leave)
        if not self._load.enter(self):
            if self._load.crowded():
                transport.abort()
            else:
                self._say(_NO_PLACE)

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

    # Time

    def check(self, now: float) -> None:
        """Give up what is overdue (``load.Guest``)."""
        limits, running = self.limits, self._running
        if self.transport.is_closing() or self._left_at is not None:
            # A client that does not read what is left of its answer is not waited for.
            self._left_at = now if self._left_at is None else self._left_at
            if now - self._left_at > limits.leave_s:
                self.transport.abort()
        elif self._is_unread(now):
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

    def _is_unread(self, now: float) -> bool:
        if not self.flow.write_paused:
            self._unread_since = None
            return False
        size = unread_bytes(self.transport)
        if self._unread_since is None or size != self._unread:
            self._unread, self._unread_since = size, now
        return now - self._unread_since > self.limits.unread_s

    def make_room(self) -> None:
        """Go (``load.Guest``)."""
        if self._counted:
            self._refuse(_NO_PLACE)
        else:
            self.transport.close()
            self._left_at, self.waiting_since = self._load.now, None

    # What comes in

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._load.now
        if self._left_at is not None or self._last_words is not None:
            return
        if len(data) <= _SLICE and not self._counted and not self._rest and not self.pipeline:
            self._feed(data)
            if self._counted:
                self._count, self._begun_at = len(data), self._load.now
        else:
            self._rest += data
            self._feed_rest()

    def _feed_rest(self) -> None:
        """Parse what was read, until a request has to wait for those before it."""
        data, self._rest = memoryview(self._rest), b""
        begin, end = 0, len(data)
        while begin < end and not self.pipeline and self._left_at is None:
            size = _SLICE
            if not self._counted and self._is_body_awaited():
                size = max(size, self.cycle.allowed - self.cycle.received)
            part = data[begin : begin + size]
            begin += len(part)
            counted = self._counted
            if not self._feed(part):
                return
            if not self._counted:
                continue
            if not counted:
                self._begun_at = self._load.now
            self._count += len(part)
            if self._count > self.limits.head or (
                self._in_head and len(self.headers) > self.limits.headers
            ):
                self._refuse(_HEAD_TOO_LARGE)
                return
        self._rest = bytes(data[begin:])

    def _feed(self, data: bytes | memoryview) -> bool:
        """Parse it. False when the connection comes to its end by it."""
        while True:
            try:
                self.parser.feed_data(data)
                return True
            except httptools.HttpParserUpgrade as offer:
                method = self.parser.get_method()
                if method == b"CONNECT" or offers_websocket(self.headers):
                    self._refuse(Refusal(400, "This server changes no protocol."))
                    return False
                version = self.parser.get_http_version()
                head = without_offer(method, self.url, version, self.headers)
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                data = head + data[offer.args[0] :]
            except httptools.HttpParserError as error:
                cause = error.__context__
                self._refuse(cause.refusal if isinstance(cause, _Refused) else _BAD_REQUEST)
                return False

    # The parser's callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._counted = True
        self._hosts = self._announced = self._count = 0
        self._chunked = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # A trailer; taken for a header it would say what nobody has checked.
        name = name.lower()
        if name in _NOTED:
            if name == b"host":
                self._hosts += 1
            elif name == b"content-length":
                self._announced = int(value)  # The parser has checked, and refuses a second one.
            elif name == b"transfer-encoding":
                self._chunked = True
            elif value.lower() == b"100-continue":
                self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser, scope, limits = self.parser, self.scope, self.limits
        self._in_head = False
        if len(self.headers) > limits.headers:
            raise _Refused(_HEAD_TOO_LARGE)
        if parser.should_upgrade():
            return
        self._counted = self._chunked
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        if version != "1.1":
            scope["http_version"] = version
        if version not in ("1.1", "1.0"):
            raise _Refused(_BAD_REQUEST)
        if self._hosts != 1 and (self._hosts or version != "1.0"):
            raise _Refused(Refusal(400, "A request has one Host."))
        self._set_path()
        self._discarded = 0

        cycle = Cycle(
            scope=scope,
            transport=self._way,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        cycle.load = self._load
        cycle.begun = self._load.now
        if self._chunked:
            cycle.allowed = limits.small_body
        else:
            cycle.allowed = self._announced
            if self._announced > limits.small_body:
                self._admit(cycle)
        self.cycle = cycle
        if self._running is None:
            self._start(cycle)
        else:
            self.flow.pause_reading()
            self.flow.held = True
            self.pipeline.appendleft((cycle, self.app))

    def _set_path(self) -> None:
        url = httptools.parse_url(self.url)
        raw_path = url.path
        path = raw_path.decode("ascii")
        if "%" in path:
            path = urllib.parse.unquote(path)
        if self.url[:1] != b"/":
            self._check_authority(url)
        scope = self.scope
        scope["path"] = self.root_path + path
        scope["raw_path"] = self.root_path.encode("ascii") + raw_path
        scope["query_string"] = url.query or b""

    def _check_authority(self, url: Any) -> None:
        """Of a target in absolute form: two hosts cannot both be meant."""
        if url.host is None:
            return
        authority = url.host if url.port is None else b"%b:%d" % (url.host, url.port)
        host = next((value for name, value in self.headers if name == b"host"), authority)
        if host.lower() != authority.lower():
            raise _Refused(Refusal(400, "A request has one Host."))

    def _admit(self, cycle: Cycle) -> None:
        """Take room for a body whose length is announced, before any of it is read."""
        if self._announced > self.limits.body:
            raise _Refused(Refusal(413, f"The body is over {self.limits.body} bytes."))
        if not cycle.take(self._announced - self.limits.small_body):
            raise _Refused(_NO_ROOM)

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

    def on_body(self, body: bytes) -> None:
        if self.parser.should_upgrade():
            return
        self._count = 0
        cycle = self.cycle
        if cycle.response_complete:
            self._discarded += len(body)
            if self._discarded > self.limits.small_body:
                self._leave()
            return
        cycle.received += len(body)
        while cycle.received > cycle.allowed:
            more = min(_ROOM, self.limits.body - cycle.allowed)
            if more <= 0:
                raise _Refused(Refusal(413, f"The body is over {self.limits.body} bytes."))
            if not cycle.take(more):
                raise _Refused(_NO_ROOM)
            cycle.allowed += more
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._counted = False
        cycle = self.cycle
        cycle.more_body = False
        cycle.message_event.set()

    # What goes out

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
