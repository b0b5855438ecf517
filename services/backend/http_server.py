"""An ASGI application served from the worker's own event loop.

It starts before Kafka is reached, so that health and what is in the read model are there meanwhile,
and stops after the last record. Signals are the worker's: a server with handlers of its own would
end while records are still in flight.
"""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Generator
from typing import Final

import uvicorn
from mode import Service
from uvicorn._types import ASGIApplication

GRACE_S: Final = 5
"""How long requests in flight get to finish at a stop."""

_BACKLOG: Final = 2048

logger = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """None of them: the worker has handlers."""
        yield


class HttpServer(Service):
    """Listens from ``bind`` on, and answers from ``on_start`` on."""

    def __init__(self, application: ASGIApplication, host: str, port: int) -> None:
        super().__init__()
        self._host = host
        self._port = port
        self._server = _Server(
            uvicorn.Config(
                application,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._listening: socket.socket | None = None
        self._serving: asyncio.Future[None] | None = None

    def bind(self) -> socket.socket:
        """Take the address. Raises SystemExit, with one line, when it cannot be had."""
        if self._listening is None:
            self._listening = listen(self._host, self._port)
        return self._listening

    async def on_start(self) -> None:
        """Serve."""
        self._serving = self.add_future(self._server.serve([self.bind()]))
        logger.info("HTTP on http://%s:%d", self._host, self._port)

    async def on_stop(self) -> None:
        """Take no more requests, and let those in flight finish."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises SystemExit: what is wrong and what to do, on one line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        where = f"{host}:{port}"
        if error.errno == errno.EADDRINUSE:
            raise SystemExit(
                f"backend: {where} is in use: stop what listens there, or set BACKEND_PORT"
            ) from None
        raise SystemExit(
            f"backend: cannot listen on {where} ({error.strerror}): BACKEND_HOST takes an address"
            " of this machine, BACKEND_PORT a free port"
        ) from None
    # asyncio does this for sockets that say TCP, which those of create_server do not; accepted ones
    # inherit it. Without, each answer takes 40 ms: its body waits for its head to be acknowledged.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
