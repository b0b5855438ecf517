"""OTLP over gRPC into the same store, within the same bounds."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from embedded.ports import LOOPBACK
from embedded.receiver import limits
from embedded.receiver.intake.logs import logs_of
from embedded.receiver.intake.metrics import points_of
from embedded.receiver.intake.pacing import take_in_turns
from embedded.receiver.intake.traces import spans_of
from embedded.receiver.intake.wire import Malformed, TooMuch
from embedded.receiver.kept.store import Store

_SERVICE = "opentelemetry.proto.collector.{0}.v1.{1}Service"
_REQUESTS_AT_ONCE = limits.IN_FLIGHT_BYTES // limits.BODY_BYTES
"""So that the messages of all of them are within the bound for HTTP bodies."""


def _service(
    store: Store,
    name: str,
    decode: Callable[[bytes], Iterator[Any]],
    add: Callable[[list[Any]], None],
) -> grpc.GenericRpcHandler:
    """One OTLP service: its single method takes the message's bytes, and answers an empty one."""

    async def export(body: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        try:
            await take_in_turns(decode(body), add)
        except (Malformed, DecodeError) as error:
            store.refused += 1
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"not OTLP: {error}")
        except TooMuch as error:
            store.refused += 1
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        return b""

    # Without a deserializer the bytes come as they are: they are split before they are parsed.
    method: Any = grpc.unary_unary_rpc_method_handler(export)
    full_name = _SERVICE.format(name.lower(), name)
    return grpc.method_handlers_generic_handler(full_name, {"Export": method})


async def start_grpc(
    store: Store, host: str = LOOPBACK, port: int = 0
) -> tuple[grpc.aio.Server, int]:
    """A started server and the port that it took; 0 takes a free one."""
    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", limits.BODY_BYTES)],
        maximum_concurrent_rpcs=_REQUESTS_AT_ONCE,
    )
    server.add_generic_rpc_handlers(
        (
            _service(store, "Trace", spans_of, store.add_spans),
            _service(store, "Logs", logs_of, store.add_logs),
            _service(store, "Metrics", points_of, store.add_points),
        )
    )
    bound = server.add_insecure_port(f"{host}:{port}")
    await server.start()
    return server, bound
