"""Whether this process stood still: stopped (SIGSTOP, a debugger), its machine asleep, or so busy
that nothing ran. Whoever wakes up finds everybody late, and is to blame nobody else.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

_EVERY: Final = 0.5
_TOLERATED: Final = 2.0
_REMEMBERED: Final = 10.0


def _monotonic_through_sleep() -> Callable[[], float]:
    # Linux's CLOCK_MONOTONIC, which time.monotonic reads, stands still with a machine that sleeps;
    # macOS's goes on.
    if not hasattr(time, "clock_gettime"):
        return time.monotonic
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return lambda: time.clock_gettime(clock)


seconds: Final = _monotonic_through_sleep()
"""Now, on a clock that no clock change moves, and that goes on while the machine sleeps."""


class Stillness:
    """Notices it while ``watch`` runs."""

    def __init__(self) -> None:
        self._lasted = self._ended = 0.0

    async def watch(self) -> None:
        """Look, until cancelled."""
        while True:
            before = seconds()
            await asyncio.sleep(_EVERY)
            late = seconds() - before - _EVERY
            if late > _TOLERATED:
                self._lasted, self._ended = late, before + _EVERY + late

    def take(self) -> str | None:
        """What happened just now, in words, and once; None when the process has been running."""
        lasted, self._lasted = self._lasted, 0.0
        if not lasted or seconds() - self._ended > _REMEMBERED:
            return None
        causes = "stopped, its machine asleep, or too busy"
        return f"this process stood still for {lasted:.0f} s ({causes})"
