"""A process's life: how soon it works, what it holds after many requests, what it does without
Kafka."""

import contextlib
import http.client
import json
import statistics
import time
from collections.abc import Iterator

import msgspec
from loadtest.bench.generator import Load, get, post
from loadtest.bench.http_cases import caught_up
from loadtest.bench.measure import resident_mb, run_load
from loadtest.bench.parts import Parts
from loadtest.bench.results import Fact, Finding, Measurement
from loadtest.bench.variants import BACKEND, OURS, UNTRACED, running

from embedded.ports import free_port
from embedded.waiting import wait_until

BOOK = json.dumps({"title": "Dune", "author": "Frank Herbert"}).encode()
ADD = post("/books/add", BOOK)
CONNECTIONS = 32
MAX_MB = 150


def starts(parts: Parts, rounds: int) -> Iterator[Fact]:
    """From the spawn to the first answer, and to the worker's first partition; tables exist."""
    for _ in range(rounds):
        port = free_port()
        seconds = _until_200(parts, ["bookapp", "--port", str(port)], {}, port, "/books?limit=1")
        name = "start: bookapp to its first answer"
        yield Fact(name=name, value=seconds, unit="s", at_most=1.5)
        port = free_port()
        environment = {"BACKEND_PORT": str(port), "KAFKA_GROUP_ID": f"start-{port}"}
        seconds = _until_200(parts, BACKEND, environment, port, "/health/ready")
        kafka = "Apache Kafka" if parts.apache else "the embedded broker"
        name = f"start: a worker to its partitions on {kafka}"
        yield Fact(name=name, value=seconds, unit="s", at_most=5.0)


def _until_200(
    parts: Parts, command: list[str], environment: dict[str, str], port: int, path: str
) -> float:
    began = time.monotonic()
    with parts.program("start", command, {**UNTRACED, **environment}):
        wait_until(lambda: _answers(port, path), 60, interval=0.005, what=path)
        return time.monotonic() - began


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def memory(parts: Parts, requests: int) -> Iterator[Finding]:
    """Resident memory at the start, and after each quarter of `requests`: reads, pages, adds."""
    mix = [get(f"/books/{1 + i % 100}") for i in range(96)]
    mix += [get("/books?limit=100"), get("/books?limit=100"), ADD, ADD]
    with parts.sink() as sink, running(parts, OURS, sink) as service:
        processes = {name: service.pids[name] for name in ("bookapp", "backend")}
        held = {name: [resident_mb(pid)] for name, pid in processes.items()}
        for _ in range(4):
            load = Load(url=service.url, connections=CONNECTIONS, requests=mix, count=requests // 4)
            result = run_load(load)
            for name, pid in processes.items():
                held[name].append(resident_mb(pid))
        yield Measurement(
            case=f"memory: {requests:,} mixed requests",
            variant="ours",
            round=0,
            per_second=result.per_second,
            p50_ms=result.p50_ms,
            p99_ms=result.p99_ms,
            errors=result.errors,
        )
        wait_until(lambda: caught_up(parts), 120, interval=0.5, what="all records' effect")
    for name, sizes in held.items():
        start, _, half, _, end = sizes
        yield Fact(name=f"memory: {name} at its start", value=start, unit="MB", at_most=MAX_MB)
        after = f"memory: {name} after {requests:,} requests"
        yield Fact(name=after, value=end, unit="MB", at_most=MAX_MB)
        yield Fact(name=f"{after} / after half of them", value=end / half, unit="", at_most=1.05)


def without_kafka(parts: Parts, seconds: float, rounds: int) -> Iterator[Finding]:
    """Adds while Kafka answers and while it does not (it is stopped, its connections stay open)."""
    load = Load(url="", connections=CONNECTIONS, requests=[ADD], seconds=seconds)
    with parts.sink() as sink, running(parts, OURS, sink) as service:
        p99: dict[str, list[float]] = {"while Kafka answers": [], "while Kafka is stopped": []}
        for number in range(rounds + 1):
            for name, kept in p99.items():
                with parts.kafka_stopped() if "stopped" in name else contextlib.nullcontext():
                    result = run_load(msgspec.structs.replace(load, url=service.url))
                if number == 0:
                    continue  # to warm up
                kept.append(result.p99_ms)
                yield Measurement(
                    case=f"POST /books/add {name}",
                    variant="ours",
                    round=number - 1,
                    per_second=result.per_second,
                    p50_ms=result.p50_ms,
                    p99_ms=result.p99_ms,
                    errors=result.errors,
                )
            wait_until(lambda: caught_up(parts), 120, interval=0.5, what="all records' effect")
    up, down = map(statistics.median, p99.values())
    yield Fact(
        name="POST /books/add: p99 while Kafka is stopped / while it answers",
        value=down / up,
        unit="",
        at_most=1.2,
    )


def run(parts: Parts, *, seconds: float, rounds: int, quick: bool) -> Iterator[Finding]:
    """All of it."""
    with running(parts, OURS, None):
        pass  # the tables are there now, and Python's bytecode
    yield from starts(parts, 1 if quick else 3)
    yield from without_kafka(parts, seconds, rounds)
    yield from memory(parts, 8_000 if quick else 200_000)
