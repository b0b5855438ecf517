"""An asyncpg connection that puts a span around every way to run a statement."""

from typing import Any

import asyncpg

from telemetry.database.prepared import TracedCursorFactory, TracedStatement
from telemetry.database.spans import Run, size_of, start, traced
from telemetry.database.statements import Server


class TracedConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """Pass it as ``connection_class`` to ``asyncpg.connect`` or ``create_pool``."""

    # asyncpg's own class has __slots__ too.
    __slots__ = ("_resetting", "_server")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._resetting = False
        # What asyncpg hands to its query loggers; there is no accessor for it.
        host, port = self._addr if isinstance(self._addr, tuple) else (self._addr, None)
        self._server = Server(host, port, self._params.database or "")

    async def reset(self, **options: Any) -> None:
        """asyncpg's, without a span: the pool does it whenever a connection comes back."""
        self._resetting = True
        try:
            await super().reset(**options)
        finally:
            self._resetting = False

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        running = super().execute(query, *args, **options)
        if self._resetting:
            return await running
        return await traced(self._run(query, bool(args)), running)

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        running = super().fetch(query, *args, **options)
        return await traced(self._run(query, bool(args)), running)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        running = super().fetchval(query, *args, **options)
        return await traced(self._run(query, bool(args)), running)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        running = super().fetchrow(query, *args, **options)
        return await traced(self._run(query, bool(args)), running)

    async def executemany(self, command: str, args: Any, **options: Any) -> Any:
        running = super().executemany(command, args, **options)
        return await traced(self._run(command, True, size_of(args)), running)

    async def fetchmany(self, query: str, args: Any, **options: Any) -> Any:
        running = super().fetchmany(query, args, **options)
        return await traced(self._run(query, True, size_of(args)), running)

    async def prepare(self, query: str, **options: Any) -> Any:
        return TracedStatement(await super().prepare(query, **options), query, self._server)

    def cursor(self, query: str, *args: Any, **options: Any) -> Any:
        return TracedCursorFactory(super().cursor(query, *args, **options), query, self._server)

    async def copy_from_table(self, table_name: str, **options: Any) -> Any:
        running = super().copy_from_table(table_name, **options)
        return await traced(self._run(f"COPY {table_name} TO STDOUT", True), running)

    async def copy_from_query(self, query: str, *args: Any, **options: Any) -> Any:
        running = super().copy_from_query(query, *args, **options)
        return await traced(self._run(f"COPY ({query}) TO STDOUT", bool(args)), running)

    async def copy_to_table(self, table_name: str, **options: Any) -> Any:
        running = super().copy_to_table(table_name, **options)
        return await traced(self._run(f"COPY {table_name} FROM STDIN", True), running)

    async def copy_records_to_table(self, table_name: str, **options: Any) -> Any:
        running = super().copy_records_to_table(table_name, **options)
        return await traced(self._run(f"COPY {table_name} FROM STDIN", True), running)

    def _run(self, text: str, has_parameters: bool, batch_size: int | None = None) -> Run | None:
        return start(text, self._server, has_parameters=has_parameters, batch_size=batch_size)
