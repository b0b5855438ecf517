"""A load generator that takes little from the two cores it shares with what it measures.

Each connection is one `asyncio.Protocol` that writes a prepared request, counts the bytes of the
answer and writes the next: closed loop, keep-alive, no pipelining. A client library would cost as
much as the server it drives. It runs in a process of its own (`python -m loadtest.bench.generator`)
and prints its result as JSON.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Iterator
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to send. `requests` are whole HTTP/1.1 requests, sent in turn."""

    url: str
    connections: int
    requests: list[bytes]
    seconds: float = 0.0
    """Stop after this long; 0 means after `count` answers."""
    count: int = 0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. Latencies in milliseconds."""

    answers: int
    errors: int
    """Answers with a status other than 2xx, and broken connections."""
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """What the generator itself took per answer."""
    statuses: dict[str, int]


def get(path: str) -> bytes:
    """A GET request, ready to be written."""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """A POST request with a JSON body, ready to be written."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body


class _Connection(asyncio.Protocol):
    def __init__(self, run: "_Run") -> None:
        self.run = run
        self.transport: asyncio.Transport | None = None
        self.buffer = b""
        self.missing = 0
        self.started = 0.0
        self.status = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast and no check: uvloop's transports do not derive from asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self.send()

    def send(self) -> None:
        assert self.transport is not None
        request = self.run.next_request()
        if request is None:
            self.transport.close()
            return
        self.started = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self.missing:
            self.missing -= len(data)
        else:
            self.buffer += data
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end].lower()
            self.status = head[9:12].decode()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            self.missing = length - (len(self.buffer) - end - 4)
            self.buffer = b""
        if self.missing <= 0:
            self.missing = 0
            self.run.answered(self.status, time.perf_counter() - self.started)
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.run.closed(broken=exc is not None or not self.run.over())


class _Run:
    def __init__(self, load: Load) -> None:
        self.load = load
        self.latencies: list[float] = []
        self.statuses: dict[str, int] = {}
        self.broken = 0
        self.sent = 0
        self.open = load.connections
        self.done = asyncio.get_running_loop().create_future()
        self.begin = time.perf_counter()
        self.requests: Iterator[bytes] = itertools.cycle(load.requests)

    def over(self) -> bool:
        if self.load.seconds:
            return time.perf_counter() - self.begin >= self.load.seconds
        return self.sent >= self.load.count

    def next_request(self) -> bytes | None:
        if self.over():
            return None
        self.sent += 1
        return next(self.requests)

    def answered(self, status: str, latency: float) -> None:
        self.latencies.append(latency)
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def closed(self, *, broken: bool) -> None:
        self.broken += broken
        self.open -= 1
        if not self.open and not self.done.done():
            self.done.set_result(None)

    def result(self) -> Result:
        seconds = time.perf_counter() - self.begin
        ordered = sorted(self.latencies)
        wrong = sum(n for status, n in self.statuses.items() if not status.startswith("2"))
        return Result(
            answers=len(ordered),
            errors=wrong + self.broken,
            seconds=seconds,
            per_second=len(ordered) / seconds,
            p50_ms=_quantile_ms(ordered, 0.5),
            p99_ms=_quantile_ms(ordered, 0.99),
            cpu_us=time.process_time() / max(len(ordered), 1) * 1e6,
            statuses=self.statuses,
        )


def _quantile_ms(ordered: list[float], share: float) -> float:
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


async def drive(load: Load) -> Result:
    """Send what `load` says and wait for every answer."""
    loop = asyncio.get_running_loop()
    target = urlsplit(load.url)
    host, port = target.hostname or "127.0.0.1", target.port or 80
    run = _Run(load)
    for _ in range(load.connections):
        await loop.create_connection(lambda: _Connection(run), host, port)
    await run.done
    return run.result()


def main() -> None:
    """Read a `Load` from standard input, write the `Result` to standard output."""
    load = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Load)
    result = uvloop.run(drive(load))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
