"""Prepared statements and cursors with spans: asyncpg's objects, with what runs wrapped."""

from collections.abc import AsyncIterator, Generator
from typing import Any

from telemetry.database import spans
from telemetry.database.spans import size_of, traced
from telemetry.database.statements import Server


class _Wrapper:
    """Everything that is not wrapped is the wrapped object's."""

    def __init__(self, wrapped: Any, text: str, server: Server) -> None:
        self._wrapped = wrapped
        self._text = text
        self._server = server

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    async def _run(
        self, name: str, *args: Any, batch_size: int | None = None, **options: Any
    ) -> Any:
        run = spans.start(self._text, self._server, has_parameters=True, batch_size=batch_size)
        return await traced(run, getattr(self._wrapped, name)(*args, **options))


class TracedStatement(_Wrapper):
    """``asyncpg.prepared_stmt.PreparedStatement`` with a span around each run."""

    async def fetch(self, *args: Any, **options: Any) -> Any:
        return await self._run("fetch", *args, **options)

    async def fetchval(self, *args: Any, **options: Any) -> Any:
        return await self._run("fetchval", *args, **options)

    async def fetchrow(self, *args: Any, **options: Any) -> Any:
        return await self._run("fetchrow", *args, **options)

    async def fetchmany(self, args: Any, **options: Any) -> Any:
        return await self._run("fetchmany", args, batch_size=size_of(args), **options)

    async def executemany(self, args: Any, **options: Any) -> Any:
        return await self._run("executemany", args, batch_size=size_of(args), **options)

    def cursor(self, *args: Any, **options: Any) -> "TracedCursorFactory":
        factory = self._wrapped.cursor(*args, **options)
        return TracedCursorFactory(factory, self._text, self._server)


class TracedCursorFactory(_Wrapper):
    """What ``cursor()`` returns: iterated over, one span for all rows; awaited, a cursor."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        # It may be left, and end, in another context than it began in.
        run = spans.start(self._text, self._server, has_parameters=True)
        failed: Exception | None = None
        try:
            async for row in self._wrapped:
                yield row
        except Exception as error:
            failed = error
            raise
        finally:
            if run is not None:
                run.end(failed)

    def __await__(self) -> Generator[Any, None, "TracedCursor"]:
        cursor = yield from self._wrapped.__await__()
        return TracedCursor(cursor, self._text, self._server)


class TracedCursor(_Wrapper):
    """``asyncpg.cursor.Cursor`` with a span around each call that gets rows."""

    async def fetch(self, *args: Any, **options: Any) -> Any:
        return await self._run("fetch", *args, **options)

    async def fetchrow(self, **options: Any) -> Any:
        return await self._run("fetchrow", **options)

    async def forward(self, *args: Any, **options: Any) -> Any:
        return await self._run("forward", *args, **options)
