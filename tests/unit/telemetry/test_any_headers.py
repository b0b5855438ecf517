"""Whatever stands in a record's headers, its trace context is read or there is none."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import format_span_id, format_trace_id

from telemetry.kafka import extract, process_span

VALID = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
# W3C Trace Context: version ff is invalid, an id of zeros too; later versions may say more.
TRACEPARENT = re.compile(
    r"\s*(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?\s*",
    re.DOTALL,
)


def nearly_right(place: int, byte: int, cut: int) -> bytes:
    value = bytearray(VALID)
    value[place] = byte
    return bytes(value[:cut])


mutated = st.builds(
    nearly_right, st.integers(0, len(VALID) - 1), st.integers(0, 255), st.integers(1, len(VALID))
)
names = st.sampled_from(["traceparent", "tracestate", "Traceparent", ""]) | st.text(max_size=20)
values = st.none() | st.just(VALID) | mutated | st.binary(max_size=70)
headers = st.none() | st.lists(st.tuples(names, values), max_size=6)


@given(headers)
def test_a_context_is_the_last_traceparents_or_there_is_none(
    given_headers: list[tuple[str, bytes | None]] | None,
) -> None:
    context = extract(given_headers)
    present = [v for name, v in given_headers or () if name == "traceparent" and v is not None]
    if context is None:
        assert not present or present[-1] != VALID
        return
    assert context.is_valid
    text = present[-1].decode("ascii", "replace")
    assert TRACEPARENT.fullmatch(text)
    assert format_trace_id(context.trace_id) in text
    assert format_span_id(context.span_id) in text


@pytest.mark.usefixtures("providers")
@given(headers, st.none() | st.binary(max_size=40))
def test_a_record_with_any_headers_and_key_has_its_span(
    given_headers: list[tuple[str, bytes | None]] | None, key: bytes | None
) -> None:
    with process_span("books", 0, 7, key, given_headers, group="backend", body_size=None) as span:
        assert span.get_span_context().is_valid
