"""Whatever is sent to the receiver costs a bounded amount, and is taken or refused."""

import asyncio
import contextlib
import struct
import time
import tracemalloc

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from embedded.receiver import limits
from embedded.receiver.answers.map import map_of
from embedded.receiver.answers.metrics import MetricQuery, catalogue, over_time
from embedded.receiver.intake.logs import logs_of
from embedded.receiver.intake.metrics import points_of
from embedded.receiver.intake.pacing import take_in_turns
from embedded.receiver.intake.traces import spans_of
from embedded.receiver.intake.wire import Malformed, TooMuch
from embedded.receiver.kept.store import Store

TRACE, SPAN = b"\x01" * 16, b"\x02" * 8


def text(key, value):
    return KeyValue(key=key, value=AnyValue(string_value=value))


def trace_request(**span):
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.append(text("service.name", "s"))
    scoped = group.scope_spans.add()
    scoped.scope.name = "scope"
    scoped.spans.add(**{"trace_id": TRACE, "span_id": SPAN, "name": "n", **span})
    return request


def the_span(**span):
    (found,) = spans_of(trace_request(**span).SerializeToString())
    return found


def test_a_span_is_what_was_sent():
    span = the_span(start_time_unix_nano=5, end_time_unix_nano=7, kind=3, parent_span_id=SPAN)
    assert (span.service, span.scope, span.name) == ("s", "scope", "n")
    assert (span.start, span.end, span.kind, span.parent_id) == (5, 7, "client", SPAN.hex())
    assert span.marks == []


@pytest.mark.parametrize("number", [-1, -2, 6, 2**31 - 1, -(2**31)])
def test_kinds_and_codes_that_are_none_are_the_plainest(number):
    span = the_span(kind=number, status={"code": number})
    assert (span.kind, span.status) == ("internal", "unset")


def test_times_and_ids_that_are_none_are_left_out():
    span = the_span(
        start_time_unix_nano=2**64 - 1, trace_id=b"\0" * 16, span_id=b"", parent_span_id=b"x" * 90
    )
    assert (span.start, span.trace_id, span.span_id, span.parent_id) == (0, "", "", "78" * 8)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_have_are_kept_as_text(number):
    pair = KeyValue(key="k", value=AnyValue(double_value=number))
    assert the_span(attributes=[pair]).attributes == {"k": str(number)}


def test_an_attribute_of_megabytes_is_cut_and_the_rest_of_the_span_stays():
    large = "é" * (5 * limits.MIB)
    span = the_span(
        attributes=[text("large", large), text("small", "stays")],
        events=[{"name": "e", "attributes": [text("large", large[: limits.MIB])]}],
        start_time_unix_nano=5,
        end_time_unix_nano=9,
        kind=2,
        flags=1,
    )
    assert span.attributes["small"] == "stays"
    assert span.attributes["large"].startswith("éé")
    assert len(span.attributes["large"]) < limits.TEXT + 20
    assert (span.name, span.start, span.end, span.kind, span.flags) == ("n", 5, 9, "server", 1)
    assert span.marks == ["cut"]


def test_a_large_list_is_named_and_not_kept():
    values = [AnyValue(string_value="x" * 100)] * 10_000
    pair = KeyValue(key="k", value=AnyValue(array_value={"values": values}))
    assert the_span(attributes=[pair]).attributes["k"].endswith("bytes, not kept)")


@pytest.mark.parametrize(
    "many",
    [
        {"attributes": [text(str(n), "x") for n in range(5_000)]},
        {"events": [{"name": "e"}] * 5_000},
        {"links": [{"trace_id": TRACE, "span_id": SPAN}] * 5_000},
        {"attributes": [KeyValue()] * 200_000},
    ],
)
def test_there_are_not_more_parts_of_a_span_than_the_limits(many):
    span = the_span(**many)
    assert len(span.attributes) <= limits.ATTRIBUTES
    assert len(span.events) <= limits.ATTRIBUTES
    assert len(span.links) <= limits.LINKS
    assert span.marks == ["cut"]


