"""The consumers: records a second from the topic to rows, each with its effect and its span.

Every consumer reads the whole topic from its start, in a consumer group of its own, into an empty
table; ours and the peers do the same work on the same records. What takes records in batches, with
one statement a batch, is named apart from what takes them one by one, with an upsert each: the two
ways are not to be compared with each other. A slow one is stopped once its speed is known; what
counts as expected in spans is what stands in its table then.

Two workers cannot each have a core where PostgreSQL and Kafka run on the same two. So the scaling
is measured with half a core for each worker: all on one core, in slices of 10 ms, of which one
worker alone gets every second one; the servers have the other core.
"""

import contextlib
import itertools
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from loadtest.bench.measure import Progress, tree
from loadtest.bench.parts import Parts
from loadtest.bench.results import Fact, Finding, Measurement, Spans
from loadtest.bench.variants import BACKEND, UNTRACED

from embedded.ports import free_port
from embedded.processes import Process

SECONDS = 12.0
"""How long a consumer's speed is measured, at most."""
SLICE = 0.01
PEER_TABLE = """
CREATE TABLE IF NOT EXISTS peer_catalogue (book_id bigint PRIMARY KEY, title text NOT NULL,
    author text NOT NULL, status text NOT NULL, sequence bigint NOT NULL)
"""


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """A consuming program: its command, its table, its name in spans; None is not traced.

    ``span_each``: whether it has a span for each record, so that they can be counted.
    """

    name: str
    command: list[str]
    table: str = "peer_catalogue"
    service: str | None = None
    span_each: bool = True
    environment: dict[str, str] = {}


PYTHON = [sys.executable, "-m"]
FASTSTREAM = [*PYTHON, "faststream", "run", "loadtest.bench.peers.faststream_consumer:app"]
BARE = [*PYTHON, "loadtest.bench.peers.aiokafka_consumer"]
SINGLE = ["faust", "-A", "loadtest.bench.one_by_one", "worker"]
BATCHES = {"BENCH_BATCHES": "true"}
TABLE = "backend.book"
OURS = Consumer(name="ours, take(128)", command=BACKEND, table=TABLE, service="backend")
CONSUMERS = (
    Consumer(name="ours, take(128), untraced", command=BACKEND, table=TABLE, environment=UNTRACED),
    OURS,
    Consumer(
        name="FastStream, batch=True",
        command=FASTSTREAM,
        service="peer-faststream",
        span_each=False,
        environment=BATCHES,
    ),
    Consumer(name="FastStream, batch=True, untraced", command=FASTSTREAM, environment=BATCHES),
    Consumer(name="bare aiokafka, batches of 500", command=BARE),
    Consumer(name="ours, one by one, untraced", command=SINGLE, table=TABLE, environment=UNTRACED),
    Consumer(name="ours, one by one", command=SINGLE, table=TABLE, service="backend"),
    Consumer(name="FastStream, one by one", command=FASTSTREAM, service="peer-faststream"),
    Consumer(name="FastStream, one by one, untraced", command=FASTSTREAM),
)
_groups = itertools.count(1)


def consume(
    parts: Parts, consumer: Consumer, workers: int, name: str, *, halves: bool = False
) -> Iterator[Finding]:
    """Read the topic into an empty table with so many workers, in a fresh group."""
    parts.sql.run(f"{PEER_TABLE}; TRUNCATE {consumer.table}")
    total = parts.records()
    count = f"SELECT count(*) FROM {consumer.table}"
    with contextlib.ExitStack() as outer:
        sink = outer.enter_context(parts.sink()) if consumer.service else None
        with contextlib.ExitStack() as stack:
            pids = dict(parts.pids)
            running: list[Process] = []
            group = f"bench-{next(_groups)}"
            if halves:
                stack.enter_context(servers_on(1, parts))
            for number in range(1, workers + 1):
                environment = {
                    **({} if sink is None else sink.environment),
                    **consumer.environment,
                    "KAFKA_GROUP_ID": group,
                    "BACKEND_PORT": str(free_port()),
                }
                with starting_on(0 if halves else None):
                    running.append(
                        stack.enter_context(
                            parts.program(consumer.name, consumer.command, environment)
                        )
                    )
                pids[f"worker {number}"] = running[-1].pid
            if halves:
                stack.enter_context(taking_turns([process.pid for process in running]))
            progress = Progress(
                lambda: parts.sql.value(count), total, pids, running=running, seconds=SECONDS
            )
        expected = parts.sql.value(count)
        spans = sink.spans() if sink else {}
    yield Measurement(
        case=f"consumer, {name}",
        variant=consumer.name,
        round=0,
        unit="records",
        per_second=progress.per_second,
        cpu_us=progress.cpu_us,
        memory_mb={who: mb for who, mb in progress.memory[-1].items() if who.startswith("worker")},
    )
    if consumer.service and consumer.span_each:
        yield Spans(
            variant=f"{consumer.name}, {name}",
            span=f"{consumer.service}: process book_ingestion",
            expected=expected,
            received=sum(
                n
                for key, n in spans.items()
                if re.match(rf"{consumer.service}/consumer/.*process", key)
            ),
        )


