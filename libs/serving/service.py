"""An ASGI application served from within a Faust worker, on its event loop.

It starts before Kafka is reached, so that health and what is stored are there meanwhile, and stops
after the last record. Signals are the worker's: a server with handlers of its own would end while
records are still in flight.
"""

import asyncio
import logging
import socket

from mode import Service

from serving.front import ASGIApp
from serving.server import CannotListenError, Server, address, config, listen

logger = logging.getLogger(__name__)


class HttpServer(Service):
    """Listens from ``bind`` on, and answers from ``on_start`` on. ``prefix`` begins the names of
    the settings of host and port, which an operator is told of: BACKEND for BACKEND_PORT."""

    def __init__(self, application: ASGIApp, host: str, port: int, *, prefix: str) -> None:
        super().__init__()
        self._host = host
        self._port = port
        self._prefix = prefix
        self._server = Server(config(application, lifespan="off", access_log=False))
        self._listening: socket.socket | None = None
        self._serving: asyncio.Future[None] | None = None

    def bind(self) -> socket.socket:
        """Take the address. Raises SystemExit, with one line, when it cannot be had."""
        if self._listening is None:
            host_from, port_from = f"{self._prefix}_HOST", f"{self._prefix}_PORT"
            try:
                self._listening = listen(self._host, self._port, host_from, port_from)
            except CannotListenError as error:
                raise SystemExit(f"{self._prefix.lower()}: {error}") from None
        return self._listening

    async def on_start(self) -> None:
        """Serve."""
        self._serving = self.add_future(self._server.serve([self.bind()]))
        logger.info("HTTP on http://%s", address(self._host, self._port))

    async def on_stop(self) -> None:
        """Take no more requests, and let those in flight finish."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
