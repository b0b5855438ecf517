"""``faust -A backend.app dead-letters``: what was given up, and what to do about it."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import click

from backend.commands import letters
from backend.commands.parts import Parts, run
from delivery.commands.console import Refused, must_be_able_to_ask
from delivery.commands.parsed import Parsed
from delivery.dead_letters.store import STATES, Filter
from delivery.replay import arguments

_HELP: Final = """\
Records that the worker could not process: look at them, send them back, or put them aside.

Each has an ID, topic/partition/offset: the place that it came from. The running worker lists what
it gives up within a second or so; the list is in PostgreSQL, and needs no Kafka.

The examples go behind `faust -A backend.app`.

\b
  dead-letters list                           what there is
  dead-letters list --state new --error DecodeError
  dead-letters show book_ingestion/2/1187     all about one
  dead-letters redrive book_ingestion/2/1187  send one back, after the fix
  dead-letters redrive --all
  dead-letters discard book_ingestion/2/1187  nothing more to be done about it
  dead-letters restore book_ingestion/2/1187  it was discarded by mistake

A redriven record is a new one in its origin topic, with its exact key and value. Sending it back
when a later change of the same book has been processed changes nothing: the higher sequence wins.
"""

_REDRIVE: Final = """\
Send dead letters back to the topics that they came from, with their exact key and value.

A letter that claims to come from a topic that this worker does not consume is not sent: its headers
are what somebody wrote there. --to sends it, and all the others, to a topic that you name.

Takes IDs, or --all, or --error; only what is new is sent, so that a repeat does nothing. A record
that fails again becomes a dead letter under its new place, which names the old one. Group offsets
and the dead-letter topic are not touched.

\b
  dead-letters redrive book_ingestion/2/1187 book_ingestion/0/12
  dead-letters redrive --error DecodeError --yes

Exit status: 0 all of them are on their way (or were before), 1 one is not, 2 wrong arguments or not
confirmed.
"""

_DISCARD: Final = """\
Note that dead letters need no more attention. A discarded one is not redriven, until `restore`
makes it new again.

Takes IDs, or --all, or --error; only what is new is discarded. The record itself stays on the
dead-letter topic, and `show` still shows it.
"""

_IDS: Final = click.argument("ids", nargs=-1, metavar="[ID]...")
_ALL: Final = click.option("--all", "all_", is_flag=True, help="All that are new.")
_ERROR: Final = click.option(
    "--error", metavar="TYPE", help="Those of this error type; its last name is enough."
)
_YES: Final = click.option("--yes", is_flag=True, help="Do not ask.")


def dead_letters_command(parts: Parts) -> click.Group:
    """The group of commands, over these parts."""

    @click.group(
        "dead-letters",
        help=_HELP,
        context_settings={"max_content_width": 100},
        short_help="Records that could not be processed: list, show, redrive, discard.",
    )
    def group() -> None:
        pass

    @group.command("list", short_help="What there is, the latest last.")
    @click.option("--state", type=click.Choice(STATES), help="Only those.")
    @_ERROR
    @click.option(
        "--limit",
        type=Parsed("count", arguments.parse_count),
        default="100",
        metavar="N",
        help="The latest N.",
        show_default=True,
    )
    def list_(state: str | None, error: str | None, limit: int) -> None:
        """List dead letters, the latest last. Touches nothing."""
        wanted = Filter(error_type=error, state=state)
        run(parts, "dead-letters list", lambda: letters.show_list(parts, wanted, limit))

    @group.command("show", short_help="All about one.")
    @click.argument("id_", metavar="ID")
    def show(id_: str) -> None:
        """Show one dead letter: where from, why, its headers, key and value. Touches nothing."""
        run(parts, "dead-letters show", lambda: letters.show_one(parts, id_))

    @group.command("redrive", help=_REDRIVE, short_help="Send back to where they came from.")
    @click.option("--to", metavar="TOPIC", help="To this topic, and not where they came from.")
    @_changing
    def redrive(wanted: Filter, yes: bool, to: str | None) -> None:
        def work() -> Awaitable[int]:
            return letters.redrive_them(parts, wanted, to, yes)

        run(parts, "dead-letters redrive", work)

    @group.command("discard", help=_DISCARD, short_help="Nothing more to be done about them.")
    @_changing
    def discard(wanted: Filter, yes: bool) -> None:
        run(parts, "dead-letters discard", lambda: letters.discard_them(parts, wanted, yes))

    @group.command("restore", short_help="Make discarded ones new again.")
    @click.argument("ids", nargs=-1, required=True, metavar="ID...")
    def restore(ids: tuple[str, ...]) -> None:
        """Make dead letters new again that were discarded, so that they can be redriven."""
        wanted = Filter(ids=tuple(dict.fromkeys(ids)))
        run(parts, "dead-letters restore", lambda: letters.restore_them(parts, wanted))

    return group


def _changing(command: Callable[..., None]) -> Callable[..., None]:
    """Arguments that say which ones; none at all is not "all"."""

    @_IDS
    @_ALL
    @_ERROR
    @_YES
    def checked(ids: tuple[str, ...], all_: bool, error: str | None, yes: bool, **more: Any) -> Any:
        if sum((bool(ids), all_, error is not None)) != 1:
            raise Refused("say which: IDs, or --all, or --error TYPE")
        must_be_able_to_ask(yes)
        state = None if ids else "new"
        command(Filter(ids=tuple(dict.fromkeys(ids)), error_type=error, state=state), yes, **more)

    return checked