@contextlib.contextmanager
def starting_on(core: int | None) -> Iterator[None]:
    """Processes that are started here may use this core alone."""
    mine = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


@contextlib.contextmanager
def servers_on(core: int, parts: Parts) -> Iterator[None]:
    """PostgreSQL and Kafka, all their threads, on this core alone."""
    threads = [
        int(task.name)
        for pid in parts.pids.values()
        for process in tree(pid)
        for task in Path(f"/proc/{process.pid}/task").iterdir()
    ]
    everything = os.sched_getaffinity(0)
    _move(threads, {core})
    try:
        yield
    finally:
        _move(threads, everything)


def _move(threads: Sequence[int], cores: set[int]) -> None:
    for thread in threads:
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(thread, cores)


@contextlib.contextmanager
def taking_turns(pids: Sequence[int]) -> Iterator[None]:
    """Let one of two run at a time, for a slice each; one alone runs every second slice."""
    over = threading.Event()
    seats: list[int | None] = [*pids, None][:2]

    def turn() -> None:
        for running in itertools.cycle(seats):
            for pid in pids:
                if pid != running:
                    os.kill(pid, signal.SIGSTOP)
            if running is not None:
                os.kill(running, signal.SIGCONT)
            if over.wait(SLICE):
                break
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=turn)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def rebuild(parts: Parts) -> Iterator[Finding]:
    """The read model from the topic alone, by the operator's command."""
    command = ["faust", "-A", "backend.app", "replay", "--rebuild", "--yes"]
    began = time.monotonic()
    with parts.program("rebuild", command, UNTRACED) as process:
        if process.wait(600):
            raise RuntimeError(process.last_words())
        said = "\n".join(process.lines)
    found = re.search(r"([\d,]+) records? read in .*\(([\d,]+)/s\)", said)
    if found is None:
        raise RuntimeError(f"the rebuild said: {said}")
    yield Measurement(
        case=f"rebuild from the topic, {found[1]} records",
        variant="ours",
        round=0,
        unit="records",
        per_second=float(found[2].replace(",", "")),
    )
    took = time.monotonic() - began
    yield Fact(name=f"rebuild from the topic, {found[1]} records, with start", value=took, unit="s")


def run(
    parts: Parts, consumers: Sequence[Consumer], *, rounds: int, quick: bool
) -> Iterator[Finding]:
    """Every consumer in turn with one worker, and with two; then what two of ours gain."""
    for number, workers in itertools.product(range(rounds), (1,) if quick else (1, 2)):
        for consumer in consumers:
            for finding in consume(parts, consumer, workers, f"{workers} worker(s)"):
                if isinstance(finding, Measurement):
                    finding = msgspec.structs.replace(finding, round=number)
                yield finding
    if not quick:
        yield from scaling(parts, rounds)


def scaling(parts: Parts, rounds: int) -> Iterator[Finding]:
    """One worker and two, with half a core each."""
    for number in range(rounds):
        speed = {}
        for workers in (1, 2):
            name = f"{workers} worker(s) with half a core each"
            for finding in consume(parts, OURS, workers, name, halves=True):
                if isinstance(finding, Measurement):
                    finding = msgspec.structs.replace(finding, round=number)
                    speed[workers] = finding.per_second
                yield finding
        yield Fact(
            name="consumer, half a core each: two workers / one",
            value=speed[2] / speed[1],
            unit="",
            at_least=1.6,
        )
