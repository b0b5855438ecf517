"""``faust -A module …`` on an application of this library: a command does what it says, or ends in
one line that says why not.

Faust runs each command under a worker of its own, which prints what is wrong as two tracebacks.
Here Faust's commands run alone. Those for tables are refused. Commands of other applications, also
in this process, go on as before.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click
from click.core import ParameterSource
from faust.cli.base import Command

from delivery.kafka.app import KafkaApp
from delivery.kafka.availability import one_line
from delivery.refused import Refused

_NO_TABLES: Final = "there are no tables here, and no data directory"
_REFUSED: Final = {"tables": _NO_TABLES, "reset": _NO_TABLES, "clean_versions": _NO_TABLES}
_NO_WEB: Final = "Faust's web server is off: serve HTTP from a service in app.before_kafka"
_REFUSED_OPTIONS: Final = {
    "web_port": _NO_WEB,
    "web_bind": _NO_WEB,
    "web_host": _NO_WEB,
    "web_transport": _NO_WEB,
    "datadir": _NO_TABLES,
}
_run_under_a_worker: Final = Command.run_using_worker


def run_commands_alone() -> None:
    """For every application of this library; more than once does no harm."""
    Command.run_using_worker = _run  # type: ignore[method-assign]


def _run(self: Command, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(getattr(self, "app", None), KafkaApp):
        return _run_under_a_worker(self, *args, **kwargs)
    name = type(self).__name__
    try:
        if name in _REFUSED:
            raise Refused(f"faust {name.replace('_', '-')}: {_REFUSED[name]}")
        if self.daemon:
            return _run_under_a_worker(self, *args, **kwargs)
        asyncio.run(self.execute(*self.args, *args, **self.kwargs, **kwargs))
    except click.ClickException as error:
        error.message = " ".join(error.message.split())
        error.show()
        raise SystemExit(error.exit_code) from None
    except Exception as error:
        if not type(self).__module__.startswith("faust.cli."):
            raise  # somebody's own command: its author wants to see where
        click.echo(f"Error: {one_line(error)}", err=True)
        raise SystemExit(1) from None
    raise SystemExit(0)


def asks_for_help(argv: Sequence[str]) -> bool:
    """Whether this command line asks what there is, for which an application need not be able to
    run: Faust imports it first."""
    return "--help" in argv


def obey_options(level: str | int | None) -> None:
    """Do what ``faust worker`` was told on the command line and Faust would not do.

    Where logging is set up already, ``-l`` sets the level of all that is logged; what was set up is
    kept otherwise, and without ``-l`` nothing changes.

    Raises:
        Refused: an option that does nothing here.
    """
    given = dict(_given_options())
    for option, reason in _REFUSED_OPTIONS.items():
        if option in given:
            raise Refused(f"--{option.replace('_', '-')}: {reason}")
    if given.get("with_web"):
        raise Refused(f"--with-web: {_NO_WEB}")
    if not logging.getLogger().handlers:
        return
    if "logfile" in given:
        raise Refused("--logfile: the application has set up its logging: redirect standard error")
    if "loglevel" in given and level is not None:
        logging.getLogger().setLevel(_number_of(level))


def _given_options() -> Iterator[tuple[str, Any]]:
    context = click.get_current_context(silent=True)
    while context is not None:
        for parameter in context.command.params:
            name = parameter.name or ""
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                yield name, context.params.get(name)
        context = context.parent


def _number_of(level: str | int) -> int:
    if isinstance(level, int):
        return level
    name = {"CRIT": "CRITICAL", "WARN": "WARNING"}.get(level.upper(), level.upper())
    return logging.getLevelNamesMapping()[name]
