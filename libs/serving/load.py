"""What the connections of one server hold together: places, room for bodies, and their clock.

One timer looks at all connections twice a second. Timers of their own, set and cancelled with each
request, would cost more than everything else that is done here.
"""

import asyncio
import logging
import resource
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

from serving.limits import Limits

_TICK_S: Final = 0.5
_SPARE_FILES: Final = 128
"""Open files that are no clients': listening sockets, the database, libraries that are imported."""
_REMIND_S: Final = 60.0

logger = logging.getLogger(__name__)


class Guest(Protocol):
    """A connection, as far as the clock and the places are concerned."""

    waiting_since: float | None
    """When it began to wait for a request; None while it has one."""

    def check(self, now: float) -> None:
        """Give up what is overdue."""

    def has_sent(self) -> bool:
        """Whether there are bytes of it that nobody has read yet."""

    def make_room(self) -> None:
        """Go: it has no request, and another client needs the place."""


class Load:
    """Shared by all connections of a server; ``now`` is its clock, in seconds, half a second fine.

    The clock stands still while the process does: who was stopped, or was busy for long, has not
    read what clients have sent meanwhile, and must not hold the time against them.
    """

    def __init__(self, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self.now = 0.0
        self.places = _places(limits.connections)
        self._room = limits.bodies
        self._guests: dict[Guest, None] = {}  # in the order in which they came
        self._loop = loop
        self._ticked = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._turned_away = 0
        self._reminded = float("-inf")

    def enter(self, guest: Guest) -> bool:
        """Give a connection its place; False when there is none, and none can be made.

        It is watched all the same, until it leaves.
        """
        full = len(self._guests) >= self.places
        self._guests[guest] = None
        if self._timer is None:
            self._ticked = self._loop.time()
            self._timer = self._loop.call_later(_TICK_S, self._tick)
        return not full or self._make_room(guest)

    def leave(self, guest: Guest) -> None:
        """The connection is closed."""
        self._guests.pop(guest, None)

    def crowded(self) -> bool:
        """Whether there is no place even for those who are told that there is no place."""
        return len(self._guests) > self.places + _SPARE_FILES // 2

    def take(self, size: int) -> bool:
        """Take room for ``size`` bytes of a body; False when there is not so much."""
        if size > self._room:
            self._say("bodies are too large together")
            return False
        self._room -= size
        return True

    def give_back(self, size: int) -> None:
        """The bytes are no longer needed."""
        self._room += size

    def _make_room(self, newcomer: Guest) -> bool:
        waiting = [guest for guest in self._guests if guest.waiting_since is not None]
        for guest in sorted(waiting, key=_waiting_since):
            # One that came or spoke in this round of the loop may have a request that nobody has
            # read yet: clients that say nothing must not push it out.
            if guest is not newcomer and not guest.has_sent():
                guest.make_room()
                return True
        self._say(f"all {self.places} connections have requests")
        return False

    def _say(self, why: str) -> None:
        self._turned_away += 1
        if self._loop.time() - self._reminded >= _REMIND_S:
            self._reminded = self._loop.time()
            logger.warning("%d requests were answered 503: %s", self._turned_away, why)
            self._turned_away = 0

    def _tick(self) -> None:
        ticked = self._loop.time()
        self.now += min(ticked - self._ticked, 2 * _TICK_S)
        self._ticked = ticked
        for guest in list(self._guests):
            guest.check(self.now)
        self._timer = self._loop.call_later(_TICK_S, self._tick) if self._guests else None


_loads: "WeakKeyDictionary[ServerState, Load]" = WeakKeyDictionary()


def load_of(server: ServerState, limits: Limits, loop: asyncio.AbstractEventLoop) -> Load:
    """The load of a server, the same for all of its connections."""
    load = _loads.get(server)
    if load is None:
        load = _loads[server] = Load(limits, loop)
    return load


def _places(wanted: int) -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, files - _SPARE_FILES))


def _waiting_since(guest: Guest) -> float:
    assert guest.waiting_since is not None
    return guest.waiting_since
