"""Starts and closes aiokafka's clients whole, at whatever moment a cancellation comes.

Two things go wrong in aiokafka there. A client that closes cancels a task of its own and waits for
it, and takes a cancellation that comes meanwhile for that one: whoever was cancelled goes on. And a
start that is cancelled forgets its first connection, whose destructor closes it, and says so as an
error.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection

GRACE: Final = 2.0
"""Seconds."""

_destroy: Final = AIOKafkaConnection.__del__


async def start_whole(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Start this client, or leave nothing of it open. Raises what its start raises."""
    try:
        await client.start()
    except BaseException:
        await close_whole(client.stop())
        raise


async def close_whole(closing: Coroutine[Any, Any, None]) -> None:
    """Await this to its end, also when cancelled meanwhile: the cancellation is raised then.

    A client that does not close is cut off at the second cancellation, or GRACE after the first.
    """
    task = asyncio.create_task(closing)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        try:
            await asyncio.wait({task}, timeout=GRACE)
        finally:
            task.cancel()  # which also says that nobody asks for its error
        raise
    task.result()


def close_forgotten_connections() -> None:
    """Have the first connection of a start that was cancelled closed without a complaint; any other
    that nobody has closed is still an error. More than once does no harm."""
    AIOKafkaConnection.__del__ = _close


def _close(connection: AIOKafkaConnection) -> None:
    # The connections that a client keeps tell it when they close; that of its start tells nobody.
    forgotten = connection.connected() and connection._on_close_cb is None
    if forgotten and not connection._loop.is_closed():
        connection.close()
    _destroy(connection)
