"""What lists ask of a trace, worked out once for each state of it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from embedded.receiver.http_status import phrase_of
from embedded.receiver.kept.rows import SpanRow


class Facts(msgspec.Struct, frozen=True):
    root: SpanRow
    """The span without a parent, or the earliest one while the root has not come."""
    complete: bool
    start: int
    end: int
    errors: int
    services: frozenset[str]
    title: str
    code: int
    status: str
    status_text: str
    replayed: bool
    dead_letter: bool
    text: str
    """Names and states in lower case, for a search in them."""
    links: tuple[str, ...]
    """Traces that it links to."""

    @property
    def duration(self) -> int:
        return self.end - self.start


def facts_of(rows: Sequence[SpanRow]) -> Facts:
    roots = [row for row in rows if not row.parent_id]
    root = min(roots or rows, key=lambda row: row.start)
    failed = [row for row in rows if row.status == "error"]
    shown = root if root.status == "error" or not failed else failed[0]
    status_text = (root.code and phrase_of(root.code)) or status_text_of(shown)
    title = _title(root)
    services = frozenset(row.service for row in rows)
    start = min((row.start for row in rows if row.start), default=0)
    names = dict.fromkeys(row.name for row in rows)
    links = dict.fromkeys(link[0] for row in rows for link in row.links)
    return Facts(
        root=root,
        complete=bool(roots),
        start=start,
        end=max(start, *(row.end for row in rows)),
        errors=len(failed),
        services=services,
        title=title,
        code=root.code,
        status=root.status,
        status_text=status_text,
        replayed=any(row.replayed for row in rows),
        dead_letter=any(row.dead_letter for row in rows),
        text="\n".join((title, status_text, *services, *names)).lower(),
        links=tuple(link for link in links if link and link != root.trace_id),
    )


def status_text_of(row: SpanRow) -> str:
    """What a failed span says of its failure, empty for one that did not fail: the message, or
    else the HTTP status with its phrase, or else the error's type."""
    if row.status != "error":
        return ""
    span = _decoded(row)
    attributes = span["attributes"]
    return (
        str(span["status_message"])
        or (row.code and phrase_of(row.code))
        or str(attributes.get("error.type") or "error")
    )


def _title(root: SpanRow) -> str:
    """The name; of a request that met no route, its method and path."""
    if root.kind != "server":
        return root.name
    attributes = _decoded(root)["attributes"]
    if attributes.get("http.route"):
        return root.name
    method = attributes.get("http.request.method", attributes.get("http.method"))
    path = attributes.get("url.path", attributes.get("http.target"))
    if not (method and path):
        return root.name
    return f"{method} {path}"[:200]


def _decoded(row: SpanRow) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(row.raw + b"}")
    return found
