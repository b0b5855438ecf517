"""What waits between a server and its client: sent by one, and not taken by the other yet."""

import asyncio
import struct

try:
    from fcntl import ioctl
    from termios import FIONREAD, TIOCOUTQ
except ImportError:  # Windows
    ioctl = None  # type: ignore[assignment]
    FIONREAD = TIOCOUTQ = 0  # type: ignore[misc]


def untaken_bytes(transport: asyncio.Transport) -> int:
    """Bytes that the client has not taken: the transport's, and the kernel's where that tells.

    The kernel's may hold megabytes, and takes more only once a good part has gone: seen from the
    transport alone, a slow reader does not read at all.
    """
    return transport.get_write_buffer_size() + _kernel_s(transport, TIOCOUTQ)


def unread_bytes(transport: asyncio.Transport) -> int:
    """Bytes that the client has sent and the loop has not read; 0 where the kernel does not tell.

    To close a connection while there are some throws a request away, and tells the client of a
    reset instead of an end.
    """
    return _kernel_s(transport, FIONREAD)


def _kernel_s(transport: asyncio.Transport, queue: int) -> int:
    sock = transport.get_extra_info("socket")
    if ioctl is None or sock is None:
        return 0
    try:
        size: int = struct.unpack("i", ioctl(sock.fileno(), queue, b"\0\0\0\0"))[0]
    except OSError:  # the connection is closed
        return 0
    return size
