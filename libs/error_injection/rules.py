"""The rules in memory, as fresh as the last announcement.

Promises: looking a rule up is a dictionary's work; a change in the table is known within a second
(NOTIFY, on a connection of its own), also after the connection was lost (read again after each
reconnection), should an announcement get lost (read again every ``POLL`` seconds), and through a
pooler, which passes no announcement on (read every second); while the database is away the last
known rules hold.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import asyncpg
import msgspec

from error_injection.migration import CHANNEL
from error_injection.rule import Rule, is_protected, shape
from error_injection.tables import RuleTable

logger = logging.getLogger(__name__)

POLL: Final = 5.0
"""Seconds after which the rules are read again without an announcement."""
POLL_THROUGH_A_POOLER: Final = 1.0
"""The same where none can come."""
RETRY: Final = 0.5
"""Seconds between attempts to reach the database."""
TIMEOUT: Final = 3.0
"""Seconds that a read may take before the connection is given up."""

_MAX_TEMPLATES = 1024


class Rules:
    """One process's rules. ``active`` is False when there is nothing to look up."""

    def __init__(
        self, table: type[RuleTable], connect: Callable[[], Awaitable[asyncpg.Connection]]
    ) -> None:
        """``connect`` opens a connection outside of the pool, without tracing."""
        self._table = table
        self._connect = connect
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self._endpoints: dict[tuple[str, str], Rule] = {}
        self._topics: dict[str, Rule] = {}
        self._shapes: dict[str, str] = {}
        self._reading = True
        self.active = False

    def endpoint(self, template: str, method: str) -> Rule | None:
        """The enabled rule for a route template, whatever its parameters are called."""
        known = self._shapes.get(template)
        if known is None:
            if len(self._shapes) >= _MAX_TEMPLATES:
                self._shapes.clear()
            known = self._shapes[template] = shape(template)
        return self._endpoints.get((known, method))

    def topic(self, name: str) -> Rule | None:
        """The enabled rule for a topic."""
        return self._topics.get(name)

    def hold(self, rules: Iterable[Rule]) -> None:
        """From now on these rules, and no others."""
        enabled = [rule for rule in rules if rule.enabled]
        endpoints = {}
        for rule in enabled:
            pattern, method = rule.endpoint_pattern, rule.http_method
            # The routes refuse protected paths; psql may have written one all the same.
            if pattern and method and not is_protected(pattern):
                endpoints[shape(pattern), str(method)] = rule
        self._endpoints = endpoints
        self._topics = {rule.topic: rule for rule in enabled if rule.topic}
        self.active = bool(self._endpoints)

    def start(self) -> None:
        """Read the rules and follow them, in a task of the running loop. Does not wait."""
        self._stopping = False
        self._task = asyncio.create_task(self._follow(), name="error-injection-rules")

    async def stop(self) -> None:
        """Stop following, within two seconds. The rules held last stay."""
        if self._task is None:
            return
        self._stopping = True
        self._wake.set()
        # Asked first: asyncpg makes an error of a connection whose statement is cancelled.
        await asyncio.wait([self._task], timeout=1.5)
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None

    async def _follow(self) -> None:
        while not self._stopping:
            try:
                connection = await self._connect()
                try:
                    await self._listen(connection)
                finally:
                    connection.terminate()
            except Exception as error:  # noqa: BLE001 -- whatever it was, the next attempt may do
                # Loud once per outage, which is as long as the database's.
                level = logging.WARNING if self._reading else logging.DEBUG
                logger.log(level, "cannot read the rules: %s %s", type(error).__name__, error)
                self._reading = False
            self._wake.clear()  # the lost connection set it
            await self._pause(RETRY)

    async def _listen(self, connection: asyncpg.Connection) -> None:
        """Until the connection is lost, which ends in an exception of the driver's or returns."""

        def wake(*_: Any) -> None:
            self._wake.set()

        def announced(_: object, _pid: int, _channel: str, schema: object) -> None:
            if schema == (self._table._meta.schema or schema):  # or else another service's
                self._wake.set()

        connection.add_termination_listener(wake)
        async with asyncio.timeout(TIMEOUT):
            if await _is_pooled(connection):
                poll = POLL_THROUGH_A_POOLER
            else:
                poll = POLL
                await connection.add_listener(CHANNEL, announced)
        while not (self._stopping or connection.is_closed()):
            self._wake.clear()  # before reading: what changes meanwhile is read next time
            table = self._table._meta.get_formatted_tablename()
            rows = await connection.fetch(f"SELECT * FROM {table}", timeout=TIMEOUT)  # noqa: S608 - a name from code
            self.hold(msgspec.convert(dict(row), Rule) for row in rows)
            self._reading = True
            await self._pause(poll)

    async def _pause(self, seconds: float) -> None:
        """Until something happens, and at most so long."""
        if not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()


async def _is_pooled(connection: asyncpg.Connection) -> bool:
    """Whether another process answers than the one that was connected to: a pooler's doing, and the
    session that would listen is anybody's."""
    return bool(await connection.fetchval("SELECT pg_backend_pid()") != connection.get_server_pid())
