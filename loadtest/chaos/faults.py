"""Carries a schedule out, and notes when each fault began and when its part was back."""

import asyncio
import time
from collections.abc import Callable, Sequence

import msgspec
from loadtest.chaos.parts import READY_S, Service, System
from loadtest.chaos.schedule import Fault


class Done(msgspec.Struct, frozen=True):
    """A fault that was carried out; times in seconds since 1970."""

    fault: Fault
    began: float
    ended: float


class Faults:
    """``now`` are the faults under way; ``done`` those that are over."""

    def __init__(self, system: System, schedule: Sequence[Fault]) -> None:
        self._system = system
        self._schedule = schedule
        self._locks: dict[tuple[str, int], asyncio.Lock] = {}
        self.now: list[Fault] = []
        self.done: list[Done] = []

    async def run(self) -> None:
        """All of them, at their times; afterwards everything has been started again."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in self._schedule:
                group.create_task(self._one(fault, began))

    async def _one(self, fault: Fault, began: float) -> None:
        await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
        at = time.time()
        self.now.append(fault)
        async with asyncio.TaskGroup() as group:
            for instance in fault.instances:
                group.create_task(self._hit(fault, instance))
        self.now.remove(fault)
        self.done.append(Done(fault, at, time.time()))

    async def _hit(self, fault: Fault, instance: int) -> None:
        down, up = self._actions(fault, instance)
        # One fault at a time for each process: what is down cannot be stopped.
        async with self._locks.setdefault((fault.part, instance), asyncio.Lock()):
            await asyncio.to_thread(down)
            try:
                await asyncio.sleep(fault.hold)
            finally:
                await asyncio.to_thread(up)

    def _actions(
        self, fault: Fault, instance: int
    ) -> tuple[Callable[[], object], Callable[[], object]]:
        part: Service
        system = self._system
        if fault.part == "kafka":
            kafka = system.kafka
            return {
                "kill": (kafka.kill, lambda: kafka.start(READY_S)),
                "stop": (kafka.suspend, kafka.resume),
                "restart": (kafka.stop, lambda: kafka.start(READY_S)),
            }[fault.action]
        if fault.part == "postgres":
            postgres = system.postgres
            return {
                "kill": (postgres.kill, postgres.start),
                "stop": (postgres.pause, postgres.resume),
                "restart": (postgres.stop, postgres.start),
            }[fault.action]
        part = (system.bookapps if fault.part == "bookapp" else system.backends)[instance]
        return {
            "kill": (part.kill, part.start),
            "stop": (part.suspend, part.resume),
            "restart": (part.stop, part.start),
            "join": (part.start, part.stop),
        }[fault.action]
