"""Both sides of a trace's links as lines of text: spans as trees, and below a span what it led to.

Nothing here recurses: a chain of parents may be thousands of spans long.
"""

import collections
from collections.abc import Iterator

from embedded.demo.terminal import Terminal, clean
from embedded.receiver.http_status import phrase_of
from embedded.receiver.model import Edge, Linked, LinkedTrace, Log, SentryEvent, Span

_DEEP = 24
"""Levels that are indented; what is deeper stands at the last one."""
_TEXT = 110
"""Characters of a message or a statement."""

_Place = tuple[str, str]
_Item = tuple[LinkedTrace, Span, int] | tuple[Edge, int]


class Printed:
    """Writes one answer of `GET /api/traces/{id}/linked`."""

    def __init__(self, linked: Linked, terminal: Terminal) -> None:
        self._linked = linked
        self._paint = terminal.paint
        self._traces = {trace.trace_id: trace for trace in linked.traces}
        self._edges: dict[_Place, list[Edge]] = collections.defaultdict(list)
        for edge in sorted(linked.edges, key=lambda one: one.wait_end):
            self._edges[edge.from_trace_id, edge.from_span_id].append(edge)
        self._shown: set[str] = set()
        # Log lines and Sentry events below their spans; those of none that is here, at the first.
        self._lines: dict[_Place, list[str]] = collections.defaultdict(list)
        for trace in linked.traces:
            ids = {span.span_id for span in trace.spans}
            beside = [(log.span_id, self._log(log)) for log in trace.logs]
            beside += [(event.span_id, self._sentry(event)) for event in trace.sentry]
            for span_id, line in beside:
                at = span_id if span_id in ids else trace.spans[0].span_id
                self._lines[trace.trace_id, at].append(line)

    def lines(self) -> Iterator[str]:
        """The traces that nothing led to first, each with all that it led to."""
        led_to = {edge.to_trace_id for edge in self._linked.edges if "self" not in edge.marks}
        first = [trace for trace in self._linked.traces if trace.trace_id not in led_to]
        for trace in (*first, *self._linked.traces):  # the rest leads to itself in a circle
            if trace.trace_id not in self._shown:
                yield from self._story(trace)
        if self._linked.left_out:
            yield f"… and {self._linked.left_out} more linked traces"
        for trace_id in self._linked.missing:
            yield f"… and trace {trace_id}, of which nothing is kept"

    def _story(self, trace: LinkedTrace) -> Iterator[str]:
        stack: list[_Item] = self._spans(trace, 0)
        yield self._heading(trace)
        while stack:
            item = stack.pop()
            if len(item) == 2:
                edge, depth = item
                yield self._edge(edge, depth)
                target = self._traces.get(edge.to_trace_id)
                if target is not None and target.trace_id not in self._shown:
                    stack += self._spans(target, depth + 1)
                continue
            of, span, depth = item
            yield self._span(span, depth)
            for line in self._lines[of.trace_id, span.span_id]:
                yield _indent(depth + 1) + line

    def _spans(self, trace: LinkedTrace, depth: int) -> list[_Item]:
        """The trace's spans and what they led to, in the order of a stack: the first at the end."""
        self._shown.add(trace.trace_id)
        ids = {span.span_id for span in trace.spans}
        children: dict[str, list[Span]] = collections.defaultdict(list)
        for span in trace.spans:
            alone = span.parent_id not in ids or not span.parent_id or "cycle" in span.marks
            children["" if alone else span.parent_id].append(span)
        items: list[_Item] = []
        todo: list[tuple[Span | Edge, int]] = [(one, depth) for one in reversed(children[""])]
        while todo:
            one, level = todo.pop()
            if isinstance(one, Edge):
                items.append((one, level))
                continue
            items.append((trace, one, level))
            below = children[one.span_id] if one.span_id else []
            edges = self._edges[one.trace_id, one.span_id]
            todo += [(edge, level + 1) for edge in reversed(edges)]
            todo += [(child, level + 1) for child in reversed(below)]
        return items[::-1]

    def _heading(self, trace: LinkedTrace) -> str:
        title = self._paint(clean(trace.title), "bold")
        return f"{title}  {self._paint(f'trace {trace.trace_id}', 'dim')}"

    def _span(self, span: Span, depth: int) -> str:
        failed = span.status == "error"
        name = self._paint(clean(span.name), "red" if failed else "cyan")
        at, length = (span.start - self._linked.start) / 1e6, (span.end - span.start) / 1e6
        facts = f"{clean(span.service)} {span.kind}, {max(length, 0):.1f} ms at +{at:.1f} ms"
        parts = [f"{_indent(depth)}{name}  {self._paint(facts, 'dim')}"]
        if failed:
            parts.append(self._paint(f"ERROR {clean(_failure(span))[:_TEXT]}", "red"))
        statement = " ".join(clean(str(span.attributes.get("db.query.text", ""))).split())
        if statement and statement != span.name:
            parts.append(self._paint(statement[:_TEXT], "dim"))
        if span.marks:
            parts.append(self._paint(f"[{', '.join(span.marks)}]", "yellow"))
        return "  ".join(parts)

    def _edge(self, edge: Edge, depth: int) -> str:
        match edge.kind:
            case "topic":
                text = f"waited {edge.wait / 1e6:.1f} ms in {clean(edge.topic)}"
            case "batch":
                text = "applied in a batch"
            case "replay":
                text = "sent or handled again"
            case _:
                text = "linked"
        more = [name for name in ("replayed", "dead_letter") if getattr(edge, name)]
        shown = "; it is above" if edge.to_trace_id in self._shown else ""
        facts = f"⇢ {', '.join((text, *more))}, trace {edge.to_trace_id}{shown}"
        return _indent(depth) + self._paint(facts, "yellow" if more else "cyan")

    def _log(self, log: Log) -> str:
        style = "red" if log.level in ("ERROR", "CRITICAL", "FATAL") else "yellow"
        level = self._paint(f"· {clean(log.level)} {clean(log.service)}", style)
        return f"{level}  {clean(log.message)[:_TEXT]}"

    def _sentry(self, event: SentryEvent) -> str:
        text = f"! Sentry {clean(event.level)}: {clean(event.message)[:_TEXT]}"
        return self._paint(text, "red")


def _indent(depth: int) -> str:
    return "   " * min(depth, _DEEP)


def _failure(span: Span) -> str:
    """What a failed span says, or its HTTP status, or its error's type."""
    code = span.attributes.get("http.response.status_code")
    if span.status_message:
        return span.status_message
    return phrase_of(code) if isinstance(code, int) else str(span.attributes.get("error.type", ""))
