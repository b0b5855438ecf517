"""What the commands for parked rows do. Each returns how many rows failed."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import asyncpg
import click
import msgspec

from delivery.commands.console import (
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
from delivery.sending import parked
from delivery.sending.parked import Parked
from telemetry.printable import printable

_HEAD: Final = ("ID", "TOPIC", "KEY", "SIZE", "PARKED AT", "ERROR")
_KEY_WIDTH: Final = 40
_ERROR_WIDTH: Final = 120


async def show_list(pool: asyncpg.Pool, wanted: Parked, limit: int) -> int:
    """A line for each."""
    rows = await parked.find(pool, wanted, limit)
    cells = [_cells(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(_HEAD, *cells, strict=True)]
    widths = [-widths[0], *widths[1:3], -widths[3], widths[4], 0]
    click.echo(line(_HEAD, widths))
    for each in cells:
        click.echo(line(each, widths))
    note_latest(len(rows), await parked.count(pool, wanted), "parked row")
    return 0


def _cells(row: Any) -> tuple[str, ...]:
    return (
        str(row["id"]),
        printable(row["topic"]),
        cut(shown(row["key"]), _KEY_WIDTH),
        str(row["size"]),
        moment(row["parked_at"]),
        cut(printable(row["error"] or "-"), _ERROR_WIDTH),
    )


async def show_one(pool: asyncpg.Pool, row_id: int) -> int:
    """Everything that is known of it."""
    row = await parked.get(pool, row_id)
    if row is None:
        return _unknown(row_id)
    context = msgspec.json.decode(row["trace_context"] or "{}", type=dict[str, str])
    since = row["parked_at"]
    facts = {
        "id": str(row["id"]),
        "state": f"parked since {moment(since)}" if since else "waits to be sent",
        "error": row["error"],
        "topic": row["topic"],
        "written at": moment(row["created_at"]),
        **context,
        "key": shown(row["key"]),
        "value": plural(len(row["value"]), "byte"),
    }
    show_facts(facts, 13)
    if row["value"]:
        click.echo(shown(row["value"]))
    return 0


async def retry_them(pool: asyncpg.Pool, wanted: Parked, yes: bool) -> int:
    """Have them sent. One that waits to be sent already is no failure."""
    question = "Have {} sent?"
    return await _change(pool, wanted, yes, question, parked.retry, "will be tried again", 0)


async def discard_them(pool: asyncpg.Pool, wanted: Parked, yes: bool) -> int:
    """Give them up."""
    question = "Discard {}? The records are deleted and cannot come back."
    return await _change(pool, wanted, yes, question, parked.discard, "discarded", 1)


async def _change(
    pool: asyncpg.Pool,
    wanted: Parked,
    yes: bool,
    question: str,
    change: Callable[[asyncpg.Pool, Sequence[int]], Awaitable[list[int]]],
    done: str,
    waiting_fails: int,
) -> int:
    ids = await parked.ids(pool, wanted)
    failed = 0
    for other in sorted(set(wanted.ids) - set(ids)):
        if await parked.get(pool, other) is None:
            failed += _unknown(other)
        else:
            note(f"{other}: is not parked and waits to be sent; nothing was done")
            failed += waiting_fails
    changed: list[int] = []
    if ids:
        confirm(question.format(plural(len(ids), "parked row")), yes)
        changed = sorted(await change(pool, ids))
        for row_id in changed:
            click.echo(f"{row_id}: {done}")
    note(f"{plural(len(changed), 'parked row')} {done}, {failed} failed.")
    return failed


def _unknown(row_id: int) -> int:
    note(f"{row_id}: there is no such row in the outbox; what Kafka has taken is not there")
    return 1
