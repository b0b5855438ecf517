"""One campaign: start, load and faults at the same time, an end that is waited for, a verdict."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
from loadtest.chaos import evidence
from loadtest.chaos.clients import Client
from loadtest.chaos.evidence import Evidence
from loadtest.chaos.faults import Done, Faults
from loadtest.chaos.ledger import Ledger
from loadtest.chaos.parts import READY_S, System
from loadtest.chaos.schedule import Step
from loadtest.chaos.verdict import Verdict, judge

CLIENTS = 8
DRAINED_WITHIN_S = 240.0
"""Seconds after everything is up. A promise has no speed: this is for a machine that is busy."""
_CALM_S = 2.0
_LOOK_EVERY_S = 1.0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All of one campaign. Times are in seconds since 1970, ``drained_in`` in seconds."""

    seed: int
    began: float
    ended: float
    drained_in: float
    steps: Sequence[Done]
    ledger: Ledger
    evidence: Evidence
    verdict: Verdict


class Campaign:
    """Runs once. ``status`` is a line for a terminal while it does."""

    def __init__(
        self,
        system: System,
        schedule: Iterable[Step],
        *,
        seed: int,
        seconds: float,
        tell: Callable[[str], None],
    ) -> None:
        self._system = system
        self._seed = seed
        self._seconds = seconds
        self._schedule = schedule
        self._tell = tell
        self._ledger = Ledger()
        self._faults = Faults(system, tell)
        self._began = 0.0

    @property
    def status(self) -> str:
        """Where it stands."""
        ledger = self._ledger
        now = " and ".join(map(str, self._faults.now)) or "all is well"
        return (
            f"{time.time() - self._began:4.0f} s, {len(self._faults.done)} steps,"
            f" {ledger.tries:,} requests, {ledger.unanswered:,} without an answer; {now}"
        )

    async def run(self) -> Result:
        """Load and faults, then the comparison. Raises StartError when a part stays away."""
        system, ledger = self._system, self._ledger
        await evidence.install_audit(system.database_url)
        given = await evidence.books_there(system.database_url)
        urls = [service.url for service in system.bookapps]
        clients = [Client(number, self._seed, urls, ledger) for number in range(CLIENTS)]
        self._began = time.time()
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.run())
            await asyncio.sleep(_CALM_S)
            await self._faults.run(self._schedule, self._seconds)
            await asyncio.sleep(_CALM_S)
            self._tell("everything is started again; waiting until it is ready")
            await asyncio.to_thread(system.ready, READY_S)
            for client in clients:
                client.stop()
        self._tell("waiting until everything has come through")
        ended = time.time()
        waiting = await self._drain()
        drained_in = time.time() - ended
        self._tell("comparing")
        found = await evidence.gather(
            system.database_url, system.kafka.url, system.backends[0].url, waiting
        )
        return Result(
            seed=self._seed,
            began=self._began,
            ended=ended,
            drained_in=drained_in,
            steps=self._faults.done,
            ledger=ledger,
            evidence=found,
            verdict=judge(ledger, found, given),
        )

    async def _drain(self) -> list[str]:
        """Wait for the end of what is under way; what is left when the time is up."""
        deadline = time.monotonic() + DRAINED_WITHIN_S
        system = self._system
        while waiting := await evidence.under_way(system.database_url, system.kafka.url):
            if time.monotonic() > deadline:
                return waiting
            await asyncio.sleep(_LOOK_EVERY_S)
        return []
