"""What the ``dead-letters`` commands do. Each returns how many dead letters failed."""

from typing import Any, Final

import click
import msgspec

from backend.commands.parts import Parts
from backend.dead_letters import table
from contracts.topics import BOOK_INGESTION
from delivery.commands.console import (
    Progress,
    confirm,
    cut,
    line,
    moment,
    note,
    note_latest,
    plural,
    show_facts,
    shown,
)
from delivery.dead_letters.letters import headers_from
from delivery.dead_letters.redrive import Targets, redrive
from delivery.dead_letters.store import Filter, Store
from delivery.kafka.clients.publishing import Publisher
from telemetry.printable import printable

_HEAD: Final = ("ID", "STATE", "FAILED AT", "ATTEMPTS", "TRACE ID", "ERROR")
_ERROR_WIDTH: Final = 120


def _store() -> Store:
    return Store(table())


async def show_list(parts: Parts, wanted: Filter, limit: int) -> int:
    """A line for each."""
    rows = await _store().find(parts.engine.pool, wanted, limit)
    longest = max([len(row["id"]) for row in rows], default=len(_HEAD[0]))
    widths = (longest, 9, 24, -8, 32, 0)
    click.echo(line(_HEAD, widths))
    for row in rows:
        click.echo(line(_cells(row), widths))
    note_latest(len(rows), await _store().count(parts.engine.pool, wanted), "dead letter")
    return 0


def _cells(row: Any) -> tuple[str, ...]:
    error = f"{row['error_type']}: {' '.join(row['error_message'].split())}"
    return (
        row["id"],
        row["state"],
        moment(row["failed_at"]),
        str(row["attempts"]),
        row["trace_id"] or "-",
        printable(cut(error, _ERROR_WIDTH)),
    )


async def show_one(parts: Parts, letter_id: str) -> int:
    """Everything that is known of it."""
    row = await _store().get(parts.engine.pool, letter_id)
    if row is None:
        return _unknown([letter_id])
    stored = (row["dead_letter_topic"], row["dead_letter_partition"], row["dead_letter_offset"])
    facts = {
        "id": row["id"],
        "state": f"{row['state']} since {moment(row['state_at'])}",
        "redriven to": row["redriven_to"],
        "failed again as": row["again"],
        "redriven from": row["redriven_from"],
        "error": row["error_type"],
        "message": row["error_message"],
        "attempts": str(row["attempts"]),
        "recorded at": moment(row["recorded_at"]),
        "failed at": moment(row["failed_at"]),
        "group": row["consumer_group"],
        "trace id": row["trace_id"],
        "failed in trace": row["failed_trace_id"],
        "stored at": "/".join(map(str, stored)),
        "key": shown(row["key"]),
    }
    show_facts(facts, 17)
    for name, header in headers_from(row["headers"]):
        click.echo(f"{'header:':<17}{shown(name.encode())} = {shown(header)}")
    size = "null" if row["value"] is None else f"{len(row['value'])} bytes"
    click.echo(f"{'value:':<17}{size}")
    if row["value"]:
        click.echo(shown(row["value"]))
    return 0


async def redrive_them(parts: Parts, wanted: Filter, to: str | None, yes: bool) -> int:
    """Send back those that are new, or to a topic that is named."""
    pool = parts.engine.pool
    assert pool is not None
    failed = await _named(pool, wanted, never="discarded")
    ids = await _store().ids(pool, msgspec.structs.replace(wanted, state="new"))
    sent = 0
    if ids:
        where = to or "where they came from"
        confirm(f"Send {plural(len(ids), 'dead letter')} back to {where}?", yes)
        targets = Targets(origins={BOOK_INGESTION.name}, to=to)
        progress = Progress("redriven")
        async with Publisher(parts.kafka) as publisher, pool.acquire() as connection:
            async for outcome in redrive(connection, _store(), publisher, ids, targets):
                if outcome.redriven_to is not None:
                    sent += 1
                    click.echo(f"{outcome.id}: redriven to {outcome.redriven_to}")
                elif outcome.error is not None:
                    failed += 1
                    click.echo(f"{outcome.id}: not redriven: {outcome.error}")
                progress(sent, len(ids))
        progress.close()
    note(f"{plural(sent, 'dead letter')} redriven, {failed} failed.")
    return failed


async def discard_them(parts: Parts, wanted: Filter, yes: bool) -> int:
    """Put aside those that are new."""
    pool = parts.engine.pool
    failed = await _named(pool, wanted, never="")
    ids = await _store().ids(pool, msgspec.structs.replace(wanted, state="new"))
    discarded = 0
    if ids:
        question = f"Discard {plural(len(ids), 'dead letter')}? `restore` brings them back."
        confirm(question, yes)
        discarded = await _store().discard(pool, ids)
    note(f"{plural(discarded, 'dead letter')} discarded, {failed} failed.")
    return failed


async def restore_them(parts: Parts, wanted: Filter) -> int:
    """Make those new again that were discarded."""
    pool = parts.engine.pool
    restored = await _store().restore(pool, wanted.ids)
    rows = {row["id"] for row in await _store().find(pool, Filter(ids=wanted.ids))}
    failed = _unknown([each for each in wanted.ids if each not in rows])
    note(f"{plural(restored, 'dead letter')} restored, {failed} failed.")
    return failed


async def _named(pool: Any, wanted: Filter, never: str) -> int:
    """Say of those asked for by name why nothing is done about them: that was done before, or
    there is no such one. How many are failures: the unknown, and those in the state ``never``."""
    if not wanted.ids:
        return 0
    rows = {row["id"]: row for row in await _store().find(pool, Filter(ids=wanted.ids))}
    failed = _unknown([each for each in wanted.ids if each not in rows])
    for row in rows.values():
        if row["state"] != "new":
            where = f" to {row['redriven_to']}" if row["redriven_to"] else ""
            click.echo(f"{row['id']}: {row['state']} before{where}; nothing was done")
            failed += row["state"] == never
    return failed


def _unknown(ids: list[str]) -> int:
    for each in ids:
        note(f"{each}: there is no such dead letter (an ID is topic/partition/offset)")
    return len(ids)
