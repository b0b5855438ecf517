"""The two ways of a connection: what is read, and what is written."""

import asyncio
from collections.abc import Callable
from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl

_JOINED: Final = 64 * 1024
"""Bytes of a body that are copied to go with their head."""


class Flow(FlowControl):
    """uvicorn's flow control, which reads no further while a request waits for its turn."""

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class Way:
    """A response's way out: the transport, but for its end, which is the protocol's affair.

    A head waits for what follows it, and goes with it in one packet (``hold_next``).
    """

    __slots__ = ("_close", "_head", "_holds", "_write", "is_closing")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._write = transport.write
        self.is_closing = transport.is_closing
        self._close = close
        self._holds = False
        self._head = b""

    def hold_next(self) -> None:
        """What is written next waits for what is written then, or for ``flush``."""
        self._holds = True

    def write(self, data: bytes) -> None:
        """Write it, after what waits."""
        if self._holds:
            self._holds = False
            self._head = data
        elif self._head:
            head, self._head = self._head, b""
            if len(data) > _JOINED:
                self._write(head)
                self._write(data)
            else:
                self._write(head + data)
        else:
            self._write(data)

    def flush(self) -> None:
        """Write what waits."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Leave, once all is written."""
        self.flush()
        self._close()
