"""The operator's commands for parked rows, for any service that has an outbox:

    if __name__ == "__main__":
        outbox_commands("python -m shop.outbox", program)()

``program`` makes what they run on of the environment, once a command runs and not for its help.
"""

from collections.abc import Callable
from typing import Any, Final

import click

from delivery.commands.console import Refused, must_be_able_to_ask
from delivery.commands.program import Program, of_settings
from delivery.sending import parked_commands as work
from delivery.sending.parked import Parked

_HELP: Final = """\
Records that Kafka refuses for good, as too large or for a topic that there is not: look at them,
have them sent after all, or give them up.

The relay has put them aside, so that they hold up nobody. They are in PostgreSQL, and these
commands need no Kafka.

\b
  list                       what there is
  list --topic orders
  show 4711                  all about one
  retry 4711                 the cause is gone: send it
  retry --error MessageSizeTooLargeError
  discard 4711               give it up for good
"""

_RETRY: Final = """\
Have the relay send parked rows: it does so within a second or so, and parks again what Kafka still
refuses. A topic that there was not is looked for once a minute.

Takes IDs, or --all, or --error. Records of the same key may have been sent in the meantime: a
retried one comes after them.

Exit status: 0 all of them wait to be sent, 1 one does not, 2 wrong arguments or not confirmed.
"""

_DISCARD: Final = """\
Delete parked rows, each with its record. A discarded one cannot come back: `show` it before.

Takes IDs, or --all, or --error.

Exit status: 0 all of them are gone, 1 one was not parked, 2 wrong arguments or not confirmed.
"""

_ID: Final = click.IntRange(1, 2**63 - 1)


def outbox_commands(prog: str, program: Callable[[], Program]) -> Callable[[], Any]:
    """The command line of this name. ``program`` may raise SettingsError."""

    @click.group(
        prog,
        help=_HELP,
        context_settings={"max_content_width": 100},
    )
    def group() -> None:
        pass

    def run(name: str, works: Callable[[Any], Any]) -> None:
        made = of_settings(program)
        made.run(f"outbox {name}", lambda: works(made.engine.pool))

    @group.command("list", short_help="What there is, the latest last.")
    @click.option("--topic", metavar="TOPIC", help="Only those for this topic.")
    @click.option("--error", metavar="TYPE", help="Only those of this error.")
    @click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=100,
        metavar="N",
        show_default=True,
        help="The latest N.",
    )
    def list_(topic: str | None, error: str | None, limit: int) -> None:
        """List parked rows, the latest last. Touches nothing."""
        wanted = Parked(topic=topic, error=error)
        run("list", lambda pool: work.show_list(pool, wanted, limit))

    @group.command("show", short_help="All about one.")
    @click.argument("id_", metavar="ID", type=_ID)
    def show(id_: int) -> None:
        """Show one row: why it is parked, its request's trace, key and value. Touches nothing."""
        run("show", lambda pool: work.show_one(pool, id_))

    @group.command("retry", help=_RETRY, short_help="Have them sent.")
    @_changing
    def retry(wanted: Parked, yes: bool) -> None:
        run("retry", lambda pool: work.retry_them(pool, wanted, yes))

    @group.command("discard", help=_DISCARD, short_help="Give them up for good.")
    @_changing
    def discard(wanted: Parked, yes: bool) -> None:
        run("discard", lambda pool: work.discard_them(pool, wanted, yes))

    return lambda: group(prog_name=prog)


def _changing(command: Callable[[Parked, bool], None]) -> Callable[..., None]:
    """Arguments that say which ones; none at all is not "all"."""

    @click.argument("ids", nargs=-1, metavar="[ID]...", type=_ID)
    @click.option("--all", "all_", is_flag=True, help="All that are parked.")
    @click.option("--error", metavar="TYPE", help="Those of this error.")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    def checked(ids: tuple[int, ...], all_: bool, error: str | None, yes: bool) -> None:
        if sum((bool(ids), all_, error is not None)) != 1:
            raise Refused("say which: IDs, or --all, or --error TYPE")
        must_be_able_to_ask(yes)
        command(Parked(ids=tuple(dict.fromkeys(ids)), error=error), yes)

    return checked
