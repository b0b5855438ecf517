"""The outbox: is what was committed also published, and by whom?"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.links import see_logs, see_traces
from boards.panels import graph, happened, log_lines, number, verdict

RELAY_LOG = see_logs('{service_name="bookapp"} | scope_name=~"delivery.*"', "The relay's log")
SENDS = see_traces("{ kind = producer }", "Traces of sent records")
UNSENT = see_traces("{ kind = producer && status = error }", "Traces of failed sends")


def build() -> Dashboard:
    return board(
        "outbox",
        "Outbox",
        "Records between their commit and the broker's acknowledgement.",
        {
            "Now": [
                verdict(
                    "Published: no record has waited for more than a minute. Relayed: a process"
                    " holds the relay's lease. Nothing parked: the broker refused no record for"
                    " good.",
                    {
                        "Published": ("sql_outbox_oldest_age_seconds", 60),
                        "Relayed": ("1 - sum(relay_active)", 0),
                        "Nothing parked": ("sql_outbox_parked", 0),
                    },
                ),
                number(
                    "Backlog",
                    "Records committed and not yet published, counted in the table.",
                    "max(sql_outbox_backlog)",
                    limits=(100, 10_000),
                    width=6,
                    see=[RELAY_LOG],
                ),
                number(
                    "Oldest",
                    "Age of the oldest of them. It stays low while Kafka works, whatever the load.",
                    "max(sql_outbox_oldest_age_seconds)",
                    "s",
                    (10, 60),
                    width=6,
                    see=[RELAY_LOG],
                ),
                number(
                    "Relays",
                    "Processes that hold the relay's lease. It should be one.",
                    "sum(relay_active)",
                    width=6,
                    see=[RELAY_LOG],
                ),
                number(
                    "Parked",
                    "Records that the broker refuses for good; see the column error.",
                    "max(sql_outbox_parked)",
                    limits=(1, 1),
                    width=6,
                    see=[UNSENT],
                ),
            ],
            "Over time": [
                graph(
                    "Backlog",
                    "Counted in the table, and by the relay.",
                    [
                        ("max(sql_outbox_backlog)", "in the table"),
                        ("max(outbox_backlog)", "seen by the relay"),
                    ],
                    see=[RELAY_LOG],
                ),
                graph(
                    "Age of the oldest record",
                    "A rising line of slope 1 means that nothing is published at all.",
                    [
                        ("max(sql_outbox_oldest_age_seconds)", "in the table"),
                        ("max(outbox_oldest_age_seconds)", "seen by the relay"),
                    ],
                    "s",
                    see=[RELAY_LOG],
                ),
                graph(
                    "Published",
                    "Records a second that the broker acknowledged.",
                    [
                        (
                            "sum by (messaging_destination_name)"
                            " (rate(outbox_published_total[$__rate_interval]))",
                            "{{messaging_destination_name}}",
                        )
                    ],
                    "ops",
                    see=[SENDS],
                ),
                graph(
                    "Parked",
                    "Records that were set aside, by error, in each interval.",
                    [
                        (
                            happened("outbox_parked_total", "$__rate_interval", "error_type"),
                            "{{error_type}}",
                        )
                    ],
                    see=[UNSENT],
                ),
                graph(
                    "Who relays",
                    "1 in the process that holds the lease. It moves when that process dies.",
                    [("max by (service_name, instance) (relay_active)", "{{instance}}")],
                    see=[RELAY_LOG],
                ),
                log_lines(
                    "The relay's log",
                    "Lease taken, lost, broker away.",
                    '{service_name="bookapp"} | scope_name=~"delivery.*"',
                ),
            ],
        },
    )
