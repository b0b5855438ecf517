"""Records applied several at once: together where that works, one by one where it does not."""

from collections.abc import Sequence
from typing import Any

from delivery.receiving import PermanentError, Stream
from embedded.waiting import poll_until


class Effects:
    """Records what was applied, in which order, and how."""

    def __init__(self) -> None:
        self.applied: list[Any] = []
        self.together: list[list[Any]] = []
        self.alone: list[Any] = []

    async def body(self, records: Stream[Any]) -> None:
        async for batch in records.take(128, within=0):
            self.apply(batch)

    def apply(self, batch: Sequence[Any]) -> None:
        if "bad" in batch:
            raise PermanentError("bad") if len(batch) == 1 else ValueError("one of them is bad")
        self.applied.extend(batch)
        if len(batch) == 1:
            self.alone.extend(batch)
        else:
            self.together.append(list(batch))

    def only_together(self) -> bool:
        """All but the first record: now and then that one is sent ahead, and is fetched alone."""
        return self.alone in ([], self.applied[:1])


async def test_what_is_there_is_applied_together_and_in_order(lab: Any) -> None:
    effects = Effects()
    app, _ = lab.app(effects.body)
    lab.send(*range(300))
    await app.start()
    await poll_until(lambda: len(effects.applied) == 300)
    assert effects.applied == list(range(300))
    assert 1 < max(map(len, effects.together)) <= 128


async def test_a_batch_may_be_of_one(lab: Any) -> None:
    effects = Effects()
    app, _ = lab.app(effects.body)
    lab.send("only")
    await app.start()
    await poll_until(lambda: effects.alone == ["only"])
    assert effects.together == []


async def test_a_batch_that_fails_is_taken_one_by_one_and_only_the_bad_record_goes(
    lab: Any,
) -> None:
    effects = Effects()
    app, _ = lab.app(effects.body)
    lab.send("a", "bad", "b", b"undecodable", "c")
    await app.start()
    await poll_until(lambda: effects.alone == ["a", "b", "c"])
    letters = await lab.dead_letters(2)
    assert sorted(lab.story(letter).offset for letter in letters) == [1, 3]
    assert effects.together == []


async def test_a_batch_whose_failure_passes_is_tried_again_in_order_until_it_works(
    lab: Any,
) -> None:
    effects = Effects()
    failures = 2

    async def body(records: Stream[Any]) -> None:
        nonlocal failures
        async for batch in records.take(128, within=0):
            if failures:
                failures -= 1
                raise ConnectionRefusedError("the database is away")
            effects.apply(batch)

    app, _ = lab.app(body)
    lab.send(*range(12))
    await app.start()
    await poll_until(lambda: len(effects.applied) == 12)
    assert effects.applied == list(range(12))
    assert effects.only_together()


async def test_a_database_too_slow_for_a_full_batch_is_given_smaller_ones(lab: Any) -> None:
    """As a whole the batch would run into the time-out again each time, for ever."""
    effects = Effects()
    too_many = 0

    async def body(records: Stream[Any]) -> None:
        nonlocal too_many
        async for batch in records.take(128, within=0):
            if len(batch) > 10:
                too_many += 1
                raise TimeoutError
            effects.apply(batch)

    app, agent = lab.app(body)
    lab.send(*range(400))
    await app.start()
    await poll_until(lambda: len(effects.applied) == 400)
    assert effects.applied == list(range(400))
    assert max(map(len, effects.together)) > 5  # it is tried with more again
    assert 5 < too_many < 60
    await poll_until(lambda: agent.status.state == "consuming")


async def test_a_processor_comes_before_the_effect_and_fails_its_own_record_only(lab: Any) -> None:
    effects = Effects()

    async def processor(record: Any) -> Any:
        if record == "injected":
            raise PermanentError("a rule said so")
        return record

    async def body(records: Stream[Any]) -> None:
        records.add_processor(processor)
        await effects.body(records)

    app, _ = lab.app(body)
    lab.send("a", "injected", "b")
    await app.start()
    await poll_until(lambda: effects.alone == ["a", "b"])
    (letter,) = await lab.dead_letters(1)
    assert lab.story(letter).error_message == "a rule said so"
