"""What the commands say and ask. Answers go to standard output; the rest to standard error."""

import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import click
from aiokafka import ConsumerRecord

from telemetry.printable import printable

_EVERY_S: Final = 0.25


class Refused(click.UsageError):
    """Nothing was done, because of how the command was called: exit status 2."""


class Declined(click.ClickException):
    """The operator was asked and did not say yes: one line, and exit status 2."""

    exit_code = 2


class WrongSetting(click.ClickException):
    """A setting is missing or wrong: one line, and exit status 2."""

    exit_code = 2


def must_be_able_to_ask(yes: bool) -> None:
    """Refuse early what would be refused later."""
    if not yes and not sys.stdin.isatty():
        raise Refused("this changes something and nobody is there to be asked: add --yes")


def confirm(question: str, yes: bool) -> None:
    """Go on only after a yes: the option's, or the operator's."""
    must_be_able_to_ask(yes)
    if not yes and not click.confirm(question, default=False, err=True):
        raise Declined("nothing was changed")


def note(text: str) -> None:
    """Say something about the work."""
    click.echo(text, err=True)


def plural(count: int, noun: str) -> str:
    """``1 record``, ``1,200 records``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def moment(time: datetime) -> str:
    """UTC, to the millisecond."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"


def shown(raw: bytes | None) -> str:
    """Bytes as text on one line, escaped where they are none; ``-`` for null."""
    if raw is None:
        return "-"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in raw.decode("utf-8", "backslashreplace")
    )


def cut(text: str, width: int) -> str:
    """At most ``width`` characters of it; the last one tells that there were more."""
    return text if len(text) <= width else text[: width - 1] + "…"


def line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """A row of a table; numbers' columns have a negative width, and stand to the right."""
    padded = (
        cell.rjust(-width) if width < 0 else cell.ljust(width)
        for cell, width in zip(cells, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def note_latest(listed: int, found: int, noun: str) -> None:
    """Below a list: how many there are, and how to see those that it leaves out."""
    if found > listed:
        note(f"The latest {listed:,} of {found:,}; --limit shows more.")
    else:
        note(plural(found, noun) + ".")


def show_facts(facts: Mapping[str, str | None], width: int) -> None:
    """A line for each that is known, with the names in a column of this width."""
    for name, value in facts.items():
        if value:
            click.echo(f"{printable(name) + ':':<{width}}{printable(value)}")


class Progress:
    """How far a long run is, a few times a second, where somebody looks."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._started = time.monotonic()
        self._last = self._started
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last < _EVERY_S or not sys.stderr.isatty():
            return
        self._last, self._shown = now, True
        rate = done / (now - self._started)
        percent = 100 * done // max(1, total)
        sys.stderr.write(
            f"\r{self._what}: {done:,} of {total:,} ({percent} %), {rate:,.0f}/s\x1b[K"
        )
        sys.stderr.flush()

    def close(self) -> None:
        """Clear the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    async def watch(
        self, batches: AsyncIterator[list[ConsumerRecord]], total: int
    ) -> AsyncIterator[list[ConsumerRecord]]:
        """The batches, counted as they go by."""
        done = 0
        async for batch in batches:
            yield batch
            done += len(batch)
            self(done, total)
