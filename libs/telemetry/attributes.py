"""The closed list of our own attributes on spans and log records.

Everything else that is emitted has a name of the OpenTelemetry semantic conventions.
"""

from typing import Final, Literal

import msgspec


class Attribute(msgspec.Struct, frozen=True):
    """One attribute: its name, its type, where it is found, and what it means."""

    name: str
    type: Literal["string", "int", "boolean"]
    on: str
    meaning: str


BATCH_TRACE_ID: Final = "delivery.batch.trace_id"
BATCH_SPAN_ID: Final = "delivery.batch.span_id"
ATTEMPTS: Final = "delivery.attempts"
OUTCOME: Final = "delivery.outcome"
REPLAYED: Final = "delivery.replayed"
INJECTED_RULE: Final = "error_injection.rule"

ATTRIBUTES: Final = (
    Attribute(
        BATCH_TRACE_ID,
        "string",
        "process span",
        "Trace that has the SQL of the batch in which the record was applied",
    ),
    Attribute(BATCH_SPAN_ID, "string", "process span", "That batch's span"),
    Attribute(ATTEMPTS, "int", "process span", "How often the record was tried, from 1"),
    Attribute(
        OUTCOME,
        "string",
        "process span",
        "What became of it: done or dead_letter; none if it comes again",
    ),
    Attribute(
        REPLAYED, "boolean", "send span, process span", "An operator sent or handled it again"
    ),
    Attribute(INJECTED_RULE, "int", "any span, log record", "Id of the rule that failed it"),
)
