"""Dead letters as an operator deals with them, on an Apache Kafka and beside a running worker."""

import os
import pty
import select
import time
from typing import Any

import pytest

from contracts.topics import BOOK_INGESTION, BOOK_INGESTION_DLQ

pytestmark = pytest.mark.timeout(300)  # each command is a process that imports everything
TOPIC = BOOK_INGESTION.name
DLQ = BOOK_INGESTION_DLQ.name


async def test_dead_letters_are_listed_shown_redriven_once_and_discarded(
    system: Any, headers_for: Any
) -> None:
    trace = "4af7651916cd43dd8448eb211c80319c"
    value = b'{"type":"nonsense \x00"}'
    place = system.send(b"401", value, headers_for(trace))
    other = system.send(b"402", None)
    row = await system.letter(place)
    await system.letter(other)
    letter_id, other_id = row["id"], f"{TOPIC}/{other[0]}/{other[1]}"

    listed = system.run("dead-letters", "list")
    assert listed.returncode == 0, listed.stderr
    (line,) = [each for each in listed.stdout.splitlines() if each.startswith(letter_id + " ")]
    assert line.split()[1] == "new"
    assert trace in line
    assert "DecodeError" in line
    shown = system.run("dead-letters", "show", letter_id)
    assert "nonsense" in shown.stdout
    assert "contracts.codec.DecodeError" in shown.stdout

    refused = system.run("dead-letters", "redrive", letter_id)
    assert refused.returncode == 2
    for _ in range(2):
        answer = system.run("dead-letters", "redrive", letter_id, "--yes")
        assert answer.returncode == 0, answer.stderr
    assert "redriven before" in answer.stdout
    sent = [m for m in system.read(TOPIC) if m.key() == b"401"]
    assert [m.value() for m in sent] == [value, value]
    new = sent[1]
    headers = dict(new.headers())
    assert headers["redriven-from"] == letter_id.encode()
    assert headers["x"] == b"\xff"
    assert trace not in headers["traceparent"].decode()
    (span,) = [
        span
        for span in system.receiver.spans(name=f"send {TOPIC}", service="backend")
        if any(link.trace_id == trace for link in span.links)
    ]
    assert span.attributes["delivery.replayed"] is True
    (command, *_) = [
        each.span_id
        for each in system.receiver.spans(name="dead-letters redrive")
        if each.span_id == span.links[-1].span_id
    ]
    assert command
    # It fails again, of course.
    again = await system.letter((new.partition(), new.offset()))
    assert again["redriven_from"] == letter_id
    assert (await system.letter(place))["state"] == "redriven"
    assert again["id"] in system.run("dead-letters", "show", letter_id).stdout

    answer = system.run("dead-letters", "discard", other_id, again["id"], "--yes")
    assert answer.returncode == 0, answer.stderr
    assert (await system.letter(other))["state"] == "discarded"
    count = len(system.read(TOPIC))
    assert system.run("dead-letters", "redrive", other_id, "--yes").returncode == 1
    assert system.run("dead-letters", "restore", other_id).returncode == 0
    assert (await system.letter(other))["state"] == "new"
    assert system.run("dead-letters", "discard", other_id, "--yes").returncode == 0
    assert system.run("dead-letters", "redrive", f"{TOPIC}/0/999999", "--yes").returncode == 1
    assert system.run("dead-letters", "redrive", "--yes").returncode == 2
    assert len(system.read(TOPIC)) == count
    left = system.run("dead-letters", "list", "--state", "new").stdout
    assert letter_id + " " not in left
    assert other_id not in left


async def test_redrive_by_error_takes_what_is_new_and_keeps_each_keys_order(system: Any) -> None:
    places = [system.send(b"411", b"nonsense %d" % n) for n in range(5)]
    for place in places:
        await system.letter(place)
    assert system.run("dead-letters", "redrive", "--error", "NoSuchError", "--yes").returncode == 0
    answer = system.run("dead-letters", "redrive", "--error", "DecodeError", "--yes")
    assert answer.returncode == 0, answer.stderr
    sent = [m.value() for m in system.read(TOPIC) if m.key() == b"411"]
    assert sent == [b"nonsense %d" % n for n in range(5)] * 2
    assert system.run("dead-letters", "discard", "--all", "--yes").returncode == 0


async def test_anything_on_the_dead_letter_topic_is_listed_and_holds_up_nothing(
    system: Any, record: Any
) -> None:
    garbage: list[list[tuple[str, Any]]] = [
        [],
        [("dead-letter-topic", b"book_ingestion")],
        [("dead-letter-topic", None), ("dead-letter-offset", b"\xff\x00")],
        [
            ("dead-letter-topic", b"a/b\x00"),
            ("dead-letter-partition", b"99999999999"),
            ("dead-letter-offset", b"-7"),
            ("dead-letter-timestamp", b"99999999999999999999999"),
            ("dead-letter-group", b"\x00"),
            ("dead-letter-error-type", b"x\x00"),
            ("dead-letter-error-message", b"\xff"),
            ("dead-letter-attempts", b"1"),
            ("dead-letter-failed-at", b"0001-01-01T00:00:00+14:00"),
        ],
    ]
    for headers in garbage:
        system.producer.produce(DLQ, None, None, headers=headers)
        system.producer.produce(DLQ, b"\x00\xff", b"\x00", headers=headers)
    assert system.producer.flush(30) == 0
    place = system.send(b"421", b"nonsense")
    await system.letter(place)
    await system.settled()
    listed = await system.fetch(
        "SELECT * FROM backend.dead_letter WHERE error_type = 'delivery.NoDeadLetter'"
    )
    assert len(listed) == 2 * len(garbage)
    system.publish(record(422))
    await system.has(422)
    answer = system.run("dead-letters", "redrive", listed[0]["id"], "--yes")
    assert answer.returncode == 1
    assert system.run("dead-letters", "list").returncode == 0


async def test_a_question_is_asked_and_a_no_changes_nothing(system: Any) -> None:
    place = system.send(b"431", b"nonsense")
    row = await system.letter(place)
    said = answer_on_a_terminal(system, "n", "dead-letters", "discard", row["id"])
    assert "Discard 1 dead letter? `restore` brings them back. [y/N]" in said
    assert said.rstrip().endswith("Error: nothing was changed")
    assert "Usage" not in said
    assert (await system.letter(place))["state"] == "new"
    assert "discarded" in answer_on_a_terminal(system, "y", "dead-letters", "discard", row["id"])
    assert (await system.letter(place))["state"] == "discarded"


def answer_on_a_terminal(system: Any, reply: str, *arguments: str) -> str:
    """Run a command on a terminal, answer its question, and return what it said."""
    ours, theirs = pty.openpty()
    process = system.begin(*arguments, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said, deadline, replied = "", time.monotonic() + 60, False
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                said += os.read(ours, 4096).decode()
            except OSError:
                break
            if "[y/N]" in said and not replied:
                replied = True
                os.write(ours, reply.encode() + b"\n")
    finally:
        os.close(ours)
        process.wait(30)
    return said


@pytest.mark.parametrize("command", ["show", "redrive", "discard", "restore"])
async def test_a_dead_letter_that_there_is_not_is_a_failure_that_is_named(
    system: Any, command: str
) -> None:
    yes = ["--yes"] if command in {"redrive", "discard"} else []
    done = system.run("dead-letters", command, f"{TOPIC}/0/999999", *yes)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{TOPIC}/0/999999: there is no such dead letter")
