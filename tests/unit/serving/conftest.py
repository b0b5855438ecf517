"""A real server in a thread, for clients that are bare sockets."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.sockets import DEADLINE, Answer, Client

from embedded.waiting import wait_until
from serving import BoundedProtocol, Limits, Server, config, listen

GET = b"GET /n HTTP/1.1\r\nHost: localhost\r\n\r\n"


def post(body: bytes, *more: bytes, path: bytes = b"/n") -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: localhost", *more]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


class Application:
    """Answers with the length of the request's body, or as its path says."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.ended: list[str] = []
        self.gate = threading.Event()  # of the test's thread
        self.stands = threading.Event()

    async def _opened(self) -> None:
        while not self.gate.is_set():  # noqa: ASYNC110  # the event is a thread's
            await asyncio.sleep(0.01)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        how = "cancelled"
        try:
            how = await self._answer(scope, receive, send)
        finally:
            self.ended.append(how)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> str:
        path = scope["path"]
        received = 0
        while path != "/unread":
            message = await receive()
            if message["type"] == "http.disconnect":
                return "disconnected"
            received += len(message["body"])
            if not message.get("more_body"):
                break
        if path == "/held":
            await self._opened()
        if path == "/stands":  # and so does the loop, as on a busy machine
            self.stands.set()
            self.gate.wait(DEADLINE)
        if path == "/broken":
            raise ValueError("broken")
        body = b"x" * 300_000 if path == "/page" else b"%d" % received
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return "answered"


class Served:
    """The server under test."""

    def __init__(self, application: Any, limits: Limits, options: dict[str, Any]) -> None:
        self.application = application
        protocol = type("Limited", (BoundedProtocol,), {"limits": limits})
        self.server = Server(config(application, http=protocol, lifespan="off", **options))
        self._listening = listen("127.0.0.1", 0)
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self.server.run, args=([self._listening],))
        self._thread.start()
        wait_until(lambda: self.server.started, DEADLINE, what="the server")

    def connect(self) -> Client:
        return Client(self.port)

    def exchange(self, *parts: bytes) -> Answer:
        """Send the parts on a new connection, and read one answer."""
        with self.connect() as client:
            for part in parts:
                client.send(part)
            return client.answer()

    def lives(self) -> bool:
        return self.exchange(GET).status == 200

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Start servers: `serve(limits…)`, or `serve(application=…, options={…}, limits…)`."""
    started: list[Served] = []

    def start(
        application: Any = None, options: dict[str, Any] | None = None, **limits: Any
    ) -> Served:
        served = Served(application or Application(), Limits(**limits), options or {})
        started.append(served)
        return served

    yield start
    for served in started:
        if isinstance(served.application, Application):
            served.application.gate.set()
        served.stop()
