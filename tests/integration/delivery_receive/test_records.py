"""What happens to a record: handled, tried again, or dead-lettered; and never passed over."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from faust.types import Message

from delivery.receiving import PermanentError, RetryPolicy
from embedded.waiting import poll_until


def committed(lab: Any, offset: int, partition: int = 0) -> Callable[[], Awaitable[bool]]:
    """Whether the partition is committed up to exactly this offset."""

    async def check() -> bool:
        return bool(await lab.committed(partition) == offset)

    return check


async def test_records_of_a_partition_are_handled_in_order_with_their_messages(lab: Any) -> None:
    seen: list[tuple[Any, Message]] = []

    async def handler(record: Any, message: Message) -> None:
        seen.append((record, message))

    app, agent = lab.app(lab.each(handler))
    await app.start()
    lab.send("one", headers=[("a", b"1"), ("a", b"2"), ("nothing", None)])
    lab.send("two", key=None)
    await poll_until(lambda: len(seen) == 2)
    assert [record for record, _ in seen] == ["one", "two"]
    first, second = (message for _, message in seen)
    assert (first.topic, first.partition, first.offset, first.key) == (lab.topic.name, 0, 0, b"1")
    assert first.headers == (("a", b"1"), ("a", b"2"), ("nothing", None))
    assert second.key is None
    assert abs(second.timestamp - time.time()) < 60  # seconds since 1970, as Faust has it
    assert agent.status.state == "consuming"


async def test_an_offset_is_not_committed_while_its_record_is_in_work(lab: Any) -> None:
    """Faust commits past a record in work once later ones are acknowledged (field notes, 2)."""
    release = asyncio.Event()
    seen: list[Any] = []

    async def handler(record: Any, message: Message) -> None:
        seen.append(record)
        if record == 2:
            await release.wait()

    app, _ = lab.app(lab.each(handler))
    await app.start()
    lab.send(1)
    await poll_until(committed(lab, 1))
    lab.send(2, 3, 4, 5)
    lab.send("other", partition=1)
    await poll_until(lambda: "other" in seen)
    await poll_until(committed(lab, 1, 1))
    assert await lab.committed() == 1
    release.set()
    await poll_until(committed(lab, 5))
    assert [record for record in seen if record != "other"] == [1, 2, 3, 4, 5]


async def test_an_error_in_the_handler_does_not_lose_the_record(lab: Any) -> None:
    """In a Faust agent it does: the message is acknowledged on the way out (field notes, 1)."""
    calls: list[Any] = []

    async def handler(record: Any, message: Message) -> None:
        calls.append(record)
        if len(calls) < 3:
            raise ValueError("not today")

    app, _ = lab.app(lab.each(handler))
    await app.start()
    lab.send("one")
    await poll_until(committed(lab, 1))
    assert calls == ["one"] * 3
    assert await lab.dead_letters(1, seconds=1) == []


async def test_a_record_that_keeps_failing_becomes_a_dead_letter_and_the_next_is_handled(
    lab: Any,
) -> None:
    calls: list[Any] = []

    async def handler(record: Any, message: Message) -> None:
        calls.append(record)
        if record == "bad":
            raise ValueError("it is bad")

    app, _ = lab.app(lab.each(handler))
    await app.start()
    headers = [("traceparent", b"00-%032x-%016x-01" % (7, 7)), ("x", b"\xff"), ("none", None)]
    lab.send("bad", key=b"\x00key", headers=headers)
    lab.send("good")
    await poll_until(lambda: "good" in calls)
    assert calls == ["bad"] * 4 + ["good"]
    (letter,) = await lab.dead_letters(1)
    assert (letter.key(), letter.value()) == (b"\x00key", b'"bad"')
    assert lab.kept_headers(letter) == headers
    story = lab.story(letter)
    assert (story.topic, story.partition, story.offset) == (lab.topic.name, 0, 0)
    assert (story.error_type, story.error_message, story.attempts) == ("ValueError", "it is bad", 4)
    assert story.group == lab.topic.name
    assert story.timestamp > 0
    await poll_until(committed(lab, 2))


async def test_a_permanent_error_is_not_tried_again(lab: Any) -> None:
    calls: list[Any] = []

    async def handler(record: Any, message: Message) -> None:
        calls.append(record)
        raise PermanentError("never")

    app, _ = lab.app(lab.each(handler))
    await app.start()
    lab.send("one")
    (letter,) = await lab.dead_letters(1)
    assert calls == ["one"]
    assert lab.story(letter).attempts == 1


UNDECODABLE: list[tuple[bytes | None, bytes | None, Any]] = [
    (b"1", b"\xff\xfe not JSON", None),
    (b"1", None, None),  # a tombstone
    (b"1", b"", None),
    (None, b"{", None),
    (b"\x00\xff", b"{1", [("traceparent", None)]),
    (b"", b"{2", [("traceparent", b"\xff"), ("traceparent", b"x"), ("", b"")]),
]


async def test_what_cannot_be_decoded_is_dead_lettered_byte_for_byte_and_the_worker_goes_on(
    lab: Any,
) -> None:
    """Faust acknowledges it first and then throws it into the stream (field notes, 5)."""
    seen: list[Any] = []

    async def handler(record: Any, message: Message) -> None:
        seen.append(record)

    app, _ = lab.app(lab.each(handler))
    await app.start()
    for key, value, headers in UNDECODABLE:
        lab.send(value, key=key, headers=headers)
    lab.send("good")
    await poll_until(lambda: seen == ["good"])
    letters = {lab.story(each).offset: each for each in await lab.dead_letters(len(UNDECODABLE))}
    for offset, (key, value, headers) in enumerate(UNDECODABLE):
        letter = letters.pop(offset)
        assert (letter.key(), letter.value()) == (key, value)
        assert lab.kept_headers(letter) == (headers or [])
        assert lab.story(letter).attempts == 0
    assert not letters
    await poll_until(committed(lab, len(UNDECODABLE) + 1))


async def test_a_failure_that_passes_holds_up_its_own_partition_only_and_skips_nothing(
    lab: Any,
) -> None:
    away = True
    seen: list[Any] = []

    async def handler(record: Any, message: Message) -> None:
        if away and message.partition == 0:
            raise ConnectionRefusedError("the database is away")
        seen.append(record)

    app, agent = lab.app(lab.each(handler))
    await app.start()
    lab.send("a", "b")
    await poll_until(lambda: agent.status.state == "retrying")
    assert "the database is away" in (agent.status.reason or "")
    lab.send("c", partition=1)
    await poll_until(lambda: seen == ["c"])
    assert await lab.committed() < 1
    away = False
    await poll_until(lambda: seen == ["c", "a", "b"])
    assert await lab.dead_letters(1, seconds=1) == []
    assert agent.status.state == "consuming"


async def test_a_service_can_name_more_failures_that_pass(lab: Any) -> None:
    calls: list[Any] = []

    async def handler(record: Any, message: Message) -> None:
        calls.append(record)
        if len(calls) < 8:
            raise LookupError("not there yet")

    app, _ = lab.app(lab.each(handler), classify=lambda error: isinstance(error, LookupError))
    await app.start()
    lab.send("one")
    await poll_until(committed(lab, 1))
    assert len(calls) == 8


async def test_undecodable_records_are_dead_lettered_at_a_bounded_rate(lab: Any) -> None:
    async def handler(record: Any, message: Message) -> None:
        raise AssertionError("nothing can be decoded")

    app, agent = lab.app(lab.each(handler), policy=RetryPolicy(undecodable_rate=5.0))
    lab.send(*[b"poison"] * 15)
    await app.start()
    await poll_until(lambda: agent.status.ready)
    started = asyncio.get_running_loop().time()
    await poll_until(committed(lab, 15), 20)
    taken = asyncio.get_running_loop().time() - started
    assert taken > 1.2  # five at once, ten more at five a second
    assert len(await lab.dead_letters(16, seconds=3)) == 15
