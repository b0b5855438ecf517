"""An httpx transport to one service that is asked often: HTTP/1.1 over kept connections.

httpx's own takes ten times the CPU of this one, for a page of books more than all the rest of the
page. What is left out is what a call between services has no need of: proxies, HTTP/2, HEAD,
bodies sent or received in pieces.

Promises: an answer belongs to the request that it is given for (a connection on which anything went
wrong, a cancellation included, is closed); a kept connection that the other side has closed costs
no request an error; time-outs and errors are those that httpx names.
"""

import asyncio
from typing import Final, NamedTuple

import httptools
import httpx

MAX_CONNECTIONS: Final = 100
"""Requests under way at a time; others wait for their turn."""


class _Answer(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class _Connection(asyncio.Protocol):
    """One connection, for one request at a time. httptools calls the methods named ``on_…``."""

    def __init__(self) -> None:
        self.kept = False  # for the next request
        self.begun = False  # to be answered
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[_Answer] | None = None

    async def ask(self, request: bytes) -> _Answer:
        """Send a request, wait for the whole answer. Raises httpx.TransportError."""
        if self._transport is None:
            raise httpx.ReadError("the connection was closed before the request")
        self.kept = False
        self.begun = False
        self._ends_with_connection = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self.kept = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's are not asyncio's

    def data_received(self, data: bytes) -> None:
        if self.kept:  # nobody has asked
            self.close()
            return
        self.begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(httpx.RemoteProtocolError(f"no HTTP answer: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport, self.kept = None, False
        if exc is None and self.begun and self._ends_with_connection:
            self._finish()
        else:
            self._fail(httpx.ReadError("the connection was closed before the end of the answer"))

    def on_headers_complete(self) -> None:
        names = {name.lower() for name, _ in self._headers}
        self._ends_with_connection = names.isdisjoint((b"content-length", b"transfer-encoding"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:  # the answer is still to come
            self._headers = []
        elif self._waiting() is None:  # a second one, which nobody asked for
            self.close()
        else:
            self.kept = self._parser.should_keep_alive()
            self._finish()

    def _finish(self) -> None:
        if waiting := self._waiting():
            status = self._parser.get_status_code()
            waiting.set_result(_Answer(status, self._headers.copy(), b"".join(self._body)))

    def _fail(self, error: httpx.TransportError) -> None:
        self.close()
        if waiting := self._waiting():
            waiting.set_exception(error)

    def _waiting(self) -> asyncio.Future[_Answer] | None:
        """Whom the answer is for; None when there is nobody, or no longer."""
        return None if self._answer is None or self._answer.done() else self._answer


class KeptConnections(httpx.AsyncBaseTransport):
    """Pass it to ``httpx.AsyncClient``. All requests go to the host and port of ``base_url``."""

    def __init__(self, base_url: str) -> None:
        url = httpx.URL(base_url)
        self._host = url.host
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._tls = httpx.create_ssl_context() if url.scheme == "https" else None
        self._idle: list[_Connection] = []
        self._turns = asyncio.Semaphore(MAX_CONNECTIONS)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.TransportError: ConnectError, ConnectTimeout, ReadError, ReadTimeout, …"""
        data = _written(request, await request.aread())
        limits = request.extensions.get("timeout", {})
        async with self._turns:
            answer = None
            while answer is None:
                kept = self._take_idle()
                connection = kept or await self._connect(limits.get("connect"))
                try:
                    answer = await _ask(connection, data, limits.get("read"))
                except httpx.ReadError:
                    # Closed while it was kept; what nobody began to answer can be sent again.
                    if kept is None or connection.begun or request.method != "GET":
                        raise
                finally:
                    if connection.kept:
                        self._idle.append(connection)
                    else:
                        connection.close()
        return httpx.Response(
            answer.status, headers=answer.headers, stream=httpx.ByteStream(answer.body)
        )

    async def aclose(self) -> None:
        """Close the kept connections."""
        while self._idle:
            self._idle.pop().close()

    def _take_idle(self) -> _Connection | None:
        while self._idle:
            # The last one that was used: those that are needed no more get old, and are closed.
            connection = self._idle.pop()
            if connection.kept:
                return connection
        return None

    async def _connect(self, seconds: float | None) -> _Connection:
        try:
            async with asyncio.timeout(seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    _Connection, self._host, self._port, ssl=self._tls
                )
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no connection within {seconds} s") from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return connection


async def _ask(connection: _Connection, data: bytes, seconds: float | None) -> _Answer:
    try:
        async with asyncio.timeout(seconds):
            return await connection.ask(data)
    except TimeoutError as error:
        raise httpx.ReadTimeout(f"no answer within {seconds} s") from error


def _written(request: httpx.Request, body: bytes) -> bytes:
    """The request as it goes out. httpx has set ``host`` and ``content-length``."""
    target = request.extensions.get("target", request.url.raw_path)
    head = [b"%s %s HTTP/1.1" % (request.method.encode(), target)]
    head += [b"%s: %s" % (name, value) for name, value in request.headers.raw]
    if any(b"\r" in line or b"\n" in line for line in head):
        raise httpx.LocalProtocolError("a line break in a header")
    return b"\r\n".join((*head, b"", body))
