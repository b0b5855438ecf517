"""The relay: in every process of a service, active in one of them, sends what the outbox holds.

Promises: at any time at most one process sends (see `lease` for the exception); when it dies or
hangs another takes over within 10 s, when it stops cleanly at once. It needs neither Kafka nor
PostgreSQL to start, says what it waits for, and goes on by itself. It shares nothing with requests:
its connections are its own, and its tasks inherit neither a transaction nor a span.
"""

import asyncio
import contextlib
import contextvars
import logging
import os
import random
import socket
import uuid
from typing import Any, Literal

import asyncpg
import msgspec

from delivery.kafka.app import KafkaApp
from delivery.postgres import Engine, is_passing, is_pooled
from delivery.postgres.engine import open_private_pool
from delivery.sending import queue
from delivery.sending.lease import RENEW_EVERY, Lease, LeaseLostError
from delivery.sending.publisher import Publisher
from delivery.sending.pump import Pump
from delivery.sending.stillness import Stillness
from telemetry.metrics import gauge

logger = logging.getLogger(__name__)

STANDBY_POLL = 1.0
"""Seconds between a standby's attempts to take the lease."""
NOTIFY_EVERY = 0.05
"""Seconds, at least, between two notifications: NOTIFY serialises the commits that carry it."""
OBSERVE_EVERY = 5.0
"""Seconds between two looks at how much waits."""

RETRY_EVERY = 5.0
"""Seconds until it starts again after a failure that nobody expected."""

State = Literal[
    "stopped",
    "starting",
    "standby",
    "active",
    "waiting for Kafka",
    "waiting for PostgreSQL",
    "failed",
]


class RelayStatus(msgspec.Struct, frozen=True):
    """For health and logs. None of these states makes the service unready."""

    state: State
    reason: str | None = None


