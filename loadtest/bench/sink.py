"""A receiver for OTLP over HTTP that costs next to nothing while a variant runs.

It answers each export with an empty 200 and appends the raw body to a file; what was received is
decoded and counted after the run (`count_spans`), so that the count is exact and costs the
measured processes nothing.
"""

import argparse
import asyncio
import gzip
import struct
from collections import Counter
from pathlib import Path
from typing import cast

import uvloop
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"


class _Exporter(asyncio.Protocol):
    def __init__(self, out: Path) -> None:
        self.file = out.open("ab", buffering=0)
        self.buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast and no check: uvloop's transports do not derive from asyncio's.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.buffer[:end]).lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            body = bytes(self.buffer[end + 4 : end + 4 + length])
            del self.buffer[: end + 4 + length]
            if b" /v1/traces " in head.split(b"\r\n", 1)[0]:
                self.file.write(struct.pack("<I", len(body)) + body)
            self.transport.write(_ANSWER)

    def connection_lost(self, exc: Exception | None) -> None:
        self.file.close()


def count_spans(received: Path) -> Counter[str]:
    """How many spans stand in the file, keyed `service/kind/name`: `bookapp/server/GET /books`."""
    counts: Counter[str] = Counter()
    data = received.read_bytes() if received.exists() else b""
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        body = data[at + 4 : at + 4 + length]
        at += 4 + length
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = {a.key: a.value.string_value for a in resource.resource.attributes}
            service = attributes.get("service.name", "?")
            for scope in resource.scope_spans:
                counts.update(f"{service}/{_kind(span)}/{span.name}" for span in scope.spans)
    return counts


def _kind(span: Span) -> str:
    return Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower()


async def serve(port: int, out: Path) -> None:
    """Listen on loopback until cancelled."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Exporter(out), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.port, arguments.out))
