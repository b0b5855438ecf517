"""Waiting for a condition with a deadline: what tests and the demo do instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T],
    timeout: float = 15.0,
    *,
    interval: float = 0.05,
    what: str = "the condition",
) -> T:
    """The first true value of `condition`, tried every `interval` seconds.

    Raises TimeoutError, with the last value seen, after `timeout` seconds. An exception in the
    condition is not a false value: it is raised at once.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what} was not met within {timeout:g} s; last seen: {value!r}")
        time.sleep(interval)
    return value


async def poll_until(
    condition: Callable[[], T | Awaitable[T]],
    timeout: float = 15.0,  # noqa: ASYNC109 - the last value seen belongs in the error
    *,
    interval: float = 0.05,
    what: str = "the condition",
) -> T:
    """As `wait_until`, without blocking the event loop between the tries.

    The condition may be a plain function or a coroutine function.
    """
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        value = cast(T, await result if inspect.isawaitable(result) else result)
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what} was not met within {timeout:g} s; last seen: {value!r}")
        await asyncio.sleep(interval)