class Relay:
    """Sends the outbox of `engine`'s database through `app`, while this process has the lease.

    `app` is a producer-only application (`delivery.application.create_app`) that declares the
    topics; it need not be started. All processes on one database must give the same `name`.
    """

    def __init__(self, engine: Engine, app: KafkaApp, *, name: str = "outbox") -> None:
        self._engine = engine
        self._channel = f"{engine.schema}.outbox"[:63]  # a name's most bytes
        owner = f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._lease = Lease(name, owner)
        self._publisher = Publisher(app, lambda: self._lease.held)
        self._state: State = "stopped"
        self._reason: str | None = None
        self._kind = ""  # of the error in the reason
        self._pump: Pump | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._work = asyncio.Event()  # the active relay is to look at the outbox
        self._knock = asyncio.Event()  # the standby is to do something
        self._commits = False  # ... to notify the others
        self._lease_is_free = False  # ... to take the lease
        self._stop_timeout = 0.0
        self._stillness = Stillness()

    @property
    def status(self) -> RelayStatus:
        """What it is doing now, and why nothing moves if nothing does."""
        if self._state == "active" and self._pump is not None and self._pump.waiting:
            return RelayStatus("waiting for Kafka", self._pump.waiting)
        return RelayStatus(self._state, self._reason)

    @property
    def trouble(self) -> str | None:
        """Why this process could not send if it were its turn, without the name of any host; None
        while it could. Kafka's absence is none: what waits for it is in the outbox's metrics."""
        if self._state not in ("waiting for PostgreSQL", "failed"):
            return None
        return f"{self._state}: {self._kind}; its log says more"

    async def start(self) -> None:
        """Start in the background. Returns at once, whatever is away."""
        self._state = "starting"
        gauge("relay.running").set(0)
        # An empty context: a task inherits the transaction and the span that it is started in.
        self._task = asyncio.create_task(self._run(), context=contextvars.Context())

    async def stop(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109 - bounds a part of it
        """Stop sending, wait up to `timeout` seconds for what is in flight, free the lease."""
        if self._task is None:
            return
        self._stop_timeout = timeout
        self._stopping.set()
        self._knock.set()
        task, self._task = self._task, None
        _, late = await asyncio.wait({task}, timeout=timeout + 2.0)
        if late:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._state = "stopped"
        gauge("relay.running").remove()

    def wake(self) -> None:
        """There may be something new: a transaction has committed. Never blocks, never fails."""
        if self._pump is not None:
            self._work.set()
        else:
            self._commits = True
            self._knock.set()

    async def _run(self) -> None:
        watching = asyncio.create_task(self._stillness.watch())
        try:
            await self._serve()
        finally:
            watching.cancel()

    async def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                control = await self._engine.connect(command_timeout=10.0, session=queue.SESSION)
                try:
                    await self._take_turns(control)
                finally:
                    control.terminate()
            except LeaseLostError as error:
                why = self._stillness.take() or str(error)
                logger.warning("the relay has lost its lease: %s", why)
                self._state, self._reason = "standby", None
            except Exception as error:  # noqa: BLE001 - whatever it is, it starts again
                stood = self._stillness.take() if is_passing(error) else None
                if stood is None:
                    await self._pause(error)
                else:
                    logger.warning("the relay begins again: %s", stood)
                    self._state, self._reason = "starting", None

    async def _pause(self, error: Exception) -> None:
        if is_passing(error):
            if self._state != "waiting for PostgreSQL":
                logger.warning("the relay waits for PostgreSQL: %s", error)
            self._state, pause = "waiting for PostgreSQL", 1.0
        else:
            logger.error("the relay failed and will start again", exc_info=error)
            self._state, pause = "failed", RETRY_EVERY
        self._reason = f"{type(error).__name__}: {error}"
        self._kind = type(error).__name__
        gauge("relay.running").set(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(random.uniform(pause / 2, pause)):
                await self._stopping.wait()

    async def _take_turns(self, control: asyncpg.Connection) -> None:
        """Have the lease and send, or be ready to take it, until stopped."""
        if not is_pooled(control):  # or else the polls have to do
            await control.add_listener(self._channel, self._on_notification)
        while not self._stopping.is_set():
            gauge("relay.running").set(1)
            self._lease_is_free = False
            if await self._lease.acquire(control):
                await self._lead(control)
            else:
                self._state, self._reason = "standby", None
                gauge("relay.active").set(0)
                await self._stand_by(control)

    def _on_notification(self, _connection: object, _pid: int, _channel: str, what: object) -> None:
        if what == "free":
            self._lease_is_free = True
            self._knock.set()
        else:
            self._work.set()

    async def _stand_by(self, control: asyncpg.Connection) -> None:
        """Until it is time to try for the lease; passes on what this process commits."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STANDBY_POLL):
                while not self._stopping.is_set() and not self._lease_is_free:
                    await self._knock.wait()
                    self._knock.clear()
                    if self._commits:
                        self._commits = False
                        await self._notify(control, "committed")
                        await asyncio.sleep(NOTIFY_EVERY)

    async def _notify(self, control: asyncpg.Connection, what: str) -> None:
        await control.execute("SELECT pg_notify($1, $2)", self._channel, what)

    async def _lead(self, control: asyncpg.Connection) -> None:
        """Send while the lease is ours. Frees it on a clean stop."""
        logger.info("the relay is active, epoch %s of its lease", self._lease.epoch)
        pool = await open_private_pool(self._engine, max_size=2, session=queue.SESSION)
        self._pump = Pump(pool, self._publisher, self._lease, self._work)
        self._state, self._reason = "active", None
        gauge("relay.active").set(1)
        sending = asyncio.create_task(self._pump.run())
        keeping = asyncio.create_task(self._keep_lease(control))
        others: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._observe(pool)),
            asyncio.create_task(self._stopping.wait()),
        ]
        try:
            await asyncio.wait({sending, keeping, *others}, return_when=asyncio.FIRST_COMPLETED)
            if self._stopping.is_set() and self._pump.sending:
                self._pump.stop()
                await asyncio.wait(
                    {sending, keeping},
                    timeout=self._stop_timeout,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            for task in (keeping, sending):
                if task.done():
                    task.result()
        finally:
            self._pump = None
            gauge("relay.active").set(0)
            for task in (sending, keeping, *others):
                task.cancel()
            try:
                await asyncio.gather(sending, keeping, *others, return_exceptions=True)
            finally:
                pool.terminate()
        await self._lease.release(control)
        await self._notify(control, "free")

    async def _keep_lease(self, control: asyncpg.Connection) -> None:
        """Renew for ever. Raises LeaseLostError before the lease has run out."""
        while True:
            await asyncio.sleep(min(RENEW_EVERY, self._lease.remaining))
            try:
                async with asyncio.timeout(self._lease.remaining):
                    await self._lease.renew(control)
            except TimeoutError:
                raise LeaseLostError("PostgreSQL did not renew it in time") from None

    async def _observe(self, pool: asyncpg.Pool) -> None:
        """Keep the gauges of what waits up to date; only here, where it is ours to say."""
        backlog, age = gauge("outbox.backlog"), gauge("outbox.oldest_age")
        try:
            while True:
                try:
                    waiting = await queue.observe(pool)
                    backlog.set(waiting.records)
                    age.set(waiting.oldest_age)
                except Exception as error:
                    if not is_passing(error):  # what others report
                        logger.exception("the outbox could not be observed")
                await asyncio.sleep(OBSERVE_EVERY)
        finally:
            backlog.remove()
            age.remove()
