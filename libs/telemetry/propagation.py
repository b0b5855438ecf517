"""Trace context and baggage in headers, by OTEL_PROPAGATORS: over HTTP and through records alike.

W3C Trace Context, which nearly everybody uses, is read and written here without the detours of the
SDK's propagators; any other goes through the propagator that is installed under its name.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import Getter, TextMapPropagator
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

NO_CONTEXT: Final = Context()

_W3C: Final = TraceContextTextMapPropagator()
_PLAIN: Final = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class _AnyCase(Getter[Mapping[str, str]]):
    """Headers are kept in lower case here; propagators ask for theirs as they write them."""

    def get(self, carrier: Mapping[str, str], key: str) -> list[str] | None:
        value = carrier.get(key.lower())
        return None if value is None else [value]

    def keys(self, carrier: Mapping[str, str]) -> list[str]:
        return list(carrier)


_GETTER: Final = _AnyCase()


class Propagation:
    """The propagators of these names, in their order.

    ``names`` has the names of their headers, as written and in lower case, and for each the latter;
    ``header_names`` are those of HTTP, which come in lower case.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._w3c = "tracecontext" in names
        others = [_load(name) for name in names if name != "tracecontext"]
        # Asked once: a propagator makes its set anew at each look.
        self._others = [(each, frozenset(map(str.lower, each.fields))) for each in others]
        self._others_read = frozenset().union(*(read for _, read in self._others))
        written = set(_W3C.fields if self._w3c else ()).union(*(each.fields for each in others))
        self.names = {name: name.lower() for name in written} | {
            name.lower(): name.lower() for name in written
        }
        self.header_names = frozenset(name.lower().encode() for name in written)

    def headers_of(self, context: Context) -> dict[str, str]:
        """The headers that say which span and which baggage a context has."""
        headers: dict[str, str] = {}
        if self._w3c:
            headers = span_headers(trace.get_current_span(context).get_span_context())
        for each, _ in self._others:
            each.inject(headers, context)
        return headers

    def context_of(self, carrier: Mapping[str, str]) -> Context:
        """The context in headers, whose names are in lower case; empty where there is none."""
        context = NO_CONTEXT
        sender = self._w3c_sender_of(carrier)
        if sender is not None:
            context = trace.set_span_in_context(trace.NonRecordingSpan(sender), context)
        for each, read in self._others:
            if not read.isdisjoint(carrier):
                context = each.extract(carrier, context, _GETTER)
        return context

    def sender_of(self, carrier: Mapping[str, str]) -> SpanContext | None:
        """The span of ``context_of``; None where there is none that is valid."""
        if self._others_read.isdisjoint(carrier):  # nearly always, and then without a context
            return self._w3c_sender_of(carrier)
        sender = trace.get_current_span(self.context_of(carrier)).get_span_context()
        return sender if sender.is_valid else None

    def _w3c_sender_of(self, carrier: Mapping[str, str]) -> SpanContext | None:
        if not self._w3c or not (traceparent := carrier.get("traceparent")):
            return None
        return parse(traceparent, carrier.get("tracestate"))


def installed_propagators() -> set[str]:
    """The names that OTEL_PROPAGATORS may have in this installation."""
    return set(entry_points(group="opentelemetry_propagator").names)


def _load(name: str) -> TextMapPropagator:
    (found, *_) = entry_points(group="opentelemetry_propagator", name=name)
    made: TextMapPropagator = found.load()()
    return made


def span_headers(context: SpanContext) -> dict[str, str]:
    """``traceparent`` (and ``tracestate``) of a span; empty for one that is not valid."""
    if not context.is_valid:
        return {}
    flags = context.trace_flags
    headers = {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"}
    if context.trace_state:
        headers["tracestate"] = context.trace_state.to_header()
    return headers


# Kept for a moment, because a record's is asked for twice: for its span, and by its handler.
@lru_cache(maxsize=1024)
def parse(traceparent: str, tracestate: str | None) -> SpanContext | None:
    """The span context of two header values, None where they make none that is valid."""
    plain = None if tracestate else _PLAIN.fullmatch(traceparent)
    if plain is not None:  # nearly all; the propagator takes its time
        flags = TraceFlags(int(plain[3], 16))
        context = SpanContext(
            int(plain[1], 16), int(plain[2], 16), is_remote=True, trace_flags=flags
        )
    else:
        carrier = {"traceparent": traceparent}
        if tracestate is not None:
            carrier["tracestate"] = tracestate
        extracted = _W3C.extract(carrier, context=NO_CONTEXT)
        context = trace.get_current_span(extracted).get_span_context()
    return context if context.is_valid else None


_active = Propagation(("tracecontext", "baggage"))


def propagate_by(names: Sequence[str]) -> None:
    """Use these propagators from now on, in this process; ``configure()`` calls it."""
    # Imported here: it reads OTEL_PROPAGATORS itself, and raises for what is not installed.
    from opentelemetry.propagate import set_global_textmap
    from opentelemetry.propagators.composite import CompositePropagator

    global _active
    _active = Propagation(names)
    set_global_textmap(CompositePropagator([_load(name) for name in names]))


def active() -> Propagation:
    """The propagators of this process."""
    return _active


def current_headers() -> dict[str, str]:
    """The headers of the current context; empty where there is neither span nor baggage."""
    return _active.headers_of(get_current())
