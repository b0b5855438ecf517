"""Two functions as a service of the worker; addresses that are taken first."""

import asyncio

import pytest

from delivery.worker.parts import Binds, Part


async def test_functions_of_both_kinds_are_called_at_the_start_and_at_the_stop():
    said: list[str] = []

    async def begin() -> None:
        await asyncio.sleep(0)
        said.append("begun")

    async def end() -> None:
        await asyncio.sleep(0)
        said.append("ended")

    for part in (
        Part(begin, end),
        Part(lambda: said.append("begun at once"), lambda: said.append("ended at once")),
        Part(),
    ):
        await part.start()
        await part.stop()
    assert said == ["begun", "ended", "begun at once", "ended at once"]


async def test_a_start_that_waits_is_given_up_when_it_is_told_to_stop():
    part = Part(asyncio.Event().wait)
    starting = asyncio.create_task(part.start())
    await asyncio.sleep(0.01)
    assert not starting.done()
    await part.stop()
    await asyncio.wait_for(starting, 30)


async def test_an_error_at_the_start_is_raised():
    async def begin() -> None:
        raise LookupError("a mistake")

    with pytest.raises(LookupError, match="a mistake"):
        await Part(begin).start()


def test_what_has_an_address_is_told_from_what_has_none():
    class Server(Part):
        def bind(self) -> None: ...

    assert isinstance(Server(), Binds)
    assert not isinstance(Part(), Binds)
