"""Topics and agents know the type of their records: what mypy says of a service's code."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = """
from collections.abc import AsyncIterator

import msgspec

from delivery.application import create_app
from delivery.kafka.settings import KafkaSettings
from delivery.receiving import Stream
from delivery.topics import json_topic


class Order(msgspec.Struct):
    number: int


class Invoice(msgspec.Struct):
    number: int


app = create_app("types", KafkaSettings(kafka_broker_url="127.0.0.1:1"))
described = app.topic(json_topic("orders", Order))
named = app.topic("orders", value_type=Order)
untyped = app.topic("orders")


@app.agent(described)
async def one(records: Stream[Order]) -> None:
    async for record in records:
        print(record.number)


@app.agent(named)
async def two(records: Stream[Order]) -> AsyncIterator[int]:
    async for batch in records.take(10, within=0):
        yield batch[0].number


@app.agent(untyped)
async def three(records: Stream[Invoice]) -> None:
    async for event in records.events():
        print(event.value.number)


@app.agent(described)
async def four(records: Stream[Invoice]) -> None:  # wrong
    async for record in records:
        print(record.number)


@app.agent(named)
async def five(records: Stream[Invoice]) -> None:  # wrong
    async for record in records:
        print(record.number)


@app.agent(described)
async def six(records: Stream[Order]) -> None:
    async for batch in records.take_events(10, within=0):
        print(batch[0].value.name)  # wrong
"""


@pytest.mark.timeout(300)  # mypy may have to read everything first
def test_an_agent_whose_record_type_is_not_its_topics_is_refused_by_mypy(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", str(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = PROGRAM.splitlines()
    said = [line.split(":", 2) for line in done.stdout.splitlines() if ": error:" in line]
    wrong = [number for number, line in enumerate(lines, 1) if "# wrong" in line]
    # mypy shows an agent's error at its decorator, in the line before.
    shown = [n if lines[n - 1].startswith(" ") else n - 1 for n in wrong]
    assert [int(number) for _, number, _ in said] == shown, done.stdout + done.stderr
