"""OTLP over gRPC into the same store: for tests of services that are told to export so."""

from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace

from embedded.ports import LOOPBACK
from embedded.receiver import otlp
from embedded.receiver.store import Store

_SERVICE = "opentelemetry.proto.collector.{0}.v1.{1}Service"


def _service(
    name: str, request: Any, response: Any, take: Callable[[Any], None]
) -> grpc.GenericRpcHandler:
    """One OTLP service: its single method hands the message on and answers with an empty one."""

    async def export(message: Any, context: object) -> Any:
        take(message)
        return response()

    method = grpc.unary_unary_rpc_method_handler(
        export,
        request_deserializer=request.FromString,
        response_serializer=response.SerializeToString,
    )
    full_name = _SERVICE.format(name.lower(), name)
    return grpc.method_handlers_generic_handler(full_name, {"Export": method})


async def start_grpc(store: Store) -> tuple[grpc.aio.Server, int]:
    """A started server and the free port that it took."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (
            _service(
                "Trace",
                trace.ExportTraceServiceRequest,
                trace.ExportTraceServiceResponse,
                lambda message: store.add_spans(otlp.spans_of(message)),
            ),
            _service(
                "Logs",
                logs.ExportLogsServiceRequest,
                logs.ExportLogsServiceResponse,
                lambda message: store.add_logs(otlp.logs_of(message)),
            ),
            _service(
                "Metrics",
                metrics.ExportMetricsServiceRequest,
                metrics.ExportMetricsServiceResponse,
                lambda message: store.add_points(otlp.points_of(message)),
            ),
        )
    )
    bound = server.add_insecure_port(f"{LOOPBACK}:0")
    await server.start()
    return server, bound
