"""Decodes a request in small turns, so that no request holds the receiver for long."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from embedded.receiver import limits
from embedded.receiver.intake.wire import TooMuch

T = TypeVar("T")

_TURN = 0.005
"""Seconds."""


async def take_in_turns(pieces: Iterator[T], take: Callable[[list[T]], None]) -> None:
    """Give all pieces to `take`, some at a time. Raises TooMuch when it takes too long, and what
    the pieces raise; what was given by then stays taken.
    """
    deadline = time.monotonic() + limits.DECODING_SECONDS
    while True:
        turn_ends = time.monotonic() + _TURN
        batch: list[T] = []
        try:
            for piece in pieces:
                batch.append(piece)
                if time.monotonic() > turn_ends:
                    break
            else:
                return
        finally:
            take(batch)
        if time.monotonic() > deadline:
            raise TooMuch(f"decoding takes longer than {limits.DECODING_SECONDS:.0f} s")
        await asyncio.sleep(0)
