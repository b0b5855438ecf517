"""Lets aiokafka send and read any record that Kafka can hold.

It asserts that a record to be sent has a key or a value; Kafka needs neither, and what somebody
else's client sent must be sent on as it is. And it reads headers' names strictly as UTF-8, where
Kafka stores any bytes, and some clients send any: one such record, and the partition can never be
read past it.
"""

from collections.abc import Awaitable, Iterator, Sequence
from typing import Any, SupportsIndex, cast

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy


async def send_exact(
    producer: AIOKafkaProducer,
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
) -> Awaitable[Any]:
    """As the producer's ``send``, also with neither key nor value: a future that is done when the
    broker has the record."""
    if key is not None or value is not None:
        return cast(Awaitable[Any], await producer.send(topic, value, key, headers=headers))
    await producer.client._wait_on_metadata(topic)
    partition = producer._partition(topic, None, None, None, None, None)
    return cast(
        Awaitable[Any],
        await producer._message_accumulator.add_message(
            TopicPartition(topic, partition),
            None,
            None,
            producer._request_timeout_ms / 1000,
            headers=headers,
        ),
    )


def read_leniently() -> None:
    """Have every consumer of this process read a header's name that is not UTF-8, with the wrong
    bytes written as ``\\xff``, which is also how it goes on into a dead letter; all else stays
    exact. More than once does no harm."""
    fetcher.MemoryRecords = _Records


class _Records:
    """What was fetched of one partition, in place of aiokafka's class of this interface."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records = MemoryRecords(data)
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        self._count += 1
        return None if batch is None else _Batch(batch, self._data, self._count)


class _Batch:
    """One batch of it: read by aiokafka, and once more in our way if that fails."""

    def __init__(self, batch: Any, data: bytes, number: int) -> None:
        self._batch = batch
        self._data = data
        self._number = number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            return self._again()

    def _again(self) -> Iterator[Any]:
        records: Any = _MemoryRecordsPy(self._data)
        for _ in range(self._number - 1):
            records.next_batch()
        batch: Any = _DefaultRecordBatchPy(bytes(records._next_slice))
        batch._maybe_uncompress()
        batch._buffer = _Buffer(batch._buffer)
        return iter(batch)


class _Buffer(bytearray):
    """Bytes that can always be text, and so can every part of them."""

    def __getitem__(self, at: SupportsIndex | slice) -> Any:
        found = super().__getitem__(at)
        return _Buffer(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")
