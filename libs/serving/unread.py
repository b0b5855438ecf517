"""How much of what was written to a connection its client has not taken yet."""

import asyncio
import struct

try:
    from fcntl import ioctl
    from termios import TIOCOUTQ
except ImportError:  # Windows
    ioctl = None  # type: ignore[assignment]


def unread_bytes(transport: asyncio.Transport) -> int:
    """Bytes in the transport's buffer and, where the system tells, in the kernel's.

    The kernel's may hold megabytes, and takes more only once a good part has gone: seen from the
    transport alone, a slow reader does not read at all.
    """
    waiting = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    if ioctl is None or sock is None:
        return waiting
    try:
        sent: int = struct.unpack("i", ioctl(sock.fileno(), TIOCOUTQ, b"\0\0\0\0"))[0]
    except OSError:  # the connection is closed
        return waiting
    return waiting + sent
