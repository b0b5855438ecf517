"""A uvicorn server with the bounded protocol: by itself, or within a process that has other work.

uvicorn's command line takes no protocol of one's own; ``run`` is what it does otherwise.
"""

import contextlib
import errno
import logging
import socket
from collections.abc import Generator
from typing import Any, Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from serving.protocol import BoundedProtocol

_BACKLOG: Final = 2048
_LAST_RESORT_S: Final = 5
"""After this uvicorn itself cancels what still runs, and says so as an error."""

logger = logging.getLogger(__name__)


class CannotListenError(Exception):
    """The address cannot be had. Its text is one line for the operator."""


def config(app: Any, **options: Any) -> uvicorn.Config:
    """uvicorn's configuration with the bounded protocol, no WebSockets, and logging left alone.

    ``app`` is an application or where it is ("package.module:app"); ``options`` are uvicorn's, and
    come first. With a protocol of one's own (``http=``), its ``limits.stop_s`` stays below 5.
    """
    ours = {
        "http": BoundedProtocol,
        "ws": "none",
        "log_config": None,
        "server_header": False,
        "timeout_graceful_shutdown": _LAST_RESORT_S,
    }
    return uvicorn.Config(app, **{**ours, **options})


def address(host: str, port: int) -> str:
    """As in a URL, where an IPv6 address is in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(
    host: str, port: int, host_from: str = "the host", port_from: str = "the port"
) -> socket.socket:
    """A listening socket; ``host_from`` and ``port_from`` are where an operator sets them.

    Raises:
        CannotListenError: what is wrong, and what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    where = address(host, port)
    try:
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotListenError(
                f"{where} is in use: stop what listens there, or set {port_from}"
            ) from None
        raise CannotListenError(
            f"cannot listen on {where} ({error.strerror}): {host_from} takes an address of this"
            f" machine, {port_from} a free port"
        ) from None
    # asyncio does this for sockets that say TCP, which those of create_server do not; accepted ones
    # inherit it. Without, each answer takes 40 ms: its body waits for its head to be acknowledged.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class MainServer(uvicorn.Server):
    """For a process of its own: SIGINT and SIGTERM end it. What was asked for is no failure: where
    uvicorn would end by the signal, this one's ``serve`` returns."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Both of them, until the end."""
        with super().capture_signals():
            try:
                yield
            finally:
                self._captured_signals.clear()


class Server(uvicorn.Server):
    """For a process that has signal handlers of its own: set ``should_exit`` to end it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """None of them."""
        yield


def run(configuration: uvicorn.Config, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM, with as many workers as the configuration says."""
    host, port = listening.getsockname()[:2]
    logger.info("listening on http://%s", address(host, port))
    if configuration.workers > 1:
        listening.set_inheritable(True)
        Multiprocess(configuration, sockets=[listening]).run()
    else:
        MainServer(configuration).run(sockets=[listening])
