"""Kafka: does consumption keep up, and what became of the records?"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.links import see_logs, see_traces
from boards.panels import graph, happened, heat, note, number, traces, verdict

BY_TOPIC = "messaging_destination_name"
DEAD = "consumer_dead_letters_total"
REPLAYED = "consumer_replayed_total"

FAILED_RECORDS = see_traces("{ kind = consumer && status = error }", "Traces of failed records")
WORKER_LOG = see_logs('{service_name="backend"} | severity_number >= 13', "The worker's warnings")
REPLAYS = see_traces("{ span.delivery.replayed = true }", "Traces of replays")


def build() -> Dashboard:
    return board(
        "kafka",
        "Kafka",
        "Lag, rates, dead letters and replays of the topics between the services.",
        {
            "Now": [
                verdict(
                    "Keeping up: at most 1,000 records wait. Working: no topic's circuit is open."
                    " No dead letter waits for somebody. There are workers, and a broker.",
                    {
                        "Keeping up": ("sum(clamp_min(kafka_consumer_group_lag, 0))", 1000),
                        "Working": ("consumer_circuit", 0),
                        "No dead letters": ('sql_dead_letters{state="new"}', 0),
                        "Workers": ("sum(kafka_consumer_group_members) < bool 1", 0),
                        "Broker": ("kafka_brokers < bool 1", 0),
                    },
                ),
                number(
                    "Lag",
                    "Records not yet consumed, as the broker sees it.",
                    "sum(clamp_min(kafka_consumer_group_lag, 0))",
                    limits=(100, 1000),
                    see=[WORKER_LOG],
                ),
                number(
                    "Workers",
                    "Members of all consumer groups.",
                    "sum(max by (group) (kafka_consumer_group_members))",
                    see=[WORKER_LOG],
                ),
                number(
                    "Dead letters that wait",
                    "Neither sent back nor discarded, counted in the table.",
                    'max(sql_dead_letters{state="new"})',
                    limits=(1, 10),
                    see=[FAILED_RECORDS],
                ),
                number(
                    "Dead letters",
                    "Records given up in the range that is shown.",
                    f"{happened(DEAD, '$__range')} or vector(0)",
                    limits=(1, 10),
                    see=[FAILED_RECORDS],
                ),
                number(
                    "Sent back",
                    "Dead letters that an operator sent back, ever, counted in the table.",
                    'max(sql_dead_letters{state="redriven"})',
                    see=[REPLAYS],
                ),
                number(
                    "Replayed",
                    "Records that an operator published or handled again in the range that is"
                    " shown, dead letters sent back among them.",
                    f"{happened(REPLAYED, '$__range')} or vector(0)",
                    see=[REPLAYS],
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
                    see=[WORKER_LOG],
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
                    see=[WORKER_LOG],
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
                    see=[see_traces("{ kind = consumer }", "Traces of records")],
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
                    see=[see_traces("{ kind = consumer && duration > 100ms }", "Slow records")],
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
                    see=[see_traces("{ kind = producer && duration > 100ms }", "Slow sends")],
                ),
            ],
            "Failures": [
                graph(
                    "Dead letters",
                    "Records that went to the dead-letter topic, by error, in each interval.",
                    [
                        (
                            happened(DEAD, "$__rate_interval", f"{BY_TOPIC}, error_type"),
                            "{{messaging_destination_name}} {{error_type}}",
                        )
                    ],
                    see=[FAILED_RECORDS],
                ),
                graph(
                    "Retries",
                    "Further attempts at records whose first one failed, in each interval.",
                    [
                        (
                            happened(
                                "consumer_retries_total",
                                "$__rate_interval",
                                f"{BY_TOPIC}, error_type",
                            ),
                            "{{messaging_destination_name}} {{error_type}}",
                        )
                    ],
                    see=[see_traces("{ span.delivery.attempts > 1 }", "Traces of retried records")],
                ),
                graph(
                    "Replays",
                    "Records that an operator published or handled again, in each interval.",
                    [
                        (
                            happened(REPLAYED, "$__rate_interval", BY_TOPIC),
                            "{{messaging_destination_name}}",
                        )
                    ],
                    see=[REPLAYS],
                ),
                note(
                    "The commands that deal with dead letters.",
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
