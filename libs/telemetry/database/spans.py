"""The span around one run of a statement."""

from collections.abc import Awaitable
from typing import Any, TypeVar

from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind

from telemetry.database.statements import Server, describe
from telemetry.errors import mark_failed
from telemetry.spans import start_span

T = TypeVar("T")

_tracer = trace.get_tracer("telemetry.database")


def start(
    text: str, server: Server, *, has_parameters: bool, batch_size: int | None = None
) -> Span | None:
    """A started span, a child of the current one; None where there is to be none.

    ``batch_size`` is how many sets of parameters the statement is run with, where it is several.
    """
    if trace.get_current_span() is INVALID_SPAN:
        return None
    statement = describe(text, server, has_parameters=has_parameters)
    if statement is None:
        return None
    attributes = statement.attributes
    if batch_size is not None:
        attributes = {**attributes, "db.operation.batch.size": batch_size}
    return start_span(_tracer, statement.name, SpanKind.CLIENT, attributes)


def fail(span: Span, error: BaseException) -> None:
    """Say on the span how the statement failed."""
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str):
        span.set_attribute("db.response.status_code", sqlstate)
    mark_failed(span, error)


def size_of(parameters: Any) -> int | None:
    """How many sets of parameters there are, None where counting would use them up."""
    return len(parameters) if hasattr(parameters, "__len__") else None


async def traced(span: Span | None, running: Awaitable[T]) -> T:
    """What ``running`` gives, and the end of the span with it."""
    if span is None:
        return await running
    try:
        return await running
    except BaseException as error:
        fail(span, error)
        raise
    finally:
        span.end()
