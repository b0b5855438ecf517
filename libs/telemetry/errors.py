"""How an exception is written into spans and logs: its type, where it happened, and no values.

A database's error repeats the row or the parameter that it refused ("Failing row contains (…)"),
so its details are left out, and of those about a value (SQLSTATE class 22) the text as well.
"""

import traceback
from collections.abc import Iterator
from typing import Final

from opentelemetry.trace import Span, StatusCode

from telemetry.bounds import cut, cut_start

ERROR_TYPE: Final = "error.type"


def type_of(error: BaseException) -> str:
    """The fully qualified class name, what semantic conventions ask for as ``error.type``."""
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def message_of(error: BaseException) -> str:
    """The beginning of the error's own text, without the values that a database repeats in it."""
    sqlstate = getattr(error, "sqlstate", None)
    if not isinstance(sqlstate, str):
        return cut(str(error))
    if sqlstate.startswith("22"):
        return f"SQLSTATE {sqlstate}"
    return cut(str(error.args[0])) if error.args else ""


def stacktrace_of(error: BaseException) -> str:
    """The end of the traceback as Python prints it, causes first, ``message_of`` as its text."""
    return cut_start("".join(_chain(error, set())))


def _chain(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    cause, context = error.__cause__, error.__context__
    if cause is not None and id(cause) not in seen:
        yield from _chain(cause, seen)
        yield "\nThe above exception was the direct cause of the following exception:\n\n"
    elif context is not None and not error.__suppress_context__ and id(context) not in seen:
        yield from _chain(context, seen)
        yield "\nDuring handling of the above exception, another exception occurred:\n\n"
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(error.__traceback__)
    message = message_of(error)
    yield f"{type_of(error)}: {message}\n" if message else f"{type_of(error)}\n"
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from ("    " + line for line in "".join(_chain(inner, seen)).splitlines(True))


def add_exception(span: Span, error: BaseException) -> None:
    """Add the exception event of the semantic conventions to a span."""
    span.add_event(
        "exception",
        {
            "exception.type": type_of(error),
            "exception.message": message_of(error),
            "exception.stacktrace": stacktrace_of(error),
        },
    )


def mark_failed(span: Span, error: BaseException) -> None:
    """Give a span the error status and ``error.type``, without an exception event."""
    span.set_attribute(ERROR_TYPE, type_of(error))
    span.set_status(StatusCode.ERROR, message_of(error))
