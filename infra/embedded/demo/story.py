"""The spans of a trace as a tree, and the way from a send span to what processed the record.

A link makes no parent and child, so a trace alone ends at the send span. Everything here works on
what the receiver has, and follows links the way a person does on the trace page.
"""

from collections.abc import Callable, Iterator

import msgspec

from embedded.receiver.model import Log, SentryEvent, Span, Trace


class Node(msgspec.Struct):
    span: Span
    children: "list[Node]"


class Story(msgspec.Struct):
    """One trace: its roots, its log lines in order, its Sentry events."""

    trace_id: str
    roots: list[Node]
    logs: list[Log]
    sentry: list[SentryEvent]

    def spans(self) -> Iterator[Span]:
        for root in self.roots:
            yield from _walk(root)

    def below(self, span: Span) -> list[Span]:
        """The span's children, their children and so on."""
        for root in self.roots:
            for node in _nodes(root):
                if node.span.span_id == span.span_id:
                    return [one for one in _walk(node) if one is not span]
        return []


def story_of(trace: Trace) -> Story:
    """Spans under their parents, in the order of their starts. A span whose parent has not come,
    or is in another process that exports nothing, is a root."""
    nodes = {span.span_id: Node(span, []) for span in sorted(trace.spans, key=_start)}
    roots: list[Node] = []
    for node in nodes.values():
        parent = nodes.get(node.span.parent_id)
        (roots if parent is None else parent.children).append(node)
    logs = sorted(trace.logs, key=lambda log: log.time)
    return Story(trace.trace_id, roots, logs, trace.sentry)


class Library:
    """The stories of many traces, and the links between their spans."""

    def __init__(self, fetch: Callable[[str], Trace | None]) -> None:
        self._fetch = fetch
        self._traces: dict[str, Trace | None] = {}

    def trace(self, trace_id: str) -> Trace | None:
        """What is kept of a trace; asked for once, so that all answers agree with each other."""
        if trace_id not in self._traces:
            self._traces[trace_id] = self._fetch(trace_id) if trace_id else None
        return self._traces[trace_id]

    def story(self, trace_id: str) -> Story | None:
        trace = self.trace(trace_id)
        return None if trace is None or not trace.spans else story_of(trace)

    def linked_from(self, span: Span) -> list[Span]:
        """The spans that link to this one, in the order of their starts."""
        trace = self.trace(span.trace_id)
        found = []
        for link in trace.linked_from if trace else ():
            other = self.trace(link.from_trace_id) if link.span_id == span.span_id else None
            spans = other.spans if other else ()
            found += [one for one in spans if one.span_id == link.from_span_id]
        return sorted(found, key=_start)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _walk(node: Node) -> Iterator[Span]:
    return (one.span for one in _nodes(node))


def _start(span: Span) -> int:
    return span.start
