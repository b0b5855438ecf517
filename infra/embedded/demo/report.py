"""What was seen, as JSON for programs: the format of `--json`.

    {"steps": [{"name", "status", "trace_id"}],
     "spans": [{"service", "name", "kind", "trace_id", "span_id", "parent_id",
                "links": [{"trace_id", "span_id"}], "attributes", "status", "start", "end"}],
     "logs": [{"service", "level", "message", "trace_id", "span_id"}]}

Ids are in hexadecimal, times in nanoseconds since the epoch; a root's parent_id is "".
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from embedded.demo.tour import Step
from embedded.receiver.model import Log, Span

_SPAN = (
    *("service", "name", "kind", "trace_id", "span_id", "parent_id"),
    *("attributes", "status", "start", "end"),
)
_LOG = ("service", "level", "message", "trace_id", "span_id")


def report(steps: Sequence[Step], spans: Sequence[Span], logs: Sequence[Log]) -> dict[str, Any]:
    """The document, from everything that the receiver got."""
    return {
        "steps": [msgspec.to_builtins(step) for step in steps],
        "spans": [
            {
                **{field: getattr(span, field) for field in _SPAN},
                "links": [{"trace_id": o.trace_id, "span_id": o.span_id} for o in span.links],
            }
            for span in spans
        ],
        "logs": [{field: getattr(log, field) for field in _LOG} for log in logs],
    }


def write(path: Path, document: dict[str, Any]) -> None:
    """Write it as indented JSON. Raises OSError."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
