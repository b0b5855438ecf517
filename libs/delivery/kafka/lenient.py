"""Lets aiokafka read records whose header names are not UTF-8.

Kafka stores any bytes as a header's name, and some clients send any. aiokafka reads names strictly:
one such record, and the partition can never be read past it. Here its name is read with the wrong
bytes written as ``\\xff``, which is also how it goes on into a dead letter; all else stays exact.
"""

from collections.abc import Iterator
from typing import Any, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy


def read_leniently() -> None:
    """For every consumer of this process from now on; more than once does no harm."""
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
