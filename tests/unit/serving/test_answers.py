"""A head and what follows it leave together; nothing that was written stays behind."""

from typing import Any

import pytest

from serving.way import Way


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed_after: int | None = None

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed_after is not None

    def close(self) -> None:
        self.closed_after = len(self.written)


@pytest.fixture
def transport() -> Any:
    return Transport()


@pytest.fixture
def way(transport):
    return Way(transport, transport.close)


def test_a_head_leaves_with_the_first_part_of_its_body(way, transport):
    way.hold_next()
    way.write(b"head;")
    assert transport.written == []
    way.write(b"body")
    way.write(b"more")
    assert transport.written == [b"head;body", b"more"]


def test_a_large_body_is_not_copied(way, transport):
    body = b"x" * 1_000_000
    way.hold_next()
    way.write(b"head;")
    way.write(body)
    assert transport.written == [b"head;", body]
    assert transport.written[1] is body


def test_what_comes_before_a_head_is_not_held(way, transport):
    way.write(b"100 Continue;")
    way.hold_next()
    way.write(b"head;")
    way.flush()
    way.flush()
    assert transport.written == [b"100 Continue;", b"head;"]


def test_an_end_without_a_body_leaves_nothing_behind(way, transport):
    way.hold_next()
    way.write(b"head;")
    way.close()
    assert transport.written == [b"head;"]
    assert transport.closed_after == 1
