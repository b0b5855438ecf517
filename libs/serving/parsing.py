"""What comes in on a connection: cut into pieces, parsed, bounded, and made requests of."""

import asyncio
import urllib.parse
from typing import Any, Final

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from serving.cycle import Cycle
from serving.deadlines import Deadlines
from serving.refusal import Refusal, Refused
from serving.upgrades import offers_websocket, without_offer

_SLICE: Final = 2048
"""Bytes that are parsed at a time where what they hold is not known: requests are counted after
each, so that no client has more than a few dozen of them in memory."""

_NOTED: Final = frozenset((b"host", b"content-length", b"transfer-encoding", b"expect"))

_BAD_REQUEST: Final = Refusal(400, "This is no HTTP/1.1 request.")
_HEAD_TOO_LARGE: Final = Refusal(431, "The request's header is too large.")


class Parsing(Deadlines):
    """The parser's events."""

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
                self._refuse(cause.refusal if isinstance(cause, Refused) else _BAD_REQUEST)
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
            raise Refused(_HEAD_TOO_LARGE)
        if parser.should_upgrade():
            return
        self._counted = self._chunked
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        if version != "1.1":
            scope["http_version"] = version
        if version not in ("1.1", "1.0"):
            raise Refused(_BAD_REQUEST)
        if self._hosts != 1 and (self._hosts or version != "1.0"):
            raise Refused(Refusal(400, "A request has one Host."))
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
                cycle.admit(limits)
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
            raise Refused(Refusal(400, "A request has one Host."))

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
        if cycle.received > cycle.allowed:
            cycle.grow(self.limits)
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
