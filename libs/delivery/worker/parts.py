"""What an application has beside Kafka (a pool, a server, telemetry) as services of its worker.

    app.before_kafka += [
        Part(stop=telemetry.shutdown),
        Part(database.open, partial(database.close, 3.0)),
        Part(database.prepare),
    ]

They start in this order, before Kafka is reached, and stop in the opposite one, after the last
record.
"""

import inspect
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from mode import Service


class Part(Service):
    """Two functions as a service. Either may be a coroutine function.

    A start is waited for, however long it takes, and what follows starts after it; it is given up
    when the worker is told to stop.
    """

    def __init__(
        self,
        start: Callable[[], Any] = lambda: None,
        stop: Callable[[], Any] = lambda: None,
    ) -> None:
        super().__init__()
        self._begin = start
        self._end = stop

    async def on_start(self) -> None:
        """Do what is to be done at the start."""
        begun = self._begin()
        if inspect.isawaitable(begun):
            await self.wait(begun)

    async def on_stop(self) -> None:
        """Do what is to be done at the stop."""
        ended = self._end()
        if inspect.isawaitable(ended):
            await ended


@runtime_checkable
class Binds(Protocol):
    """A service with an address: a worker takes it before it says or starts anything."""

    def bind(self) -> object:
        """Take it. Raises SystemExit, with one line, when it cannot be had."""