def test_a_batch_of_a_thousand_records_keeps_its_links():
    span = the_span(links=[{"trace_id": TRACE, "span_id": SPAN}] * 1_000)
    assert (len(span.links), span.marks) == (1_000, [])


def test_large_resources_and_scopes_are_cut():
    request = trace_request()
    group = request.resource_spans[0]
    group.resource.attributes.append(text("large", "x" * limits.MIB))
    group.scope_spans[0].scope.attributes.append(text("large", "x" * limits.MIB))
    (span,) = spans_of(request.SerializeToString())
    assert span.service == "s"
    assert span.scope == "scope"
    assert len(str(span.resource)) < 2 * limits.TEXT


def test_a_large_log_line_is_cut_and_keeps_its_time():
    request = ExportLogsServiceRequest()
    record = {"time_unix_nano": 7, "body": AnyValue(string_value="y" * limits.MIB)}
    record |= {"trace_id": TRACE, "severity_number": 17}
    request.resource_logs.add().scope_logs.add().log_records.add(**record)
    (log,) = logs_of(request.SerializeToString())
    assert (log.time, log.trace_id, log.level) == (7, TRACE.hex(), "ERROR")
    assert limits.TEXT < len(log.message) < limits.TEXT + 20


def nested(depth, leaf=b""):
    for _ in range(depth):
        leaf = b"\x0a" + varint(len(leaf)) + leaf
    return leaf


def varint(value):
    made = b""
    while value > 0x7F:
        made += bytes([value & 0x7F | 0x80])
        value >>= 7
    return made + bytes([value])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


EMPTY_GROUPS = b"\x0a\x00" * 4_000_000
EMPTY_SCOPES = field(1, b"\x12\x00" * 4_000_000)
EMPTY_SPANS = field(1, field(2, b"\x12\x00" * 4_000_000))


@pytest.mark.parametrize("body", [EMPTY_GROUPS, EMPTY_SCOPES, EMPTY_SPANS])
@pytest.mark.parametrize("decode", [spans_of, logs_of, points_of])
def test_millions_of_empty_pieces_are_refused_soon(body, decode):
    tracemalloc.start()
    begun = time.process_time()
    with pytest.raises(TooMuch):
        for _ in decode(body):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - begun < 20  # tracing makes it ten times slower
    assert peak < 100 * limits.MIB


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xff",
        b"\x0a\x05\x00",
        b"\x0a" + b"\xff" * 9 + b"\x7f",
        b"\xff" * 20,
        b"\x0b",
        field(1, field(2, field(2, b"\x0a\x7f"))),
        field(1, field(2, field(2, field(5, b"\xff\xfe")))),
        field(1, field(2, field(2, field(9, field(2, nested(500)))))),
    ],
)
def test_what_is_no_otlp_is_malformed(body):
    with pytest.raises((Malformed, DecodeError)):
        list(spans_of(body))


def answered(store):
    """Everything that is answered, after whatever came."""
    map_of(store, 0)
    for metric in catalogue(store)["metrics"]:
        over_time(store, MetricQuery(name=metric["name"], by="*"))


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(body):
    for decode, add in (
        (spans_of, Store.add_spans),
        (logs_of, Store.add_logs),
        (points_of, Store.add_points),
    ):
        store = Store()
        for wrapped in (body, field(1, body), field(1, field(2, field(2, body)))):
            with contextlib.suppress(Malformed, DecodeError):
                add(store, decode(wrapped))
        answered(store)


def metric_request(**metric):
    request = ExportMetricsServiceRequest()
    request.resource_metrics.add().scope_metrics.add().metrics.add(**{"name": "m", **metric})
    return request.SerializeToString()


