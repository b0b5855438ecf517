"""Work on spans that nobody waits for, done for many of them at a time, soon after.

In the middle of a request the code of spans is cold, and it makes its neighbours cold: there, a
span is twice as dear as among others. So what can be is put off, with the times at which it
happened: a statement's span, and what is written on a request's span after the answer. Ids and
contexts are never put off, nor is a failure.

It is done within ``WITHIN`` seconds, by the event loop that it came from, or by the next ``drain``:
``telemetry.configure`` drains when it shuts down; a test that looks at spans drains first.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

AT_ONCE: Final = 64
"""How much waits at the most; then it is done at once."""
WITHIN: Final = 0.01

logger = logging.getLogger(__name__)

_waiting: Final[deque[Callable[[], None]]] = deque()
_timer_of: asyncio.AbstractEventLoop | None = None


def soon(work: Callable[[], None]) -> None:
    """Have ``work`` done soon; outside of an event loop, now. What it raises is logged."""
    global _timer_of
    _waiting.append(work)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        drain()
        return
    if len(_waiting) >= AT_ONCE:
        drain()
    elif _timer_of is not loop:
        _timer_of = loop
        loop.call_later(WITHIN, _timed)


def drain() -> None:
    """Do what waits, in its order. Any thread may."""
    while _waiting:
        try:
            work = _waiting.popleft()
        except IndexError:  # another thread was quicker
            return
        try:
            work()
        except Exception:
            logger.exception("could not finish a span")


def _timed() -> None:
    global _timer_of
    _timer_of = None
    drain()
