"""``faust -A backend.app replay``: what an operator may ask for, and what goes together."""

import datetime as dt
from typing import Any, Final, get_args

import click

from backend.commands import replay_modes
from backend.commands.parts import Parts, run
from backend.commands.rebuild import rebuild
from contracts.records import BookRecord
from contracts.topics import BOOK_INGESTION
from delivery.commands.console import Refused, must_be_able_to_ask
from delivery.commands.parsed import Parsed
from delivery.replay import arguments
from delivery.replay.selection import UNDECODABLE, Selection

TYPES: Final = (*(str(kind.__struct_config__.tag) for kind in get_args(BookRecord)), UNDECODABLE)

_HELP: Final = """\
Read records of TOPIC again, and show, handle or publish them.

TOPIC is book_ingestion unless you name another one. Without an action this shows a table and
touches nothing. Whatever you ask for: the consumer group's offsets are never moved, the running
workers are not disturbed, and nothing on a topic is changed or removed.

The examples go behind `faust -A backend.app`.

\b
Look (nothing is touched):
  replay --since 10m                          what came in the last ten minutes
  replay --key 7 --print                      everything about book 7, decoded
  replay --partition 2 --offset 1187          one record
  replay --trace 0af7651916cd43dd8448eb211c80319c

\b
Debug (runs the handler in this process, breakpoints stop; rolled back):
  replay --partition 2 --offset 1187 --handle

\b
Change (asks first):
  replay --key 7 --handle --apply             write book 7's entry again
  replay --since 1h --publish book_ingestion  send to every consumer again
  replay --rebuild                            a lost or wrong read model, from the topic

Several selectors must all hold; a selector given twice takes either. Records come partition by
partition, by offset. The end of the topic is settled at the start.

Exit status: 0 done, 1 a record failed or Kafka or PostgreSQL is away, 2 wrong arguments or not
confirmed.
"""


_DURATION: Final = Parsed("duration", arguments.parse_duration)
_TIME: Final = Parsed("time", arguments.parse_time)
_OFFSETS: Final = Parsed("offsets", arguments.parse_offsets)
_TRACE: Final = Parsed("trace", arguments.parse_trace)
_COUNT: Final = Parsed("count", arguments.parse_count)

_OPTIONS: Final = (
    click.option(
        "--partition",
        "partitions",
        type=int,
        multiple=True,
        metavar="N",
        help="Of this partition.",
    ),
    click.option(
        "--offset",
        "offsets",
        type=_OFFSETS,
        metavar="FROM[-TO]",
        help="Offsets of the one --partition, both included: 1187, 1187-1190, 1187- or -1190.",
    ),
    click.option(
        "--since",
        type=_DURATION,
        metavar="TIME",
        help="Records of the last 90s, 10m, 1h30m, 2d …",
    ),
    click.option("--from", "from_", type=_TIME, metavar="TIME", help="From here on (ISO, UTC)."),
    click.option("--until", type=_TIME, metavar="TIME", help="Earlier than this (ISO, UTC)."),
    click.option(
        "--key", "keys", multiple=True, metavar="KEY", help="The record's key: a book id."
    ),
    click.option(
        "--trace",
        "traces",
        type=_TRACE,
        multiple=True,
        metavar="ID",
        help="Caused by the request of this trace: its id, or a response's traceparent.",
    ),
    click.option(
        "--type", "types", type=click.Choice(TYPES), multiple=True, help="What the record says."
    ),
    click.option("--limit", type=_COUNT, metavar="N", help="The first N of them."),
    click.option(
        "--dry-run", "table", is_flag=True, help="Show a table; what happens without an action."
    ),
    click.option("--print", "print_", is_flag=True, help="Show the decoded records, JSON lines."),
    click.option(
        "--handle",
        is_flag=True,
        help="Run the handler here, in the foreground, without the sequence guard: an old record is"
        " handled as if it were the newest. Each record's effect is rolled back.",
    ),
    click.option(
        "--apply",
        "apply_",
        is_flag=True,
        help="With --handle: keep the effects. There is no guard: where the newest record of a book"
        " is not selected, the book goes back to an older state.",
    ),
    click.option(
        "--publish",
        metavar="TOPIC",
        help="Send them to this topic: exact key, value and headers, with a trace context of their"
        " own that links to the old one.",
    ),
    click.option(
        "--rebuild",
        "rebuild_",
        is_flag=True,
        help="Make the read model anew from the whole topic, beside the live one and while workers"
        " go on; then put it in the live one's place, in one transaction. Interrupted before that,"
        " nothing has changed. Takes no selectors. The dead letters are not touched.",
    ),
    click.option("--yes", is_flag=True, help="Do not ask before something is changed."),
)


def replay_command(parts: Parts) -> click.Command:
    """The command, over these parts."""

    def replay(topic: str, **options: Any) -> None:
        dispatch(parts, topic, **options)

    command = click.argument("topic", default=BOOK_INGESTION.name, metavar="[TOPIC]")(replay)
    for option in reversed(_OPTIONS):
        command = option(command)
    return click.command(
        "replay",
        help=_HELP,
        context_settings={"max_content_width": 100},
        short_help="Read records again: show, handle here, publish, rebuild the read model.",
    )(command)


def dispatch(parts: Parts, topic: str, **options: Any) -> None:
    """Check what goes together, and run it. Raises click.UsageError."""
    selection = selection_of(options)
    actions = ["table", "print_", "handle", "publish", "rebuild_"]
    chosen = [name for name in actions if options[name]]
    if len(chosen) > 1:
        raise Refused("choose one of --dry-run, --print, --handle, --publish and --rebuild")
    if options["apply_"] and not options["handle"]:
        raise Refused("--apply goes with --handle")
    if options["rebuild_"] and selection != Selection():
        raise Refused("--rebuild takes the whole topic: leave the selectors out")
    yes: bool = options["yes"]
    if options["apply_"] or options["publish"] or options["rebuild_"]:
        must_be_able_to_ask(yes)

    action = chosen[0] if chosen else "table"
    if action == "rebuild_":
        run(parts, f"rebuild {topic}", lambda: rebuild(parts, topic, yes))
    modes = replay_modes.Modes(parts, topic, selection, yes)
    works = {
        "table": modes.show_table,
        "print_": modes.print_records,
        "handle": lambda: modes.handle(options["apply_"]),
        "publish": lambda: modes.publish(options["publish"]),
    }
    run(parts, f"replay {topic}", works[action])


def selection_of(options: dict[str, Any]) -> Selection:
    """The selection that these options describe. Raises click.UsageError."""
    offsets, since, start = options["offsets"], options["since"], options["from_"]
    if offsets is not None and len(options["partitions"]) != 1:
        raise Refused("--offset needs one --partition: an offset alone names no record")
    if since is not None:
        if start is not None:
            raise Refused("give --since or --from, not both")
        start = _ago(since)
    if start is not None and options["until"] is not None and options["until"] <= start:
        raise Refused("--until is not later than the start")
    first, last = offsets or (0, None)
    return Selection(
        partitions=frozenset(options["partitions"]),
        first_offset=first,
        last_offset=last,
        since=start,
        until=options["until"],
        keys=frozenset(key.encode() for key in options["keys"]),
        traces=frozenset(options["traces"]),
        types=frozenset(options["types"]),
        limit=options["limit"],
    )


def _ago(length: dt.timedelta) -> dt.datetime:
    try:
        return max(dt.datetime.now(dt.UTC) - length, dt.datetime.fromtimestamp(0, dt.UTC))
    except OverflowError:
        return dt.datetime.fromtimestamp(0, dt.UTC)
