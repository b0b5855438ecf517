"""How operators write times, offsets and traces."""

import contextlib
import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.replay import arguments

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172_800), ("1w", 604_800), ("0s", 0)],
)
def test_a_length_of_time_has_units(text: str, seconds: int) -> None:
    assert arguments.parse_duration(text) == dt.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-23", dt.datetime(2026, 11, 23, tzinfo=dt.UTC)),
        ("2026-11-23T06:30", dt.datetime(2026, 11, 23, 6, 30, tzinfo=dt.UTC)),
        ("2026-11-23T06:30:00+02:00", dt.datetime(2026, 11, 23, 4, 30, tzinfo=dt.UTC)),
        ("2026-11-23T06:30:00Z", dt.datetime(2026, 11, 23, 6, 30, tzinfo=dt.UTC)),
    ],
)
def test_a_time_without_a_zone_is_utc(text: str, time: dt.datetime) -> None:
    assert arguments.parse_time(text) == time


@pytest.mark.parametrize(
    ("text", "offsets"),
    [("7", (7, 7)), ("7-9", (7, 9)), ("7-", (7, None)), ("-9", (0, 9)), ("7-7", (7, 7))],
)
def test_offsets_are_inclusive_and_may_be_open(text: str, offsets: tuple[int, int | None]) -> None:
    assert arguments.parse_offsets(text) == offsets


@pytest.mark.parametrize("text", [TRACE, TRACE.upper(), f"00-{TRACE}-b7ad6b7169203331-01"])
def test_a_trace_is_its_id_or_a_traceparent(text: str) -> None:
    assert arguments.parse_trace(text) == int(TRACE, 16)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (arguments.parse_duration, "10"),
        (arguments.parse_duration, "ten minutes"),
        (arguments.parse_duration, ""),
        (arguments.parse_duration, "99999999999999w"),
        (arguments.parse_duration, "10m10m"),
        (arguments.parse_time, "yesterday"),
        (arguments.parse_time, "0001-01-01T00:00:00+14:00"),
        (arguments.parse_offsets, "9-7"),
        (arguments.parse_offsets, "-"),
        (arguments.parse_offsets, ""),
        (arguments.parse_trace, "0" * 32),
        (arguments.parse_trace, "7"),
        (arguments.parse_count, "0"),
        (arguments.parse_count, "-1"),
        (arguments.parse_count, "²"),
    ],
)
def test_what_cannot_be_read_is_refused(parse: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"write|before"):
        parse(text)


@pytest.mark.parametrize(
    "parse",
    [
        arguments.parse_duration,
        arguments.parse_time,
        arguments.parse_offsets,
        arguments.parse_trace,
        arguments.parse_count,
    ],
)
@given(text=st.text() | st.from_regex(r"[0-9smhdw:T+Z-]*"))
def test_nothing_that_is_typed_raises_anything_else(parse: Any, text: str) -> None:
    with contextlib.suppress(ValueError):
        parse(text)
