"""How an operator writes times, offsets and traces. What cannot be read is a ValueError that says
what is taken."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_DURATION: Final = re.compile(
    r"(?:(?P<weeks>\d+)w)?(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?"
    r"(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?"
)
_OFFSETS: Final = re.compile(r"(\d{1,19})|(\d{0,19})-(\d{0,19})")
_TRACE: Final = re.compile(r"(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?")


def parse_duration(text: str) -> timedelta:
    """``90s``, ``10m``, ``1h30m``, ``2d``, ``1w``."""
    match = _DURATION.fullmatch(text)
    try:
        if match is not None and text:
            return timedelta(**{unit: int(n) for unit, n in match.groupdict().items() if n})
    except (OverflowError, ValueError):
        pass
    raise ValueError(f"{text!r} is no length of time: write 90s, 10m, 1h30m, 2d or 1w")


def parse_time(text: str) -> datetime:
    """An ISO 8601 date or time; UTC where it names no zone."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time: write 2026-11-23, 2026-11-23T06:30 (UTC)"
            " or 2026-11-23T06:30:00+02:00"
        ) from None


def parse_count(text: str) -> int:
    """A number of at least 1."""
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text)):
        raise ValueError(f"{text!r} is no count: write 1 or more")
    return int(text)


def parse_offsets(text: str) -> tuple[int, int | None]:
    """``1187``, ``1187-1190`` (both included), ``1187-`` or ``-1190``; None for "to the end"."""
    match = _OFFSETS.fullmatch(text)
    if match is None or text == "-":
        raise ValueError(f"{text!r} are no offsets: write 1187, 1187-1190, 1187- or -1190")
    if match[1] is not None:
        return int(match[1]), int(match[1])
    first, last = int(match[2] or 0), int(match[3]) if match[3] else None
    if last is not None and last < first:
        raise ValueError(f"{text!r} are no offsets: the last one is before the first")
    return first, last


def parse_trace(text: str) -> int:
    """A trace id (32 hexadecimal digits), or a whole ``traceparent`` as responses carry it."""
    match = _TRACE.fullmatch(text.lower())
    if match is None or not int(match[1], 16):
        raise ValueError(f"{text!r} is no trace id: write its 32 hexadecimal digits")
    return int(match[1], 16)
