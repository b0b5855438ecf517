"""Replay as a real process, on an Apache Kafka and beside a running worker."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from contracts.records import BookRemoved, BookUpdated
from contracts.topics import BOOK_INGESTION
from embedded.ports import free_port

pytestmark = pytest.mark.timeout(300)  # each command is a process that imports everything
TOPIC = BOOK_INGESTION.name


def rows_of(answer: Any) -> list[tuple[int, int]]:
    """Partition and offset of each line of a table."""
    assert answer.returncode == 0, answer.stderr
    head, *lines = answer.stdout.splitlines()
    assert head.split()[:3] == ["PARTITION", "OFFSET", "TIME"]
    return [(int(line.split()[0]), int(line.split()[1])) for line in lines]


async def test_each_selector_selects_and_a_look_touches_nothing(
    system: Any, record: Any, headers_for: Any
) -> None:
    trace = "1af7651916cd43dd8448eb211c80319c"
    start = dt.datetime.now(dt.UTC)
    here = ("--from", start.isoformat(timespec="milliseconds"))  # as fine as Kafka's own times
    old = system.publish(record(101), record(101, 2, BookUpdated), headers=headers_for(trace))
    removed = system.publish(record(101, 3, BookRemoved), record(102))
    await system.has(101, 3)
    await system.has(102)
    before = await system.settled()
    books = await system.fetch("SELECT * FROM backend.book ORDER BY book_id")

    partition, offset = old[0]
    everything = sorted([*old, *removed])
    for arguments, expected in {
        here: everything,
        ("--from", "2020-01-01", "--until", "2020-01-02"): [],
        (*here, "--limit", "2"): everything[:2],
        ("--since", "1h", "--key", "101"): [*old, removed[0]],
        ("--key", "101", "--key", "102"): everything,
        ("--trace", trace): old,
        ("--trace", f"00-{trace}-b7ad6b7169203331-01"): old,
        (*here, "--type", "removed"): [removed[0]],
        (*here, "--type", "updated", "--type", "removed"): [old[1], removed[0]],
        ("--partition", str(partition), "--offset", str(offset)): [old[0]],
        ("--partition", str(partition), "--offset", f"{offset}-{offset + 1}"): old,
        ("--partition", str(partition), "--offset", f"{offset + 1}-", "--key", "101"): [
            old[1],
            removed[0],
        ],
    }.items():
        answer = system.run("replay", *arguments, "--dry-run")
        assert sorted(rows_of(answer)) == sorted(expected), arguments
    (line,) = [each for each in system.run("replay", *here).stdout.splitlines() if " 102 " in each]
    cells = line.split()
    assert cells[3:5] == ["102", "added"]
    assert int(cells[6]) > 100

    printed = system.run("replay", "--key", "101", "--print")
    shown = [json.loads(each) for each in printed.stdout.splitlines()]
    assert [each["record"]["sequence"] for each in shown] == [1, 2, 3]
    assert shown[0]["headers"][1] == ["x", "\\xff"]

    assert system.offsets() == before
    assert await system.fetch("SELECT * FROM backend.book ORDER BY book_id") == books


async def test_handling_runs_the_handler_here_and_rolls_back_unless_told_to_apply(
    system: Any, record: Any, headers_for: Any
) -> None:
    trace = "2af7651916cd43dd8448eb211c80319c"
    (first,) = system.publish(record(201, title="Old"), headers=headers_for(trace))
    system.publish(record(201, 2, BookUpdated, title="New"))
    await system.has(201, 2)
    before, offsets = await system.book(201), await system.settled()
    place = ("--partition", str(first[0]), "--offset", str(first[1]))

    answer = system.run("replay", *place, "--handle")
    assert answer.returncode == 0, answer.stderr
    assert f"{TOPIC}/{first[0]}/{first[1]} added: handled, rolled back" in answer.stdout
    assert await system.book(201) == before

    refused = system.run("replay", *place, "--handle", "--apply")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert await system.book(201) == before

    applied = system.run("replay", *place, "--handle", "--apply", "--yes")
    assert applied.returncode == 0, applied.stderr
    assert "1 book will go back to an older state" in applied.stderr
    book = await system.book(201)
    assert book is not None
    assert (book["title"], book["sequence"]) == ("Old", 1)

    again = system.run("replay", "--key", "201", "--handle", "--apply", "--yes")
    assert again.returncode == 0, again.stderr
    book = await system.book(201)
    assert book is not None
    assert (book["title"], book["sequence"]) == ("New", 2)
    assert system.offsets() == offsets

    (command,) = [
        span
        for span in system.receiver.spans(name=f"replay {TOPIC}")
        if any(
            link.span_id == span.span_id
            for other in system.receiver.spans(name=f"process {TOPIC}")
            for link in other.links
        )
    ][:1]
    process = [
        span
        for span in system.receiver.spans(name=f"process {TOPIC}")
        if span.attributes.get("delivery.replayed") and span.links[0].trace_id == trace
    ]
    assert len(process) == 3
    assert {span.links[0].span_id for span in process} == {"b7ad6b7169203331"}
    assert command.span_id in {link.span_id for span in process for link in span.links[1:]}
    assert not [span for span in process if span.parent_id]
    statements = [
        span
        for span in system.receiver.spans(trace_id=process[0].trace_id)
        if span.parent_id == process[0].span_id
    ]
    assert [span.attributes["db.operation.name"] for span in statements if span.name != "COMMIT"]


async def test_a_breakpoint_in_the_handler_stops_in_the_foreground(
    system: Any, record: Any
) -> None:
    (place,) = system.publish(record(211))
    await system.has(211)
    program = (
        "import sys, backend.ingestion.handler as h\n"
        "handle = h.Ingestion.handle\n"
        "async def stopping(self, record, metadata):\n"
        "    breakpoint()\n"
        "    await handle(self, record, metadata)\n"
        "h.Ingestion.handle = stopping\n"
        "from faust.__main__ import cli\n"
        "sys.argv[0] = 'faust'\n"
        "cli()\n"
    )
    answer = system.run(
        *("replay", "--partition", str(place[0]), "--offset", str(place[1]), "--handle"),
        program=("-c", program),
        typed="p record.book.id + 1000\ncontinue\n",
    )
    assert "1211" in answer.stdout, answer.stderr
    assert answer.returncode == 0
    assert "handled, rolled back" in answer.stdout


async def test_a_record_that_fails_makes_the_exit_status_1(system: Any) -> None:
    (place,) = [system.send(b"221", b"nonsense")]
    await system.letter(place)
    answer = system.run("replay", "--key", "221", "--handle")
    assert answer.returncode == 1
    assert "221" in system.run("replay", "--type", "undecodable").stdout
    assert system.run("replay", "--key", "221", "--print").returncode == 1


async def test_publishing_sends_exact_bytes_with_a_linked_trace_of_their_own(
    system: Any, record: Any, headers_for: Any
) -> None:
    target = f"copy-{uuid.uuid4()}"
    admin = AdminClient({"bootstrap.servers": system.kafka.url})
    admin.create_topics([NewTopic(target, 2, 1)])[target].result(30)
    trace = "3af7651916cd43dd8448eb211c80319c"
    system.publish(record(301), record(301, 2), headers=headers_for(trace))
    system.send(b"301", b"\x00\xff", [("a", b"1"), ("a", None)])
    await system.has(301, 2)
    offsets = await system.settled()

    refused = system.run("replay", "--key", "301", "--publish", target)
    assert refused.returncode == 2
    assert system.read(target) == []
    missing = system.run("replay", "--publish", "no-such-topic", "--yes")
    assert missing.returncode == 1
    assert "no-such-topic" in missing.stderr
    assert len(missing.stderr.splitlines()) == 1

    answer = system.run("replay", "--key", "301", "--publish", target, "--yes")
    assert answer.returncode == 0, answer.stderr
    assert "3 records published" in answer.stderr
    sent = system.read(target)
    origin = [message for message in system.read(TOPIC) if message.key() == b"301"]
    assert [(m.key(), m.value()) for m in sent] == [(m.key(), m.value()) for m in origin]
    for new, old in zip(sent, origin, strict=True):
        kept = [pair for pair in new.headers() if pair[0] != "traceparent"]
        assert kept == [pair for pair in old.headers() if pair[0] != "traceparent"]
        (parent,) = [value for name, value in new.headers() if name == "traceparent"]
        assert trace not in parent.decode()
    spans = system.receiver.spans(name=f"send {target}")
    assert len(spans) == 3
    assert all(span.attributes["delivery.replayed"] for span in spans)
    assert sorted(len(span.links) for span in spans) == [1, 2, 2]
    (command,) = {span.links[-1].span_id for span in spans}
    assert command in {span.span_id for span in system.receiver.spans(name=f"replay {TOPIC}")}
    assert system.offsets() == offsets
    points = system.receiver.metrics(name="consumer.replayed")
    assert [p for p in points if p.attributes["messaging.destination.name"] == target]


async def test_without_kafka_or_the_partition_there_is_one_clear_line(system: Any) -> None:
    away = system.run("replay", env={"KAFKA_BROKER_URL": f"127.0.0.1:{free_port()}"})
    assert away.returncode == 1
    assert away.stderr.startswith("Error: Kafka is away")
    assert len(away.stderr.splitlines()) == 1
    none = system.run("replay", "--partition", "9")
    assert none.returncode == 1
    assert "0 to 3" in none.stderr


@pytest.mark.parametrize("more", [[], ["--apply", "--yes"]], ids=["rolled back", "applied"])
@pytest.mark.parametrize(
    "which", [["--partition", "0", "--offset", "999999"], ["--key", "no such key"]], ids=" ".join
)
async def test_to_handle_a_record_that_is_not_there_is_a_failure(
    system: Any, which: list[str], more: list[str]
) -> None:
    done = system.run("replay", *which, "--handle", *more)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "nothing was handled" in done.stderr.splitlines()[-1]


def test_help_lists_the_commands(system: Any) -> None:
    overview = system.run("--help").stdout
    assert "replay " in overview
    assert "dead-letters " in overview
