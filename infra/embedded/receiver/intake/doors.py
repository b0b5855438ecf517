"""Where telemetry comes in: OTLP over HTTP/protobuf, and Sentry's envelopes."""

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import DecodeError
from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, HTTPException

from embedded.receiver.intake.bodies import body_of
from embedded.receiver.intake.logs import logs_of
from embedded.receiver.intake.metrics import points_of
from embedded.receiver.intake.pacing import take_in_turns
from embedded.receiver.intake.sentry import events_of
from embedded.receiver.intake.traces import spans_of
from embedded.receiver.intake.wire import Malformed, TooMuch

_ACCEPTED = Response(b"", media_type="application/x-protobuf")

AnyRequest = Request[Any, Any, State]


@post("/v1/traces", status_code=200)
async def take_traces(request: AnyRequest, state: State) -> Response[bytes]:
    return await _take(request, state, spans_of, state.store.add_spans)


@post("/v1/logs", status_code=200)
async def take_logs(request: AnyRequest, state: State) -> Response[bytes]:
    return await _take(request, state, logs_of, state.store.add_logs)


@post("/v1/metrics", status_code=200)
async def take_metrics(request: AnyRequest, state: State) -> Response[bytes]:
    return await _take(request, state, points_of, state.store.add_points)


@post("/api/{project:int}/envelope", status_code=200)
async def take_envelope(project: int, request: AnyRequest, state: State) -> dict[str, str]:
    """Any project is taken: a DSN on loopback needs no account."""
    async with body_of(request, state.in_flight) as body:
        try:
            events = list(events_of(body))
        except ValueError as error:
            raise ClientException(str(error)) from error
        state.store.add_sentry(events)
    return {"id": events[0].event_id if events else ""}


async def _take(
    request: AnyRequest,
    state: State,
    decode: Callable[[bytes], Iterator[Any]],
    add: Callable[[list[Any]], None],
) -> Response[bytes]:
    """400 for what does not parse, 413 for too many pieces.

    Then what was decoded before is kept; when it is sent again, it is not kept twice.
    """
    async with body_of(request, state.in_flight) as body:
        try:
            await take_in_turns(decode(body), add)
        except (Malformed, DecodeError) as error:
            raise ClientException(f"the body is not OTLP: {error}") from error
        except TooMuch as error:
            raise HTTPException(str(error), status_code=413) from error
    return _ACCEPTED


DOORS = [take_traces, take_logs, take_metrics, take_envelope]
