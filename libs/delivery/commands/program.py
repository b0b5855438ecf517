"""How a command runs: in a span of its own, on a pool of its own, with one line for what went wrong
and an exit status that a script can use."""

import asyncio
import logging
import os
import select
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn, TypeVar

import asyncpg
import click
import msgspec
from aiokafka.errors import KafkaError
from opentelemetry import trace

from delivery.commands.console import WrongSetting
from delivery.kafka.availability import one_line
from delivery.kafka.remedies import remedy
from delivery.postgres import (
    DatabaseBusy,
    Engine,
    UnfitDatabase,
    bind_tables,
    close_pool,
    is_database_away,
    open_pool,
)
from telemetry.environment import SettingsError
from telemetry.errors import add_exception, mark_failed

_T = TypeVar("_T")
_STATEMENT_S = 60.0
_CLOSE_S = 2.0

_tracer = trace.get_tracer("delivery.commands")


class Failed(click.ClickException):
    """One line for the operator, and exit status 1."""


def _nothing() -> None:
    """For a program without telemetry."""


class Program(msgspec.Struct, frozen=True):
    """What commands run on; nothing is connected to before one runs.

    ``apps`` are Piccolo's, with tables in the engine's schema; ``migrate`` is what to run where
    they are missing. ``expected`` are errors whose text is all that an operator has to be told.
    ``finish`` is called at the end, whatever came, and sends what telemetry has buffered.
    """

    engine: Engine
    apps: Sequence[str]
    migrate: str
    expected: tuple[type[Exception], ...] = ()
    finish: Callable[[], None] = _nothing

    def run(self, name: str, work: Callable[[], Awaitable[int]]) -> NoReturn:
        """Run a command's work in a span of its own, the root of a trace, and end the process.

        ``work`` returns how many of what it was to do failed. The exit status is 0 when none did, 1
        when one did or the work could not be done, 130 after Ctrl-C.
        """
        root = logging.getLogger()
        if root.level > logging.DEBUG:
            root.setLevel(max(root.level, logging.WARNING))  # what is said is said to a person
        try:
            failed = self._traced(name, work)
        except KeyboardInterrupt:
            said = "\nInterrupted. What was said to be done is done, and no more."
            click.echo(said, err=True)
            status = 130
        except Exception as error:
            if _nobody_reads(error):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                sys.exit(141)  # as of a process that SIGPIPE ends; `| head` has what it wants
            line = self._explained(error)
            if line is None:
                raise
            raise Failed(line) from error
        else:
            status = 1 if failed else 0
        finally:
            sys.stdout.flush()
            self.finish()
        sys.exit(status)

    def _traced(self, name: str, work: Callable[[], Awaitable[int]]) -> int:
        with _tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                failed = asyncio.run(self._with_pool(work))
            except Exception as error:
                if not _nobody_reads(error):
                    add_exception(span, error)
                    mark_failed(span, error)
                raise
            if failed:
                span.set_status(trace.StatusCode.ERROR, f"{failed} failed")
            return failed

    async def _with_pool(self, work: Callable[[], Awaitable[int]]) -> int:
        bind_tables(self.engine, self.apps)
        await open_pool(self.engine, max_size=2, command_timeout=_STATEMENT_S)
        try:
            return await work()
        finally:
            await close_pool(self.engine, _CLOSE_S)

    def _explained(self, error: Exception) -> str | None:
        """One line for what can be expected to go wrong; None for a mistake of ours."""
        if isinstance(error, (*self.expected, DatabaseBusy, UnfitDatabase)):
            return str(error)
        if isinstance(error, asyncpg.UndefinedTableError):
            return f"the database has not been migrated: {self.migrate}"
        if isinstance(error, asyncpg.LockNotAvailableError):
            return "the table is in use and was not given free in time; try again"
        if isinstance(error, asyncpg.PostgresError) and not is_database_away(error):
            return f"PostgreSQL refuses: {error}"
        if isinstance(error, TimeoutError):
            who = _asked(error)
            return f"{who} did not answer in time; what was not said to be done was not"
        if is_database_away(error):
            return f"PostgreSQL is away: {one_line(error)}"
        if isinstance(error, KafkaError | OSError):
            return remedy(error) or f"Kafka is away: {one_line(error)}"
        return None


def of_settings(program: Callable[[], _T]) -> _T:
    """What this makes of the environment's settings: for a command's body, so that its help needs
    none of them. Raises WrongSetting."""
    try:
        return program()
    except SettingsError as error:
        raise WrongSetting(str(error)) from None


def _nobody_reads(error: BaseException) -> bool:
    """Whether it is standard output that is closed, as by `| head`, and not a server's socket."""
    if not isinstance(error, BrokenPipeError):
        return False
    poll = select.poll()
    poll.register(sys.stdout.fileno(), select.POLLOUT)
    return any(events & select.POLLERR for _, events in poll.poll(0))


def _asked(error: BaseException) -> str:
    """Who was asked when the time ran out, told by whose code was waiting."""
    frames = traceback.walk_tb(error.__traceback__)
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in frames]
    for module in reversed(modules):
        if module.startswith(("asyncpg", "delivery.postgres", "piccolo")):
            return "PostgreSQL"
        if module.startswith(("aiokafka", "delivery.kafka", "delivery.replay.reading")):
            return "Kafka"
    return "Kafka or PostgreSQL"
