"""An ASGI application served from the worker's own event loop.

It starts before Kafka is reached, so that health and what is in the read model are there meanwhile,
and stops after the last record. Signals are the worker's: a server with handlers of its own would
end while records are still in flight.
"""

import asyncio
import logging
import socket

from mode import Service

from serving import CannotListenError, Server, config, listen
from serving.front import ASGIApp

logger = logging.getLogger(__name__)


class HttpServer(Service):
    """Listens from ``bind`` on, and answers from ``on_start`` on."""

    def __init__(self, application: ASGIApp, host: str, port: int) -> None:
        super().__init__()
        self._host = host
        self._port = port
        self._server = Server(config(application, lifespan="off", access_log=False))
        self._listening: socket.socket | None = None
        self._serving: asyncio.Future[None] | None = None

    def bind(self) -> socket.socket:
        """Take the address. Raises SystemExit, with one line, when it cannot be had."""
        if self._listening is None:
            try:
                self._listening = listen(self._host, self._port, "BACKEND_HOST", "BACKEND_PORT")
            except CannotListenError as error:
                raise SystemExit(f"backend: {error}") from None
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
