"""``replay --rebuild``: the read model from the topic alone."""

import asyncio
from typing import Final

import asyncpg
from aiokafka import ConsumerRecord

from backend.commands.parts import Parts
from backend.ingestion import Ingestion
from backend.ingestion.tables import Book
from backend.ingestion.upsert import upsert
from contracts.codec import DecodeError, decode
from delivery.commands.console import Progress, Refused, confirm, must_be_able_to_ask, note, plural
from delivery.kafka.records import metadata_of
from delivery.postgres import is_pooled
from delivery.replay.reading import open_reader
from delivery.replay.rebuild import Rebuild
from delivery.replay.shadow import ShadowTable, shadow_of

_NAME: Final = "backend rebuild"
_LEAVE_S: Final = 3.0


async def rebuild(parts: Parts, topic: str, yes: bool) -> int:
    """Rebuild and swap. What cannot be decoded is in no read model and no failure here."""
    must_be_able_to_ask(yes)
    # A connection of its own, outside of tracing: a million statements say no more than one span.
    connection = await parts.engine.connect(
        command_timeout=300, session={"application_name": _NAME}
    )
    if is_pooled(connection):
        connection.terminate()
        raise Refused("a rebuild needs a session: set DATABASE_DIRECT_URL, past the pooler")
    shadow = ShadowTable(connection, parts.engine.schema, Book._meta.tablename)
    progress = Progress("rebuilding")
    try:
        async with open_reader(parts.kafka, topic) as reader:
            work = Rebuild(reader, connection, shadow, Apply(connection), progress)
            filled = await work.fill()
            progress.close()
            rate = filled.read / max(progress.seconds, 0.001)
            note(
                f"{plural(filled.read, 'record')} read in {progress.seconds:.1f} s ({rate:,.0f}/s),"
                f" {filled.undecodable} undecodable. Books: {filled.rows:,} rebuilt,"
                f" {filled.rows_before:,} in the live read model."
            )
            confirm("Put the rebuilt read model in the place of the live one?", yes)
            await work.swap()
    finally:
        progress.close()
        await _leave(connection, shadow)
    note("The read model is the rebuilt one.")
    return 0


async def _leave(connection: asyncpg.Connection, shadow: ShadowTable) -> None:
    """Without a shadow, where that can be had: the next rebuild drops it anyway."""
    try:
        async with asyncio.timeout(_LEAVE_S):
            if shadow.mine:
                await shadow.drop()
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()


class Apply:
    """Applies records to the read model's shadow, many in one statement."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._ingestion = Ingestion(lambda: connection, upsert(shadow_of(Book)))

    async def __call__(self, batch: list[ConsumerRecord]) -> int:
        good, undecodable = [], 0
        for raw in batch:
            try:
                good.append((decode(raw.key, raw.value), metadata_of(raw)))
            except DecodeError:
                undecodable += 1
        if good:
            await self._ingestion.handle_many(good)
        return undecodable
