"""The span of one run of a statement."""

import time
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Any, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN, SpanKind
from opentelemetry.util.types import AttributeValue

from telemetry.database.statements import Server, describe
from telemetry.errors import mark_failed
from telemetry.later import soon
from telemetry.spans import start_span

T = TypeVar("T")

_tracer = trace.get_tracer("telemetry.database")


class Run:
    """One run of a statement, from its start to its ``end``, which makes the span of it.

    There is no span before: nothing happens beneath it that would have to know it, and it is
    cheaper among others (``telemetry.later``).
    """

    __slots__ = ("_attributes", "_context", "_name", "_started")

    def __init__(self, name: str, attributes: Mapping[str, AttributeValue], parent: Context):
        self._name = name
        self._attributes = attributes
        self._context = parent
        self._started = time.time_ns()

    def end(self, error: BaseException | None = None) -> None:
        """It ended now; with ``error``, if it failed."""
        ended = time.time_ns()
        if error is None:
            soon(partial(self._record, ended))
        else:
            self._record(ended, error)

    def _record(self, ended: int, error: BaseException | None = None) -> None:
        span = start_span(
            _tracer,
            self._name,
            SpanKind.CLIENT,
            self._attributes,
            self._context,
            start_time=self._started,
        )
        if error is not None:
            sqlstate = getattr(error, "sqlstate", None)
            if isinstance(sqlstate, str):
                span.set_attribute("db.response.status_code", sqlstate)
            mark_failed(span, error)
        span.end(ended)


def start(
    text: str, server: Server, *, has_parameters: bool, batch_size: int | None = None
) -> Run | None:
    """A run that starts now, beneath the current span; None where there is to be no span of it.

    ``batch_size`` is how many sets of parameters the statement is run with, where it is several.
    """
    context = get_current()
    if trace.get_current_span(context) is INVALID_SPAN:
        return None
    statement = describe(text, server, has_parameters=has_parameters)
    if statement is None:
        return None
    attributes = statement.attributes
    if batch_size is not None:
        attributes = {**attributes, "db.operation.batch.size": batch_size}
    return Run(statement.name, attributes, context)


def size_of(parameters: Any) -> int | None:
    """How many sets of parameters there are, None where counting would use them up."""
    return len(parameters) if hasattr(parameters, "__len__") else None


async def traced(run: Run | None, running: Awaitable[T]) -> T:
    """What ``running`` gives, and the end of the run with it."""
    if run is None:
        return await running
    try:
        result = await running
    except BaseException as error:
        run.end(error)
        raise
    run.end()
    return result