HOSTILE_METRICS = {
    "not a number": {"gauge": {"data_points": [{"as_double": float("nan")}]}},
    "infinite sum": {"sum": {"data_points": [{"as_double": float("-inf")}]}},
    "falling bounds": {
        "histogram": {"data_points": [{"explicit_bounds": [2, 1], "bucket_counts": [1, 1, 1]}]}
    },
    "a bound that is none": {
        "histogram": {"data_points": [{"explicit_bounds": [float("nan")], "bucket_counts": [1, 1]}]}
    },
    "too few buckets": {
        "histogram": {"data_points": [{"explicit_bounds": [1], "bucket_counts": [1]}]}
    },
    "a hundred thousand buckets": {
        "histogram": {"data_points": [{"bucket_counts": [1] * 20_000}]},
    },
    "as many exponential ones": {
        "exponential_histogram": {
            "data_points": [{"positive": {"offset": 1, "bucket_counts": [1] * 20_000}}]
        }
    },
}


@pytest.mark.parametrize("name", HOSTILE_METRICS)
def test_points_that_are_no_measurement_are_left_out(name):
    assert list(points_of(metric_request(**HOSTILE_METRICS[name]))) == []


@pytest.mark.parametrize(
    "metric",
    [
        {"sum": {"aggregation_temporality": -5, "data_points": [{"as_int": -(2**63)}]}},
        {
            "histogram": {
                "aggregation_temporality": 2,
                "data_points": [
                    {
                        "sum": float("inf"),
                        "count": 2**64 - 1,
                        "explicit_bounds": [1],
                        "bucket_counts": [2**64 - 1, 2**64 - 1],
                        "time_unix_nano": 2**64 - 1,
                    }
                ],
            }
        },
        {
            "exponential_histogram": {
                "data_points": [
                    {"scale": 2**31 - 1, "positive": {"offset": -(2**31), "bucket_counts": [1]}}
                ]
            }
        },
        {"summary": {"data_points": [{"quantile_values": [{"quantile": 0.5, "value": 3}]}]}},
    ],
)
def test_strange_points_are_kept_and_answered(metric):
    store = Store()
    store.add_points(points_of(metric_request(**metric)))
    assert len(store.metrics) == 1
    answered(store)


def test_a_metric_keeps_what_it_says_of_its_points():
    points = [{"as_int": 3, "time_unix_nano": 9, "attributes": [text("k", "v")]}]
    sums = {"is_monotonic": True, "aggregation_temporality": 1, "data_points": points}
    (point,) = points_of(metric_request(unit="s", description="d", sum=sums))
    assert (point.name, point.unit, point.description, point.kind) == ("m", "s", "d", "sum")
    assert (point.monotonic, point.temporality, point.value) == (True, "delta", 3.0)
    assert (point.time, point.attributes) == (9, {"k": "v"})


async def test_a_large_request_lets_others_have_their_turn(monkeypatch):
    """A span takes 20 µs, so that 20,000 of them would hold the loop for half a second."""
    monkeypatch.setattr(limits, "DECODING_SECONDS", 100.0)  # for a busy machine
    request = trace_request()
    spans = request.resource_spans[0].scope_spans[0].spans
    for number in range(20_000):
        spans.add(trace_id=TRACE, span_id=struct.pack(">Q", number + 9), name="n")
    turns, store = 0, Store()

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await take_in_turns(spans_of(request.SerializeToString()), store.add_spans)
    task.cancel()
    assert turns > 10
    assert len(store.trace(TRACE.hex()).spans) == limits.SPANS_PER_TRACE
    assert store.dropped.spans == 20_001 - limits.SPANS_PER_TRACE


async def test_a_request_that_takes_too_long_is_ended_and_what_came_stays(monkeypatch):
    monkeypatch.setattr(limits, "DECODING_SECONDS", 0.05)
    taken = []

    def endless():
        while True:
            time.sleep(0.001)
            yield 1

    with pytest.raises(TooMuch):
        await take_in_turns(endless(), taken.extend)
    assert taken
