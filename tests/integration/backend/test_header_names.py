"""A record whose header's name is no text: Kafka takes it, and so does the worker."""

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.producer import message_accumulator, producer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy


class NoText(str):
    """A header's name as another client may send it."""

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfename"


async def test_the_worker_reads_past_it_and_loses_nothing(
    backend: Any, topic: Any, record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (message_accumulator, producer):  # aiokafka's fast one takes a plain str alone
        monkeypatch.setattr(module, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    backend.start()
    odd = [(NoText(), b"1"), ("traceparent", None)]
    await topic.publish(record(1), headers=odd)
    await topic.publish_bytes(b"1", b"no record", odd)
    await topic.publish(record(2))
    await backend.has(1)
    await backend.has(2)
    assert await topic.dead_letters(1) == [(b"1", b"no record")]
    assert backend.process.running
