"""Parameters of questions, read or refused with a reason."""

import re
from typing import Annotated

from litestar.exceptions import ClientException
from litestar.params import Parameter, QueryParameter

Limit = Annotated[int, Parameter(ge=1, le=2_000)]
Offset = Annotated[int, Parameter(ge=0)]
From = Annotated[int | None, QueryParameter(name="from")]
To = Annotated[int | None, QueryParameter(name="to")]
Seconds = Annotated[float | None, Parameter(gt=0, le=86_400)]
Several = list[str] | None

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.I)
_TRACE_ID = re.compile(r"([0-9a-f]{32})", re.I)
_DURATION = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m)?")
_UNITS = {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9}


def trace_id_of(text: str) -> str | None:
    """The id in a trace id or a whole `traceparent`, also with the header's name before it."""
    text = text.strip().removeprefix("traceparent:").strip()
    found = _TRACEPARENT.fullmatch(text) or _TRACE_ID.fullmatch(text)
    return found[1].lower() if found else None


def duration_of(text: str) -> int | None:
    """Nanoseconds of `250ms` or of a bare number of them; None for an empty text."""
    if not text:
        return None
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ClientException(f"{text!r} is no duration: 250ms, 1.5s, 300us or nanoseconds")
    return int(float(found[1]) * _UNITS[found[2] or "ns"])


def pair_of(text: str) -> tuple[str, str]:
    """The two sides of `key=value`; the key has no `=`."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ClientException(f"{text!r} is no key=value")
    return key, value


def sort_of(sort: str, *orders: str) -> tuple[str, bool]:
    """What to sort by, and whether the largest comes first: `time` or, turned around, `-time`."""
    order = sort.removeprefix("-")
    if order not in orders:
        raise ClientException(f"sort is one of {', '.join(orders)}, or one of them behind a minus")
    return order, not sort.startswith("-")
