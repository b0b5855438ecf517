"""What speaks HTTP here, each started as its users start it, and watched while clients are hostile.

bookapp, backend and the demo's receiver: processes of their own, on real embedded parts.
"""

import contextlib
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

import psutil
import pytest
import yaml
from tests.making import ROOT
from tests.sockets import Answer, Client

from contracts.topics import BOOK_INGESTION, BOOK_INGESTION_DLQ
from embedded.broker import Broker
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.receiver import Receiver
from embedded.services import bare_environment, start_service
from embedded.waiting import wait_until

NAMES = ("bookapp", "backend", "receiver")
MIB = 1024 * 1024
PATIENCE = 2.0
"""Seconds for the live probe on a busy machine; alone it takes a hundredth. It was 9 once."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Door:
    """How a program is started and spoken to. ``{port}`` and ``{n}`` stand for free ones."""

    command: tuple[str, ...]
    environ: Mapping[str, str]
    live: str
    page: bytes
    """The largest answer to a GET."""
    write: bytes
    """A path that takes bodies."""
    content_type: bytes
    body: bytes
    filled: Callable[[bytes, int], bytes]
    """A body made longer, to about so many bytes."""
    written: int
    """The status of a write."""


def _unknown_field(size: int) -> bytes:
    """A field of protobuf that nobody knows, in about so many bytes."""
    if size <= 0:
        return b""
    length, left = b"", size
    while left > 127:
        length, left = length + bytes([left & 127 | 128]), left >> 7
    return b"\x7a" + length + bytes([left]) + bytes(size)


def in_compose(service: str) -> tuple[str, ...]:
    """What the image is told to run for it, by this Python. An address that is given after it wins:
    a test listens on loopback."""
    services = yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text())["services"]
    program, *arguments = services[service]["command"]
    return (sys.executable if program == "python" else program, *arguments)


DOORS = {
    "bookapp": Door(
        (*in_compose("bookapp"), "--host", "127.0.0.1", "--port", "{port}"),
        {},
        "/health/live",
        b"/books?limit=1000",
        b"/books/bulk_add",
        b"application/json",
        b'[{"title":"Dune","author":"Frank Herbert"}]',
        bytes.ljust,
        201,
    ),
    "backend": Door(
        in_compose("backend"),
        {"BACKEND_PORT": "{port}"},
        "/health/live",
        b"/schema/assets/swagger-ui.js",
        b"/error-injection",
        b"application/json",
        b'{"endpoint_pattern":"/books/{n}","http_method":"GET","error_rate":0,"error_code":500}',
        bytes.ljust,
        201,
    ),
    "receiver": Door(
        (sys.executable, "-m", "embedded.receiver", "--port", "{port}"),
        {},
        "/health",
        b"/views.css",
        b"/v1/traces",
        b"application/x-protobuf",
        b"",
        lambda body, size: body + _unknown_field(size - len(body)),
        200,
    ),
}


@dataclass
class Program:
    """A running one."""

    name: str
    door: Door
    process: Process
    port: int
    environ: dict[str, str] = field(default_factory=dict)

    def connect(self, receive_buffer: int | None = None) -> Client:
        return Client(self.port, receive_buffer)

    def get(self, path: bytes | None = None, *lines: bytes, method: bytes = b"GET") -> bytes:
        return request(method, path or self.door.live.encode(), *lines)

    def post(self, size: int = 0, *lines: bytes) -> bytes:
        """A write with a body of at least so many bytes, of something that is not there yet."""
        door = self.door
        body = door.filled(door.body.replace(b"{n}", b"%d" % next(_numbers)), size)
        typed = b"Content-Type: " + door.content_type
        length = b"Content-Length: %d" % len(body)
        return request(b"POST", door.write, typed, *lines, length) + body

    def exchange(self, data: bytes) -> Answer:
        with self.connect() as client:
            client.send(data)
            return client.answer()

    def lives(self) -> bool:
        return self.exchange(self.get()).status == 200

    @property
    def family(self) -> list[psutil.Process]:
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]

    def memory(self) -> int:
        """Bytes that are resident."""
        return sum(one.memory_info().rss for one in self.family)

    def connections(self) -> int:
        """How many are open at its port."""
        found = [it for one in self.family for it in one.net_connections(kind="tcp")]
        return sum(it.laddr.port == self.port and bool(it.raddr) for it in found)

    def complaints(self) -> list[str]:
        """Lines that an operator would take for a fault."""
        words = ("Traceback", "ERROR", '"level":"error"', '"level":"ERROR"', "CRITICAL")
        return [line for line in self.process.lines if any(word in line for word in words)]


def request(method: bytes, path: bytes, *lines: bytes) -> bytes:
    """A request without a body; a Host is among the lines, or it is localhost."""
    hosts = [] if any(line.lower().startswith(b"host:") for line in lines) else [b"Host: localhost"]
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", *hosts, *lines, b"", b""])


class Watch:
    """Asks the live probe over and over and reads the memory, as long as the block lasts."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.before = program.memory()
        self.most = self.before
        self.probes: list[float] = []
        self.failed: list[object] = []

    def _look(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                answer = self._program.exchange(self._program.get())
            except (OSError, EOFError) as error:
                self.failed.append(error)
            else:
                self.probes.append(time.monotonic() - began)
                if answer.status != 200:
                    self.failed.append(answer)
            self.most = max(self.most, self._program.memory())
            self._over.wait(0.02)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        wait_until(lambda: self.probes or self.failed, what="a probe")
        self._over.set()
        self._thread.join()
        grown = (self.most - self.before) / MIB
        # Shown when a test fails, and with -s.
        print(
            f"{self._program.name}: {len(self.probes)} probes, {max(self.probes, default=0):.3f} s"
            f" at most; {self.before / MIB:.0f} MiB and {grown:.0f} more"
        )

    @property
    def grown(self) -> int:
        return self.most - self.before

    def assert_well(self, grown: int) -> None:
        """The probe was always answered and soon, and the memory grew by so much at most."""
        assert self.failed == []
        assert max(self.probes) < PATIENCE
        assert self.grown < grown


Start = Callable[..., Program]


def _start(name: str, environ: Mapping[str, str], more: tuple[str, ...] = ()) -> Program:
    door, port = DOORS[name], free_port()
    own = {key: value.format(port=port) for key, value in door.environ.items()}
    command = [part.replace("{port}", str(port)) for part in (*door.command, *more)]
    environment = {**bare_environment(os.environ), **environ, **own}
    url = f"http://127.0.0.1:{port}"
    ready = door.live.replace("live", "ready")
    process = start_service(name, command, environment, ready=url + ready, timeout=60)
    return Program(name, door, process, port, environment)


class Surroundings:
    """A database and a broker of a program's own, and what it is started with."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self._postgres = postgres
        self.database = f"hostile_{name}_{next(_numbers)}"
        self.broker = Broker([BOOK_INGESTION.name, BOOK_INGESTION_DLQ.name])
        self.environ = {
            "DATABASE_URL": postgres.create_database(self.database),
            "KAFKA_BROKER_URL": self.broker.url,
        }

    def close(self) -> None:
        self.broker.close()
        self._postgres.drop_database(self.database)


@pytest.fixture
def start(postgres_server: Postgres, receiver: Receiver) -> Iterator[Start]:
    """Starts a program of the test's own: ``start(name, *arguments, **environ)``. What it sends to
    Sentry and by OTLP is in the test's receiver, by OTLP at its end alone."""
    telemetry = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "SENTRY_DSN": receiver.sentry_dsn,
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
        "OTEL_BLRP_SCHEDULE_DELAY": "600000",
        "OTEL_METRIC_EXPORT_INTERVAL": "600000",
    }
    with contextlib.ExitStack() as stack:

        def one(name: str, *arguments: str, **environ: str) -> Program:
            around = Surroundings(postgres_server, name)
            stack.callback(around.close)
            program = _start(name, {**around.environ, **telemetry, **environ}, arguments)
            stack.callback(program.process.stop)
            return program

        yield one


@pytest.fixture(scope="module", params=NAMES)
def program(request: pytest.FixtureRequest, postgres_server: Postgres) -> Iterator[Program]:
    """Each of them, for all tests of a module."""
    with contextlib.closing(Surroundings(postgres_server, request.param)) as around:
        running = _start(request.param, around.environ)
        try:
            assert running.exchange(running.post()).status == running.door.written
            yield running
            assert running.complaints() == []
        finally:
            code = running.process.stop()
        assert code == 0
