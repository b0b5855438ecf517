"""How much the receiver takes and keeps. Any program on the machine may send it anything."""

MIB = 1024 * 1024

KEPT_BYTES = 256 * MIB
"""Of all that is kept, as counted by what Python needs for it. The oldest goes first."""
METRICS_SHARE = 0.25
"""The part of it that metrics may take."""
TRACES = 10_000
SPANS_PER_TRACE = 5_000
LINES_PER_TRACE = 5_000
"""Log lines; and as many links from other traces."""
EVENTS_PER_TRACE = 100
"""Sentry events."""
SERIES = 5_000
POINTS_PER_SERIES = 2_000
EXEMPLARS_PER_SERIES = 50
BUCKETS = 512
"""Of one histogram point; the SDKs' largest has 160."""

BODY_BYTES = 20 * MIB
"""Of one request, inflated. The Collector's own bound."""
IN_FLIGHT_BYTES = 64 * MIB
"""Of all requests that are being read and decoded."""
DECODING_SECONDS = 10.0
"""Until it is decoded, the turns of others included."""
PIECES = 250_000
"""Spans, lines, points and the groups that they come in, of one request."""
PIECE_BYTES = 256 * 1024
"""Of one span, line or point; what is larger is cut."""
TEXT = 16 * 1024
"""Characters of one value of an attribute; of a name, a sixteenth."""
ATTRIBUTES = 256
"""Of one span, event, link or line; as many events of a span."""
LINKS = 2_000
"""Of one span. A batch links to each of its records."""
ITEMS = 1_000
"""Of one Sentry envelope."""
EVENT_BYTES = MIB
"""Of one Sentry event; Sentry's own bound."""
STREAMS = 50
"""Open streams of changes."""
