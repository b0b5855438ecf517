"""Attributes put on a span without the SDK's cleaning of them, a third of what a span costs.

The SDK looks at the type of each key and value, and copies all of them three times. What goes
through here is text, numbers and truth values by construction. The limits that an operator may set
(OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT and its fellows) hold as ever: where one could matter, and for
spans that are not the SDK's own, the way is the API's.
"""

from collections.abc import Mapping, Sequence

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Tracer
from opentelemetry.util.types import AttributeValue


def start_span(
    tracer: Tracer,
    name: str,
    kind: SpanKind,
    attributes: Mapping[str, AttributeValue],
    context: Context | None = None,
    links: Sequence[Link] = (),
    start_time: int | None = None,
) -> Span:
    """``tracer.start_span``; values are str, int, float or bool. The sampler does not see them."""
    span = tracer.start_span(name, context, kind, links=links, start_time=start_time)
    put_attributes(span, attributes)
    return span


def put_attributes(span: Span, attributes: Mapping[str, AttributeValue]) -> None:
    """``span.set_attributes``, by whoever is to end the span; values as for ``start_span``."""
    kept = getattr(span, "_attributes", None)
    if type(kept) is BoundedAttributes and not kept._immutable and kept.max_value_len is None:
        values = kept._dict
        if kept.maxlen is None or len(values) + len(attributes) <= kept.maxlen:
            values.update(attributes)
            return
    span.set_attributes(attributes)
