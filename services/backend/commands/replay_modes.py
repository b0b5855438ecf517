"""What ``replay`` does with the records that were selected."""

import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import click
import msgspec

from backend.commands.parts import Parts
from backend.ingestion import Ingestion
from backend.ingestion.tables import Book as BookTable
from backend.ingestion.upsert import upsert
from contracts.codec import decode
from contracts.records import Book
from delivery.commands.console import Progress, confirm, line, moment, note, plural, shown
from delivery.kafka.availability import KAFKA_ERRORS, one_line
from delivery.kafka.clients.publishing import Pending, Publisher
from delivery.postgres import is_passing
from delivery.postgres.queries import Given, Prepared, any_of
from delivery.replay.handling import Handler, handle
from delivery.replay.reading import Missing, Ranges, Reader, open_reader
from delivery.replay.selection import Found, Selection, select

_HEAD: Final = ("PARTITION", "OFFSET", "TIME", "KEY", "TYPE", "TRACE ID", "SIZE")
_WIDTHS: Final = (-9, -10, 24, 12, 11, 32, -8)
_TOGETHER: Final = 500
_SEQUENCES: Final = Prepared(
    BookTable.select(BookTable.book_id, BookTable.sequence).where(
        any_of(BookTable.book_id, Given("book_ids"))
    )
)


