"""Records with header names that are no text are read, and so is everything around them."""

from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from delivery.kafka.clients.exact import read_leniently

GZIP, NONE = 1, 0


class NoText(str):
    """A header's name as another client may send it."""

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfename"


def batch(offset: int, *headers: list[tuple[str, bytes | None]], compression: int = NONE) -> bytes:
    """A batch with a record for each list of headers, from this offset on."""
    builder = _DefaultRecordBatchBuilderPy(
        magic=2,
        compression_type=compression,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=100_000,
    )
    for number, some in enumerate(headers):
        builder.append(number, 1_000, b"k\xff", b"v%d" % number, some)
    made = bytearray(builder.build())
    made[0:8] = offset.to_bytes(8)  # not part of the checksum
    return bytes(made)


@pytest.fixture(autouse=True)
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", MemoryRecords)
    read_leniently()


def read(data: bytes) -> list[tuple[Any, ...]]:
    """As aiokafka's fetcher reads."""
    records = fetcher.MemoryRecords(data)
    found = []
    while records.has_next():
        some = records.next_batch()
        assert some.validate_crc()
        assert not some.is_control_batch
        found += [(one.offset, one.key, one.value, list(one.headers)) for one in some]
        assert some.next_offset == found[-1][0] + 1
    return found


@pytest.mark.parametrize("compression", [NONE, GZIP])
def test_a_name_that_is_no_text_is_read_with_its_bytes_escaped(compression: int) -> None:
    headers: list[tuple[str, bytes | None]] = [("é", b"\xff"), (NoText(), None), ("é", None)]
    found = read(batch(7, [], headers, [("a", b"b")], compression=compression))
    assert found == [
        (7, b"k\xff", b"v0", []),
        (8, b"k\xff", b"v1", [("é", b"\xff"), (r"\xff\xfename", None), ("é", None)]),
        (9, b"k\xff", b"v2", [("a", b"b")]),
    ]


def test_the_batches_around_it_are_read_as_before() -> None:
    data = batch(0, [], [("a", b"b")]) + batch(2, [(NoText(), b"1")]) + batch(3, [], [])
    assert [(offset, value) for offset, _, value, _ in read(data)] == [
        *((0, b"v0"), (1, b"v1")),
        (2, b"v0"),
        *((3, b"v0"), (4, b"v1")),
    ]


def test_aiokafka_alone_reads_no_further() -> None:
    """When this fails, aiokafka has learnt it, and ``read_leniently`` can go."""
    fetcher.MemoryRecords = MemoryRecords
    with pytest.raises(UnicodeDecodeError):
        read(batch(0, [(NoText(), b"1")]))
