"""The outbox: is what was committed also published, and by whom?"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.panels import graph, log_lines, number


def build() -> Dashboard:
    return board(
        "outbox",
        "Outbox",
        "Records between their commit and the broker's acknowledgement.",
        {
            "Now": [
                number(
                    "Backlog",
                    "Records committed and not yet published, counted in the table.",
                    "max(sql_outbox_backlog)",
                    limits=(100, 10_000),
                    width=6,
                ),
                number(
                    "Oldest",
                    "Age of the oldest of them. It stays low while Kafka works, whatever the load.",
                    "max(sql_outbox_oldest_age_seconds)",
                    "s",
                    (10, 60),
                    width=6,
                ),
                number(
                    "Relays",
                    "Processes that hold the relay's lease. It should be one.",
                    "sum(relay_active)",
                    width=6,
                ),
                number(
                    "Parked",
                    "Records that the broker refuses for good; see the column error.",
                    "max(sql_outbox_parked)",
                    limits=(1, 1),
                    width=6,
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
                ),
                graph(
                    "Age of the oldest record",
                    "A rising line of slope 1 means that nothing is published at all.",
                    [
                        ("max(sql_outbox_oldest_age_seconds)", "in the table"),
                        ("max(outbox_oldest_age_seconds)", "seen by the relay"),
                    ],
                    "s",
                ),
                graph(
                    "Published",
                    "Records a second that the broker acknowledged, and those set aside.",
                    [
                        (
                            "sum by (messaging_destination_name)"
                            " (rate(outbox_published_total[$__rate_interval]))",
                            "{{messaging_destination_name}}",
                        ),
                        (
                            "sum by (error_type) (rate(outbox_parked_total[$__rate_interval]))",
                            "parked {{error_type}}",
                        ),
                    ],
                    "ops",
                ),
                graph(
                    "Who relays",
                    "1 in the process that holds the lease. It moves when that process dies.",
                    [("max by (service_name, instance) (relay_active)", "{{instance}}")],
                ),
                log_lines(
                    "The relay's log",
                    "Lease taken, lost, broker away.",
                    '{service_name="bookapp"} | scope_name=~"delivery.*"',
                ),
            ],
        },
    )
