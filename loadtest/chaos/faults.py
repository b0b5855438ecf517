"""Carries a schedule out, and notes when each of its steps was under way."""

import asyncio
import time
from collections.abc import Callable, Iterable

import msgspec
from loadtest.chaos.parts import READY_S, Service, System
from loadtest.chaos.schedule import Fault, Step

SEVERAL = "several at once"


class Done(msgspec.Struct, frozen=True):
    """A step that was carried out, and its time until the next one; in seconds since 1970.
    ``kind`` is its one fault's, or says that there were several, with those of the step before
    when that was still being recovered from."""

    step: Step
    kind: str
    began: float
    ended: float


class Faults:
    """``now`` are the faults under way; ``done`` the steps that are over."""

    def __init__(self, system: System, tell: Callable[[str], None]) -> None:
        self._system = system
        self._tell = tell
        self._locks: dict[tuple[str, int], asyncio.Lock] = {}
        self.now: list[Fault] = []
        self.done: list[Done] = []

    async def run(self, steps: Iterable[Step], seconds: float) -> None:
        """One step after the other, none begun after so many seconds; afterwards everything has
        been started again."""
        end = time.monotonic() + seconds
        settled = True
        for step in steps:
            if time.monotonic() > end:
                return
            self._tell(str(step))
            began = time.time()
            async with asyncio.TaskGroup() as group:
                for fault in step.faults:
                    group.create_task(self._one(fault))
            if step.settle:
                await asyncio.to_thread(self._system.ready, READY_S)
            await asyncio.sleep(step.pause)
            alone = settled and step.settle and len(step.faults) == 1
            kind = step.faults[0].kind if alone else SEVERAL
            self.done.append(Done(step, kind, began, time.time()))
            settled = step.settle

    async def _one(self, fault: Fault) -> None:
        await asyncio.sleep(fault.after)
        self.now.append(fault)
        async with asyncio.TaskGroup() as group:
            for instance in fault.instances:
                group.create_task(self._hit(fault, instance))
        self.now.remove(fault)

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
