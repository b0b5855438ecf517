"""What the commands are given by the composition root, and how each of them runs."""

import asyncio
import logging
import os
import select
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import NoReturn

import asyncpg
import click
import msgspec
from aiokafka.errors import KafkaError
from opentelemetry import trace

from backend.database import APPS
from delivery.kafka.availability import one_line
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import (
    DatabaseBusy,
    Engine,
    UnfitDatabase,
    bind_tables,
    close_pool,
    is_database_away,
    open_pool,
)
from delivery.replay.reading import Missing
from delivery.replay.rebuild import Empty
from delivery.replay.shadow import Busy, Changed
from telemetry import Telemetry
from telemetry.errors import add_exception, mark_failed

_STATEMENT_S = 60.0
_CLOSE_S = 2.0

_tracer = trace.get_tracer("backend.commands")


class Parts(msgspec.Struct, frozen=True):
    """Settings and parts; nothing is connected to before a command runs."""

    kafka: KafkaSettings
    engine: Engine
    telemetry: Telemetry


class Failed(click.ClickException):
    """One line for the operator, and exit status 1."""


def run(parts: Parts, name: str, work: Callable[[], Awaitable[int]]) -> NoReturn:
    """Run a command's work in a span of its own, the root of a trace, and end the process.

    ``work`` returns how many records failed. The exit status is 0 when none did, 1 when one did or
    the work could not be done, 130 after Ctrl-C. What telemetry has buffered is sent first.
    """
    root = logging.getLogger()
    if root.level > logging.DEBUG:
        root.setLevel(max(root.level, logging.WARNING))  # what is said here is said to a person
    try:
        with _tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                failed = asyncio.run(_with_pool(parts, work))
            except Exception as error:
                if _nobody_reads(error):
                    raise
                add_exception(span, error)
                mark_failed(span, error)
                raise
            if failed:
                span.set_status(trace.StatusCode.ERROR, f"{failed} failed")
    except KeyboardInterrupt:
        click.echo("\nInterrupted. What was said to be done is done, and no more.", err=True)
        status = 130
    except Exception as error:
        if _nobody_reads(error):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(141)  # as of a process that SIGPIPE ends; `| head` has what it wants
        line = _explained(error)
        if line is None:
            raise
        raise Failed(line) from error
    else:
        status = 1 if failed else 0
    finally:
        sys.stdout.flush()
        parts.telemetry.shutdown()
    sys.exit(status)


async def _with_pool(parts: Parts, work: Callable[[], Awaitable[int]]) -> int:
    bind_tables(parts.engine, APPS)
    await open_pool(parts.engine, max_size=2, command_timeout=_STATEMENT_S)
    try:
        return await work()
    finally:
        await close_pool(parts.engine, _CLOSE_S)


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


def _explained(error: Exception) -> str | None:
    """One line for what can be expected to go wrong; None for a mistake of ours."""
    if isinstance(error, Missing | Busy | Changed | Empty | DatabaseBusy | UnfitDatabase):
        return str(error)
    if isinstance(error, asyncpg.UndefinedTableError):
        return "the database has not been migrated: python -m backend.migrate"
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
        return f"Kafka is away: {one_line(error)}"
    return None
