"""An HTTP client that is a bare socket: it sends what a library would not send."""

import contextlib
import re
import socket

DEADLINE = 20.0
"""Seconds after which a test has failed; what they wait for takes a fraction of it."""


class Answer:
    def __init__(self, head: bytes, body: bytes) -> None:
        self.status = int(head.split()[1])
        self.head = head.lower()
        self.body = body

    def __repr__(self) -> str:
        return f"{self.status} {self.body[:80]!r}"

    def header(self, name: bytes) -> bytes | None:
        found = re.search(rb"^" + name + rb": *(.*?)\r?$", self.head, re.MULTILINE)
        return found[1] if found else None


class Client:
    """A socket that reads HTTP answers one by one."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(("127.0.0.1", port))
        self._read = b""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """False when the server has closed meanwhile."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def answer(self, *, bodiless: bool = False) -> Answer:
        while b"\r\n\r\n" not in self._read:
            self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        answer = Answer(head, b"")
        if not bodiless:
            length = int(answer.header(b"content-length") or 0)
            while len(self._read) < length:
                self._more()
            answer.body, self._read = self._read[:length], self._read[length:]
        return answer

    def _more(self) -> None:
        more = self.socket.recv(1 << 16)
        if not more:
            raise EOFError(f"closed after {self._read[:200]!r}")
        self._read += more

    def is_closed(self) -> bool:
        """Wait for the end; False when something else comes."""
        with contextlib.suppress(ConnectionResetError):
            return self.socket.recv(1) == b""
        return True
