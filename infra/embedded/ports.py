"""TCP ports on loopback: finding a free one, and saying plainly when one is taken."""

import itertools
import random
import socket
from typing import Final

LOOPBACK = "127.0.0.1"
# Below the ports of outgoing connections (from 32,768 on Linux, from 49,152 elsewhere): any of them
# would do for a moment, and be some connection's by the time that a server asks for it.
SERVERS: Final = range(10_000, 32_000)
# One after the other from anywhere, so that several processes hardly ever want the same.
_next: Final = itertools.count(random.SystemRandom().randrange(len(SERVERS)))


def free_port() -> int:
    """A port that nobody listens on at the moment. Another process may still take it first.

    Raises:
        OSError: all are in use.
    """
    for number in itertools.islice(_next, len(SERVERS)):
        port = SERVERS[number % len(SERVERS)]
        if not in_use(port):
            return port
    raise OSError("no port is free for a server on loopback")


def in_use(port: int) -> bool:
    """Whether a server could not be bound to this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
        return False


def accepts(port: int, timeout: float = 0.5) -> bool:
    """Whether something accepts connections on this port of 127.0.0.1."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=timeout).close()
    except OSError:
        return False
    return True
