"""Kafka: does consumption keep up, and what became of the records?"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.panels import graph, heat, note, number, traces

BY_TOPIC = "messaging_destination_name"


def build() -> Dashboard:
    return board(
        "kafka",
        "Kafka",
        "Lag, rates, dead letters and replays of the topics between the services.",
        {
            "Now": [
                number(
                    "Lag",
                    "Records not yet consumed, as the broker sees it.",
                    "sum(clamp_min(kafka_consumer_group_lag, 0))",
                    limits=(100, 1000),
                ),
                number("Brokers", "Brokers that answer.", "max(kafka_brokers)"),
                number(
                    "Workers",
                    "Members of all consumer groups.",
                    "sum(max by (group) (kafka_consumer_group_members))",
                ),
                number(
                    "Dead letters",
                    "Since the start of the range that is shown.",
                    "sum(increase(consumer_dead_letters_total[$__range])) or vector(0)",
                    limits=(1, 10),
                ),
                number(
                    "Circuit open",
                    "1: everything fails, so consumption has stopped and probes.",
                    "max(consumer_circuit)",
                    limits=(1, 1),
                ),
                number(
                    "Replayed",
                    "Records published again by an operator, since the start of the range.",
                    "sum(increase(consumer_replayed_total[$__range])) or vector(0)",
                ),
            ],
            "Lag": [
                graph(
                    "Lag by group and topic",
                    "Measured at the broker: it grows also when the worker is dead.",
                    [
                        (
                            "sum by (group, topic) (clamp_min(kafka_consumer_group_lag, 0))",
                            "{{group}} {{topic}}",
                        )
                    ],
                ),
                graph(
                    "Lag by partition",
                    "Measured by the worker that has the partition. One alone: a hot key, a retry.",
                    [
                        (
                            "sum by (messaging_destination_name,"
                            " messaging_destination_partition_id) (consumer_lag)",
                            "{{messaging_destination_name}} {{messaging_destination_partition_id}}",
                        )
                    ],
                ),
            ],
            "Rates": [
                graph(
                    "Sent and processed",
                    "Records a second. The two lines should lie on each other.",
                    [
                        (
                            f"sum by ({BY_TOPIC})"
                            " (rate(messaging_client_sent_messages_total[$__rate_interval]))",
                            "sent to {{messaging_destination_name}}",
                        ),
                        (
                            f"sum by ({BY_TOPIC})"
                            " (rate(messaging_client_consumed_messages_total[$__rate_interval]))",
                            "consumed from {{messaging_destination_name}}",
                        ),
                    ],
                    "ops",
                ),
                graph(
                    "Offsets",
                    "Records a second that arrive in a topic, as the broker counts them.",
                    [
                        (
                            "sum by (topic)"
                            " (rate(kafka_partition_current_offset[$__rate_interval]))",
                            "{{topic}}",
                        )
                    ],
                    "ops",
                ),
                heat(
                    "Duration of processing",
                    "One record, its retries included. The dots lead to process spans.",
                    "sum by (le)"
                    " (increase(messaging_process_duration_seconds_bucket[$__rate_interval]))",
                    "s",
                ),
                graph(
                    "Duration of sending",
                    "From the producer to the broker's acknowledgement.",
                    [
                        (
                            f"histogram_quantile(0.95, sum by ({BY_TOPIC}, le) (rate("
                            "messaging_client_operation_duration_seconds_bucket[$__rate_interval])))",
                            "{{messaging_destination_name}}",
                        )
                    ],
                    "s",
                    exemplars=True,
                ),
            ],
            "Failures": [
                graph(
                    "Dead letters",
                    "Records that went to the dead-letter topic, by error.",
                    [
                        (
                            f"sum by ({BY_TOPIC}, error_type)"
                            " (rate(consumer_dead_letters_total[$__rate_interval]))",
                            "{{messaging_destination_name}} {{error_type}}",
                        )
                    ],
                    "ops",
                ),
                graph(
                    "Retries",
                    "Further attempts at records whose first one failed.",
                    [
                        (
                            f"sum by ({BY_TOPIC}, error_type)"
                            " (rate(consumer_retries_total[$__rate_interval]))",
                            "{{messaging_destination_name}} {{error_type}}",
                        )
                    ],
                    "ops",
                ),
                graph(
                    "Replays",
                    "Records that an operator published again.",
                    [
                        (
                            f"sum by ({BY_TOPIC})"
                            " (rate(consumer_replayed_total[$__rate_interval]))",
                            "{{messaging_destination_name}}",
                        )
                    ],
                    "ops",
                ),
                note(
                    "`faust -A backend.app dead-letters list` shows what could not be processed and"
                    " why; `dead-letters redrive` sends it again when the cause is gone;"
                    " `replay` runs records again, for debugging.",
                    width=12,
                ),
            ],
            "Traces": [
                traces(
                    "Sent",
                    "Traces of requests that sent a record.",
                    '{ kind = producer && span.messaging.destination.name = "book_ingestion" }',
                ),
                traces(
                    "Processed",
                    "Traces of records. Each has a link to the span that sent it: open the process"
                    " span, then Links.",
                    '{ kind = consumer && span.messaging.destination.name = "book_ingestion" }',
                ),
            ],
        },
    )
