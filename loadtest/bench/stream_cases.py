"""The relay and the consumers: records a second from the outbox to Kafka, and from there to rows.

The relay sends rows written straight into its outbox, each with the trace context of a request of
its own. What it has sent is then what every consumer reads, each in a consumer group of its own,
so that ours and the peers do the same work on the same records.
"""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator

from loadtest.bench.http_cases import running, variants
from loadtest.bench.measure import Measurement, Usage
from loadtest.bench.parts import Parts, Sink

from embedded.ports import free_port
from embedded.waiting import wait_until

FILL_OUTBOX = """
INSERT INTO outbox (topic, key, value, trace_context, created_at)
SELECT 'book_ingestion', convert_to(id::text, 'UTF8'),
    convert_to(json_build_object('type', 'added', 'event_id', gen_random_uuid(), 'sequence', 1,
        'occurred_at', '2026-01-01T00:00:00Z', 'book', json_build_object('id', id,
            'title', 'The Book of ' || id, 'author', 'Ann Author ' || id %% 997,
            'status', 'available'))::text, 'UTF8'),
    jsonb_build_object('traceparent', '00-' || md5(id::text) || '-' || left(md5('s' || id), 16)
        || '-01'), now()
FROM generate_series(%d, %d) AS id
"""
FIRST_ID = 10_000_000
"""Above every id that bookapp has given: these books exist in the outbox and the topic alone."""


class Records:
    """The ids of the records written so far, so that none is written twice."""

    def __init__(self) -> None:
        self.count = 0

    def write(self, parts: Parts, count: int) -> None:
        """Put `count` records into the outbox."""
        first = FIRST_ID + self.count
        parts.postgres.execute(FILL_OUTBOX % (first, first + count - 1), "bench")
        self.count += count


def rows(parts: Parts, table: str) -> int:
    """How many rows a table has."""
    return int(parts.postgres.execute(f"SELECT count(*) FROM {table}", "bench"))


def drain(parts: Parts) -> None:
    """Wait until the outbox is empty."""
    wait_until(lambda: rows(parts, "outbox") == 0, 300, interval=0.2, what="an empty outbox")


def relay(parts: Parts, records: Records, backlog: int, *, waiting: bool) -> Measurement:
    """Send `backlog` records: those that wait at the start, or those that come to an idle relay."""
    ours = next(v for v in variants(1) if v.name == "ours")
    if waiting:
        records.write(parts, backlog)
    with parts.sink() as sink:
        with running(parts, ours, sink, backend=False) as service:
            usage = Usage(service.pids)
            before = usage.memory()["server"]
            if not waiting:
                records.write(parts, backlog)
            sent = Progress(lambda: backlog - rows(parts, "outbox"), backlog)
            cpu, memory = usage.per(backlog), usage.memory()
        received = sink.spans("/send book_ingestion")
    return Measurement(
        case=f"relay, {backlog:,} records {'waiting' if waiting else 'at once, idle before'}",
        variant="ours",
        unit="records",
        per_second=sent.per_second,
        cpu_us=cpu,
        memory_mb={"bookapp before": before, "bookapp after": memory["server"]},
        spans_expected=backlog,
        spans_received=received,
    )


class Progress:
    """The speed of something that counts up to `total`, between 20 % and 95 % of it.

    Neither the start of a process nor a rebalance is part of that, nor the last page.
    """

    def __init__(self, done: Callable[[], int], total: int) -> None:
        seen: list[tuple[float, int]] = []
        deadline = time.monotonic() + 600
        while not seen or seen[-1][1] < total:
            seen.append((time.monotonic(), done()))
            if time.monotonic() > deadline:
                raise TimeoutError(f"{seen[-1][1]} of {total} after 600 s")
            time.sleep(0.1)
        inside = [point for point in seen if 0.2 * total <= point[1] <= 0.95 * total]
        first, last = (inside[0], inside[-1]) if len(inside) > 1 else (seen[0], seen[-1])
        self.per_second = (last[1] - first[1]) / (last[0] - first[0])


