"""Topology: who reaches whom, across HTTP, the database and the topic.

A service graph pairs spans of one trace. A record's process span is the root of its own trace,
linked to the span that sent it, so that edge is in no service graph. It is drawn here from the
rates of send and process spans, which name their topic: sender to topic, topic to consumer.
"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.links import see_traces
from boards.panels import graph, nodes, note, rows, traces, verdict

CALLS = "traces_spanmetrics_calls_total"
TOPIC = "messaging_destination_name"
SENT = f'sum by (service_name, {TOPIC}) (rate({CALLS}{{span_kind="SPAN_KIND_PRODUCER"}}[5m]))'
PROCESSED = (
    f"sum by (service_name, {TOPIC})"
    f' (rate({CALLS}{{span_kind="SPAN_KIND_CONSUMER",{TOPIC}!=""}}[5m]))'
)
FAILED_CALLS = "sum by (client, server) (rate(traces_service_graph_request_failed_total[5m]))"
FAILED_RECORDS = f'{CALLS}{{status_code="STATUS_CODE_ERROR",{TOPIC}!=""}}'

RECORDS = see_traces("{ kind = consumer }", "Traces of records")
CALLED = "sum by (client, server) (rate(traces_service_graph_request_total[5m]))"


def _relabel(expression: str, **labels: str) -> str:
    """Copies labels: `_relabel(x, source="client")` gives x a label source, equal to client."""
    for target, origin in labels.items():
        expression = f'label_replace({expression}, "{target}", "$1", "{origin}", "(.+)")'
    return expression


def _sent() -> str:
    return _relabel(SENT, source="service_name", target=TOPIC)


def _processed() -> str:
    return _relabel(PROCESSED, source=TOPIC, target="service_name")


def _edges() -> str:
    sides = (
        _relabel(CALLED, source="client", target="server"),
        _sent(),
        _processed(),
    )
    union = " or ".join(f"sum by (source, target) ({side})" for side in sides)
    return f'label_join({union}, "id", " > ", "source", "target")'


def _vertices() -> str:
    ends = [
        _relabel(expression, id=label)
        for expression, labels in (
            (CALLED, ("client", "server")),
            (SENT, ("service_name", TOPIC)),
            (PROCESSED, ("service_name", TOPIC)),
        )
        for label in labels
    ]
    union = " or ".join(f"max by (id) ({end})" for end in ends)
    return f'label_replace({union}, "title", "$1", "id", "(.+)")'


def build() -> Dashboard:
    return board(
        "topology",
        "Topology",
        "Who reaches whom: calls, statements, and records across the topic.",
        {
            "The graph": [
                verdict(
                    "Calls: fewer than one in twenty fails, on each edge. Records: none has failed"
                    " for five minutes, neither when it was sent nor when it was processed.",
                    {
                        "Calls": (
                            f"{FAILED_CALLS} / ({CALLED} > 0) or vector(0)",
                            0.05,
                        ),
                        "Records": (
                            f"sum(increase({FAILED_RECORDS}[5m])) or vector(0)",
                            0,
                        ),
                    },
                ),
                nodes(
                    "Services, topics, databases",
                    "The number on an edge is its rate: requests or records a second.",
                    _vertices(),
                    _edges(),
                    see=[see_traces("{ kind = server || kind = consumer }")],
                ),
            ],
            "The edges": [
                rows(
                    "Across the topic",
                    "Records a second: sender to topic, and topic to consumer.",
                    {"records a second": f"{_sent()} or {_processed()}"},
                    unit="ops",
                    see=[RECORDS],
                ),
                rows(
                    "Calls and statements",
                    "Requests a second, from the service graph.",
                    {"requests a second": CALLED},
                    unit="reqps",
                    see=[see_traces("{ kind = server }", "Traces of requests")],
                ),
                graph(
                    "Sent and processed, by topic",
                    "When the second line is below the first, lag grows.",
                    [
                        (
                            f"sum by (service_name, {TOPIC})"
                            f' (rate({CALLS}{{span_kind="SPAN_KIND_PRODUCER"}}[$__rate_interval]))',
                            "{{service_name}} > {{messaging_destination_name}}",
                        ),
                        (
                            f"sum by (service_name, {TOPIC}) (rate({CALLS}"
                            f'{{span_kind="SPAN_KIND_CONSUMER",{TOPIC}!=""}}[$__rate_interval]))',
                            "{{messaging_destination_name}} > {{service_name}}",
                        ),
                    ],
                    "ops",
                    see=[RECORDS],
                ),
                graph(
                    "Failures by edge",
                    "Failed calls of the service graph, and failed sends and processing.",
                    [
                        (
                            "sum by (client, server)"
                            " (rate(traces_service_graph_request_failed_total[$__rate_interval]))",
                            "{{client}} > {{server}}",
                        ),
                        (
                            f"sum by (service_name, {TOPIC}) (rate({CALLS}"
                            f'{{status_code="STATUS_CODE_ERROR",{TOPIC}!=""}}[$__rate_interval]))',
                            "{{service_name}} {{messaging_destination_name}}",
                        ),
                    ],
                    "ops",
                    see=[see_traces("{ status = error }", "Failed traces")],
                ),
            ],
            "Following a link": [
                note(
                    "How to get from a request to its record and back.",
                    "A record's trace begins where it is processed, and **links** to the span that"
                    " sent it. From the consumer: open the span `process …`, then *Links*. From the"
                    " sender: copy the trace id and search"
                    ' `{ link:traceID = "…" }` (without leading zeros).'
                    " `TELEMETRY_RECORD_SPAN=parent` makes it one trace instead.",
                    width=8,
                    height=8,
                ),
                traces(
                    "Records processed",
                    "The latest.",
                    "{ kind = consumer }",
                    width=16,
                ),
            ],
        },
    )
