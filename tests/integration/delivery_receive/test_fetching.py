"""How soon a record that is there is handled."""

import time
from typing import Any

from faust.types import Message

from embedded.waiting import poll_until


async def test_empty_partitions_do_not_keep_the_records_of_a_busy_one_waiting(lab: Any) -> None:
    """aiokafka asks a broker one question at a time, and Faust lets the broker think for 1.5 s."""
    seen: list[Any] = []

    async def handler(record: Any, message: Message) -> None:
        seen.append(record)

    app, _ = lab.app(lab.each(handler))
    await app.start()
    lab.send(0)
    await poll_until(lambda: seen == [0])
    began = time.monotonic()
    for number in range(1, 7):  # each when the one before is done, and the others are asked for
        lab.send(number)
        await poll_until(lambda number=number: number in seen)
    assert time.monotonic() - began < 4
