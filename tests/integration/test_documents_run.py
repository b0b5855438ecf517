"""The shell blocks of the pages, typed in their order, and what the pages say comes of them."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from confluent_kafka import Producer
from tests.documents import Terminal, shell_blocks
from tests.making import ROOT

from embedded.ports import free_port
from embedded.processes import Process
from embedded.services import wait_ready
from embedded.waiting import wait_until

README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"
BREAK_IT = ROOT / "docs" / "break-it.md"
LIFT_IT = ROOT / "docs" / "lift-it.md"
ANY_PORT = "ARGS='--trace-port 0 --no-browser'"
EXPERIMENTS = [
    ('rule 8000 \'{"endpoint_pattern"', r"(503 .*200 |200 .*503 )"),
    ("curl -X DELETE 127.0.0.1:8000/error-injection/1", r'\A(?!.*"status")'),
    ('rule 8001 \'{"endpoint_pattern"', r'"details":\s*null.*real\s+0m[01]\.'),
    ("curl -X DELETE 127.0.0.1:8001/error-injection/1", r'\A(?!.*"status")'),
    ('rule 8001 \'{"topic"', r"book_ingestion/\d/\d+"),
    ("curl -X DELETE 127.0.0.1:8001/error-injection/2", r"\b1\b"),
    ('rule 8001 \'{"topic"', r"consumption is stopped"),
    ("curl -X DELETE 127.0.0.1:8001/error-injection/3", r"\b(9|10)\b"),
    (".venv/bin/python -c '", r"book_ingestion/\d/\d+.*DecodeError"),
]
"""How each block of break-it.md begins, in order, and what its output must match."""


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal({port: free_port() for port in ("8000", "8001", "4318")})
    yield opened
    opened.close()


def start_parts(terminal: Terminal) -> None:
    """`make parts`, as the pages begin; the lines that it prints are pasted."""
    parts = terminal.start(f"make parts {ANY_PORT}")
    parts.wait_for_line("until Ctrl-C", 60)
    exported = re.findall(r"^export (\w+)=(\S+)$", "\n".join(parts.lines), re.MULTILINE)
    assert len(exported) == 4
    terminal.environ |= dict(exported)


def start_services(terminal: Terminal, bookapp: str, backend: str) -> list[Process]:
    """The lines that start them, each in a terminal of its own."""
    ports = terminal.ports
    urls = [f"http://127.0.0.1:{ports[port]}" for port in ("8000", "8001")]
    terminal.environ |= {"BACKEND_PORT": str(ports["8001"]), "BACKEND_URL": urls[1]}
    started = [terminal.start(bookapp), terminal.start(backend)]
    ready = {f"{url}/health/ready": one for url, one in zip(urls, started, strict=True)}
    wait_ready(ready, timeout=60)
    return started


def in_the_database(terminal: Terminal, statement: str) -> list[str]:
    """The first column of what it answers."""

    async def ask() -> list[str]:
        connection = await asyncpg.connect(terminal.environ["DATABASE_URL"])
        try:
            return [str(row[0]) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(ask())


@pytest.mark.timeout(300)
def test_break_it(terminal: Terminal) -> None:
    services, definitions, *experiments = shell_blocks(BREAK_IT)
    assert services.startswith("make parts ")
    start_parts(terminal)
    bookapp, backend = (one for one in services.splitlines() if one.startswith(".venv"))
    start_services(terminal, bookapp, backend)
    terminal.define(definitions)
    assert len(experiments) == len(EXPERIMENTS)
    for block, (start, expected) in zip(experiments, EXPERIMENTS, strict=True):
        assert block.startswith(start)
        terminal.run(block, expected)


@pytest.mark.timeout(200)
def test_lift_it(terminal: Terminal) -> None:
    parts, worker, shop, install = shell_blocks(LIFT_IT)
    assert parts == "make parts"
    start_parts(terminal)
    running = terminal.start(worker)
    running.wait_for_line("partitions: ", 60)
    assert "order 1" in terminal.run(shop, "order 2")
    running.wait_for_line(r"packed order 1: 3 x tea", 30)
    running.wait_for_line(r"dead letter", 30)
    pinned = (ROOT / "constraints.txt").read_text()
    for package in install.replace("\\\n", " ").split()[4:]:
        assert f"\n{package}==" in pinned


@pytest.mark.timeout(900)
def test_the_readme_and_the_page_on_operations(terminal: Terminal) -> None:
    """On services that were started by hand, as the README has it."""
    follow, by_hand = shell_blocks(README)
    export, bookapp, backend = by_hand.splitlines()
    start_parts(terminal)
    terminal.here = {
        "postgresql://user:password@host:5432/books": terminal.environ["DATABASE_URL"],
        "host:9092": terminal.environ["KAFKA_BROKER_URL"],
    }
    terminal.define(export)
    start_services(terminal, bookapp, backend)

    said = terminal.run(follow, r"201 Created")
    (trace_id,) = re.findall(r"^traceparent: 00-([0-9a-f]{32})-", said, re.M)
    terminal.run(
        f".venv/bin/python -m embedded.trace {trace_id}", "process book_ingestion  backend"
    )
    operate(terminal, trace_id)


def operate(terminal: Terminal, trace_id: str) -> None:
    """Each block of operations.md, on the system that the README started."""
    letters, looking, handling, changing, parked, migrate, ignored, lift = shell_blocks(OPERATIONS)

    def type_lines(block: str, *expected: str) -> None:
        for line, one in zip(block.splitlines(), expected, strict=True):
            terminal.run(line, one)
            assert terminal.status == 0, line

    handle_letters(terminal, letters)

    address = f"127.0.0.1:{terminal.ports['8000']}/books/1"
    terminal.run(f"curl -s -w '%{{http_code}}' -X DELETE {address}", "204")
    terminal.here["0af7651916cd43dd8448eb211c80319c"] = trace_id
    type_lines(
        looking,
        r"PARTITION .*added.*\d+ records of book_ingestion\. Nothing was touched\.",
        r'"type":"added".*"id":7,.*\d+ records? of book_ingestion, 0 undecodable\.',
        rf"added +{trace_id} .*1 record of book_ingestion\. Nothing was touched\.",
        r" removed .*1 record of book_ingestion",
    )
    found = json.loads(terminal.run(looking.splitlines()[1], '"id":7').splitlines()[0])
    terminal.here["--partition 2 --offset 1187"] = (
        f"--partition {found['partition']} --offset {found['offset']}"
    )
    type_lines(handling, r"1 record handled and rolled back, 0 failed")
    type_lines(
        changing,
        r"Apply \d+ records? .*applied, 0 failed",
        r"Publish \d+ records .*\d+ records published to book_ingestion, 0 failed",
        r"rebuilt.*The read model is the rebuilt one",
    )

    handle_parked_rows(terminal, parked)

    type_lines(migrate, "")
    type_lines(ignored, r"BOOK .*\n0 changes")
    type_lines(lift, r"0 books are published once more, and 0 as removed")


def handle_letters(terminal: Terminal, block: str) -> None:
    """Records that nobody can decode are dead letters; sent back, they are dead letters again."""
    producer = Producer({"bootstrap.servers": terminal.environ["KAFKA_BROKER_URL"]})
    for _ in range(3):
        producer.produce("book_ingestion", b"not a record", b"1")
    producer.flush()

    def ids(state: str) -> list[str]:
        query = f"SELECT id FROM backend.dead_letter WHERE state = '{state}' ORDER BY 1"
        return in_the_database(terminal, query)

    def one(state: str) -> str:
        wait_until(lambda: ids(state), 60, what=f"a dead letter that is {state}")
        return ids(state)[0]

    wait_until(lambda: len(ids("new")) == 3, 60, what="the dead letters")
    expected: list[tuple[str, str]] = [
        ("new", r"{id} +new .*DecodeError.*3 dead letters"),
        ("new", r"id: +{id}\n.*error: .*DecodeError\n.*attempts: .*value: .*not a record"),
        ("new", r"{id}: redriven to book_ingestion/\d/\d+\n1 dead letter redriven, 0 failed"),
        ("new", r"[1-9]\d* dead letters? redriven, 0 failed"),
        ("new", r"[1-9]\d* dead letters? redriven, 0 failed"),
        ("new", r"1 dead letter discarded, 0 failed"),
        ("discarded", r"1 dead letter restored, 0 failed"),
    ]
    for line, (state, said) in zip(block.splitlines(), expected, strict=True):
        terminal.here["book_ingestion/2/1187"] = letter = one(state)
        terminal.run(line, said.replace("{id}", letter))
        assert terminal.status == 0, line


def handle_parked_rows(terminal: Terminal, block: str) -> None:
    """Rows as the relay leaves them that Kafka refused."""

    def park(row_id: int) -> None:
        in_the_database(
            terminal,
            "INSERT INTO outbox (id, topic, key, value, created_at, parked_at, error) VALUES"
            f" ({row_id}, 'book_ingestion', '7', 'not a record', now(), now(),"
            " 'MessageSizeTooLargeError: too large')",
        )

    def sent(row_id: int) -> Any:
        return not in_the_database(terminal, f"SELECT id FROM outbox WHERE id = {row_id}")

    park(4711)
    park(4712)
    list_, show, retry, retry_some, discard = block.splitlines()
    terminal.run(list_, r"4711 .*MessageSizeTooLargeError.*4712 ")
    terminal.run(show, r"id: +4711\n.*error: +MessageSizeTooLargeError: .*topic: +book_ingestion\n")
    terminal.run(retry, r"4711: .*1 parked row will be tried again, 0 failed")
    wait_until(lambda: sent(4711), 60, what="the relay sends the row")
    terminal.run(retry_some, r"4712: .*1 parked row will be tried again, 0 failed")
    wait_until(lambda: sent(4712), 60, what="the relay sends the other row")
    park(4711)
    terminal.run(discard, r"4711: .*1 parked row discarded, 0 failed")
    assert sent(4711)
