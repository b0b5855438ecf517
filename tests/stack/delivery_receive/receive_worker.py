"""A worker for the fault tests: `faust -A receive_worker worker`.

Its effect is a line in a file of its own, written at once. It serves its status over HTTP from the
worker's own event loop, and misbehaves while a file says so.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from mode import Service

from delivery.application import create_app
from delivery.kafka.settings import KafkaSettings
from delivery.receiving import RetryPolicy, Stream
from delivery.topics import BytesSchema, JsonSchema, TopicDescription
from telemetry import read_settings

EFFECTS = os.open(os.environ["EFFECTS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
MISBEHAVE = Path(os.environ["MISBEHAVE"])  # its text is the way to


TOPIC = TopicDescription[Any](
    name=os.environ["TOPIC"],
    config={"cleanup.policy": "compact", "min.compaction.lag.ms": "3600000"},
    schema=JsonSchema(Any),
    dead_letter=TopicDescription(
        name=f"{os.environ['TOPIC']}.dlq", partitions=2, schema=BytesSchema()
    ),
)


def misbehave() -> None:
    how = MISBEHAVE.read_text() if MISBEHAVE.exists() else ""
    if how == "away":
        raise ConnectionRefusedError("the database is away")
    if how == "broken":
        raise ZeroDivisionError("a bad deployment")


app = create_app(
    "receive-worker",
    read_settings(KafkaSettings, os.environ),
    broker_session_timeout=float(os.environ.get("SESSION", "8")),
)


@app.agent(app.topic(TOPIC), policy=RetryPolicy(first_pause=0.05, longest_pause=0.5))
async def write(records: Stream[Any]) -> None:
    """Write where each record came from, and the record."""
    async for batch in records.take_events(128, within=0):
        misbehave()
        await asyncio.sleep(float(os.environ.get("SLOW", "0")))
        places = ((event.message, event.value) for event in batch)
        lines = (f"{at.partition} {at.offset} {record}\n" for at, record in places)
        os.write(EFFECTS, "".join(lines).encode())


class Http(Service):
    """Answers every request with the status of the agent."""

    async def on_start(self) -> None:
        self.server = await asyncio.start_server(self._answer, "127.0.0.1", int(os.environ["PORT"]))

    async def on_stop(self) -> None:
        self.server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        if path == b"/crash":
            await app.crash(RuntimeError("crashed by the test"))
        status = write.status
        partitions = sorted(tp.partition for tp in app.consumer.actors)
        body = json.dumps(
            {"ready": status.ready, "state": status.state, "reason": status.reason}
            | {"partitions": partitions}
        ).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


app.before_kafka.append(Http())