class Consumer:
    """A consuming program: its command, its table, and the environment that observes it."""

    def __init__(self, name: str, table: str, command: list[str], *, traced: bool) -> None:
        self.name, self.table, self.command, self.traced = name, table, command, traced

    def environment(self, sink: Sink | None) -> dict[str, str]:
        """What makes it export, or not."""
        if sink is not None:
            return sink.environment
        return {"OTEL_SDK_DISABLED": "true"} if self.name.startswith("ours") else {}


PEERS = "loadtest.bench.peers"
FASTSTREAM = ["python", "-m", "faststream", "run", f"{PEERS}.faststream_consumer:app"]
OURS = ["faust", "-A", "backend.app", "worker"]
CONSUMERS = [
    Consumer("ours, untraced", "backend.book", OURS, traced=False),
    Consumer("ours", "backend.book", OURS, traced=True),
    Consumer("FastStream, untraced", "peer_catalogue", FASTSTREAM, traced=False),
    Consumer("FastStream", "peer_catalogue", FASTSTREAM, traced=True),
    Consumer(
        "bare aiokafka (500 a batch, no telemetry)",
        "peer_catalogue",
        ["python", "-m", f"{PEERS}.aiokafka_consumer"],
        traced=False,
    ),
]


_groups = itertools.count(1)


def consume(parts: Parts, consumer: Consumer, total: int, workers: int) -> Measurement:
    """Read the whole topic into an empty table, with one or two workers in a fresh group."""
    parts.postgres.execute(
        f"DO $$ BEGIN IF to_regclass('{consumer.table}') IS NOT NULL"
        f" THEN TRUNCATE {consumer.table}; END IF; END $$",
        "bench",
    )
    # Only what the relay case wrote counts: the books of the HTTP cases are in the topic as well.
    count = (
        f"SELECT CASE WHEN to_regclass('{consumer.table}') IS NULL THEN 0 ELSE (SELECT count(*)"
        f" FROM {consumer.table}) END"
    )
    parts.postgres.execute(
        "CREATE TABLE IF NOT EXISTS peer_catalogue (book_id bigint PRIMARY KEY,"
        " title text NOT NULL, author text NOT NULL, status text NOT NULL,"
        " sequence bigint NOT NULL)",
        "bench",
    )
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(parts.sink()) if consumer.traced else None
        with contextlib.ExitStack() as services:
            pids = {"PostgreSQL": parts.postgres.process.pid, "Kafka": parts.kafka_pid}
            group = f"bench-{next(_groups)}"
            for number in range(workers):
                environment = {
                    **consumer.environment(sink),
                    "KAFKA_GROUP_ID": group,
                    "BACKEND_PORT": str(free_port()),
                }
                process = services.enter_context(
                    parts.program(f"{consumer.name} {number}", consumer.command, environment)
                )
                pids[f"worker {number + 1}"] = process.pid
            usage = Usage(pids)
            progress = Progress(lambda: int(parts.postgres.execute(count, "bench")), total)
            cpu, memory = usage.per(total), usage.memory()
        received = sink.spans("process") if sink else None
    return Measurement(
        case=f"consumer with its effect, {workers} worker(s)",
        variant=consumer.name,
        unit="records",
        per_second=progress.per_second,
        cpu_us=cpu,
        memory_mb=memory,
        spans_expected=total if sink else None,
        spans_received=received,
    )


def run(parts: Parts, *, rounds: int, quick: bool) -> Iterator[Measurement]:
    """The relay first, because its records are what the consumers read."""
    records = Records()
    size = 20_000 if quick else 100_000
    yield relay(parts, records, size // 5, waiting=False)
    yield relay(parts, records, size, waiting=True)
    for workers in (1, 2):
        for _ in range(rounds):
            for consumer in CONSUMERS:
                yield consume(parts, consumer, records.count, workers)