class Modes:
    """Each mode returns how many records failed."""

    def __init__(self, parts: Parts, topic: str, selection: Selection, yes: bool) -> None:
        self._parts = parts
        self._topic = topic
        self._selection = selection
        self._yes = yes

    async def show_table(self) -> int:
        """A line for each record."""
        count = 0
        async with open_reader(self._parts.kafka, self._topic) as reader:
            click.echo(line(_HEAD, _WIDTHS))
            async for found in self._select(reader, await reader.ranges(self._selection)):
                click.echo(line(_cells(found), _WIDTHS))
                count += 1
        note(f"{plural(count, 'record')} of {self._topic}. Nothing was touched.")
        return 0

    async def print_records(self) -> int:
        """A JSON object for each record."""
        count = failed = 0
        async with open_reader(self._parts.kafka, self._topic) as reader:
            async for found in self._select(reader, await reader.ranges(self._selection)):
                click.echo(msgspec.json.encode(_described(found)))
                count += 1
                failed += isinstance(found.record, Exception)
        note(f"{plural(count, 'record')} of {self._topic}, {failed} undecodable.")
        return failed

    async def handle(self, apply: bool) -> int:
        """Run the handler on each; keep the effects or roll them back."""
        statement = upsert(guarded=False)
        pool = self._parts.engine.pool
        assert pool is not None

        @asynccontextmanager
        async def effect() -> AsyncIterator[Handler]:
            async with pool.acquire() as connection:
                transaction = connection.transaction()
                await transaction.start()
                try:
                    yield Ingestion(lambda: connection, statement).handle
                except BaseException:
                    await transaction.rollback()
                    raise
                await (transaction.commit() if apply else transaction.rollback())

        done = failed = 0
        async with open_reader(self._parts.kafka, self._topic) as reader:
            ranges = await reader.ranges(self._selection)
            if apply:
                question = await self._before_applying(reader, ranges)
                confirm(question, self._yes)
            async for found in self._select(reader, ranges, quiet=True):
                try:
                    await handle(found, effect)
                except Exception as error:
                    if is_passing(error):
                        raise
                    failed += 1
                    click.echo(f"{_place(found)} {found.type}: failed")
                    traceback.print_exception(error, file=sys.stderr)
                else:
                    done += 1
                    end = "applied" if apply else "handled, rolled back"
                    click.echo(f"{_place(found)} {found.type}: {end}")
        if not done and not failed:
            raise Missing(f"no record of {self._topic} is what was asked for; nothing was handled")
        kept = "applied" if apply else "handled and rolled back"
        note(f"{plural(done, 'record')} {kept}, {failed} failed.")
        return failed

    async def publish(self, target: str) -> int:
        """Send them to a topic."""
        kafka = self._parts.kafka
        sent = failed = 0
        async with open_reader(kafka, target), open_reader(kafka, self._topic) as reader:
            ranges = await reader.ranges(self._selection)
            count = await self._count(reader, ranges)
            confirm(f"Publish {plural(count, 'record')} of {self._topic} to {target}?", self._yes)
            progress = Progress("published")
            async with Publisher(kafka) as publisher:
                pending: list[tuple[Found, Pending]] = []

                async def settle() -> None:
                    nonlocal sent, failed
                    for found, each in pending:
                        ok = await _tell(found, each.settle)
                        sent, failed = sent + ok, failed + (not ok)
                    pending.clear()
                    progress(sent, count)

                async for found in self._select(reader, ranges, quiet=True):
                    raw = found.raw
                    try:
                        each = await publisher.send(target, raw.key, raw.value, raw.headers)
                    except KAFKA_ERRORS as error:
                        failed += 1
                        note(f"{_place(found)}: not sent: {one_line(error)}")
                    else:
                        pending.append((found, each))
                    if len(pending) >= _TOGETHER:
                        await settle()
                    if failed:
                        break
                await settle()
            progress.close()
        note(f"{plural(sent, 'record')} published to {target}, {failed} failed.")
        if failed and count > sent + failed:
            note(f"Stopped there: {plural(count - sent - failed, 'record')} not tried.")
        return failed

    async def _select(
        self, reader: Reader, ranges: Ranges, quiet: bool = False
    ) -> AsyncIterator[Found]:
        progress = Progress("read")
        batches = reader.read(ranges)
        if not quiet and not sys.stdout.isatty():
            batches = progress.watch(batches, sum(map(len, ranges.values())))
        async for found in select(batches, self._selection, decode):
            yield found
        progress.close()

    async def _count(self, reader: Reader, ranges: Ranges) -> int:
        return sum([1 async for _ in self._select(reader, ranges)])

    async def _before_applying(self, reader: Reader, ranges: Ranges) -> str:
        """What is about to happen, as a question."""
        last: dict[int, int] = {}
        count = 0
        async for found in self._select(reader, ranges):
            count += 1
            book: Book | None = getattr(found.record, "book", None)
            if book is not None:
                last[book.id] = found.record.sequence
        rows = await _SEQUENCES(book_ids=list(last))
        older = sum(row["sequence"] > last[row["book_id"]] for row in rows)
        if older:
            note(f"{plural(older, 'book')} will go back to an older state than the read model has.")
        return f"Apply {plural(count, 'record')} of {self._topic} to the read model?"


def _cells(found: Found) -> tuple[str, ...]:
    raw = found.raw
    return (
        str(raw.partition),
        str(raw.offset),
        moment(found.metadata.timestamp),
        shown(raw.key),
        found.type,
        found.trace_id or "-",
        "-" if raw.value is None else str(len(raw.value)),
    )


def _described(found: Found) -> dict[str, Any]:
    raw = found.raw
    described: dict[str, Any] = {
        "partition": raw.partition,
        "offset": raw.offset,
        "time": found.metadata.timestamp,
        "key": shown(raw.key),
        "type": found.type,
        "headers": [[name, None if value is None else shown(value)] for name, value in raw.headers],
    }
    if isinstance(found.record, Exception):
        return described | {"error": str(found.record), "value": shown(raw.value)}
    return described | {"record": found.record}


def _place(found: Found) -> str:
    return f"{found.raw.topic}/{found.raw.partition}/{found.raw.offset}"


async def _tell(found: Found, settle: Callable[[], Awaitable[Any]]) -> bool:
    try:
        await settle()
    except KAFKA_ERRORS as error:
        note(f"{_place(found)}: not acknowledged: {one_line(error)}")
        return False
    return True
