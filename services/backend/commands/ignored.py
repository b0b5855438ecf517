"""``faust -A backend.app ignored``: changes that were ignored, and should not have been."""

from typing import Any, Final

import click

from backend.commands.parts import Parts, run
from backend.ingestion.ignored import listed
from delivery.commands.console import line, moment, note, plural
from delivery.commands.parsed import Parsed
from delivery.replay import arguments

_HELP: Final = """\
Changes that were ignored, although they are no repeats: another event had been applied at their
sequence, or at a higher one. That is what a restored database of bookapp's leads to, and
docs/operations.md has the way back: `python -m bookapp.lift`.

A change is over, and listed with --all only, when its book has a newer state. Touches nothing.
"""
_HEAD: Final = ("BOOK", "SEQUENCE", "OCCURRED AT", "EVENT", "APPLIED", "BY EVENT", "OVER")
_WIDTHS: Final = (-19, -8, 24, 36, -8, 36, 4)


def ignored_command(parts: Parts) -> click.Command:
    """The command, over these parts."""

    @click.command("ignored", help=_HELP, short_help="Changes that were ignored in error.")
    @click.option("--all", "all_", is_flag=True, help="Those that are over, too.")
    @click.option(
        "--limit",
        type=Parsed("count", arguments.parse_count),
        default="100",
        metavar="N",
        help="The first N.",
        show_default=True,
    )
    def ignored(all_: bool, limit: int) -> None:
        run(parts, "ignored", lambda: _show(parts, all_, limit))

    return ignored


async def _show(parts: Parts, all_: bool, limit: int) -> int:
    rows = await listed(limit + 1, over=all_)
    click.echo(line(_HEAD, _WIDTHS))
    for row in rows[:limit]:
        click.echo(line(_cells(row), _WIDTHS))
    more = "; there are more, --limit shows them" if len(rows) > limit else ""
    note(f"{plural(len(rows[:limit]), 'change')}{more}.")
    return 0


def _cells(row: Any) -> tuple[str, ...]:
    return (
        str(row["book_id"]),
        str(row["sequence"]),
        moment(row["occurred_at"]),
        str(row["event_id"]),
        str(row["applied_sequence"]),
        str(row["applied_event_id"]),
        "" if row["open"] else "yes",
    )
