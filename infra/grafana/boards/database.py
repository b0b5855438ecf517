"""PostgreSQL: the statements that the services send, their pools, and the server itself."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.links import see_logs, see_traces
from boards.panels import graph, happened, number, rows, traces, verdict

# Statements are spans of kind client whose name begins with an SQL word.
STATEMENT = (
    'span_kind="SPAN_KIND_CLIENT",span_name=~"(SELECT|INSERT|UPDATE|DELETE|WITH|BEGIN|COMMIT).*"'
)

USED = '{db_client_connection_state="used"}'

SLOW = see_traces('{ span.db.system.name = "postgresql" && duration > 50ms }', "Slow statements")
ALL = see_traces('{ span.db.system.name = "postgresql" }', "Traces with statements")
POOL_LOG = see_logs('{service_name=~".+"} |~ "(?i)pool|database|connection"', "Log")


def build() -> Dashboard:
    return board(
        "database",
        "Database",
        "Statements, connections and the server.",
        {
            "Now": [
                verdict(
                    "Room on the server: less than four fifths of its connections are open. Room in"
                    " the pools: no service uses nine tenths of its own. No deadlock in five"
                    " minutes.",
                    {
                        "Room on the server": (
                            "sum(postgresql_backends) / max(postgresql_connection_max)",
                            0.8,
                        ),
                        "Room in the pools": (
                            f"sum by (instance) (db_client_connection_count{USED})"
                            " / sum by (instance) (db_client_connection_max)",
                            0.9,
                        ),
                        "No deadlocks": (
                            f"{happened('postgresql_deadlocks_total', '5m')}",
                            0,
                        ),
                    },
                ),
                number(
                    "Connections",
                    "Open on the server.",
                    "sum(postgresql_backends)",
                    width=6,
                    see=[POOL_LOG],
                ),
                number(
                    "Most allowed",
                    "The server's max_connections.",
                    "max(postgresql_connection_max)",
                    width=6,
                ),
                number(
                    "Size", "Of our database.", "sum(postgresql_db_size_bytes)", "bytes", width=6
                ),
                number(
                    "Deadlocks",
                    "Since the start of the range that is shown.",
                    happened("postgresql_deadlocks_total", "$__range"),
                    limits=(1, 1),
                    width=6,
                    see=[POOL_LOG],
                ),
            ],
            "Statements": [
                graph(
                    "Rate",
                    "Statements a second, by service and statement.",
                    [
                        (
                            "topk(15, sum by (service_name, span_name) (rate("
                            f"traces_spanmetrics_calls_total{{{STATEMENT}}}[$__rate_interval])))",
                            "{{service_name}} {{span_name}}",
                        )
                    ],
                    "ops",
                    see=[ALL],
                ),
                graph(
                    "95th percentile",
                    "How long a statement takes, seen from the service.",
                    [
                        (
                            "topk(15, histogram_quantile(0.95, sum by (service_name, span_name, le)"
                            " (rate(traces_spanmetrics_duration_seconds_bucket"
                            f"{{{STATEMENT}}}"
                            "[$__rate_interval]))))",
                            "{{service_name}} {{span_name}}",
                        )
                    ],
                    "s",
                    exemplars=True,
                    see=[SLOW],
                ),
                rows(
                    "What takes the most time",
                    "Seconds of statements per second, by service and statement.",
                    {
                        "time": "topk(20, sum by (service_name, span_name) (rate("
                        "traces_spanmetrics_duration_seconds_sum"
                        f"{{{STATEMENT}}}[5m])))"
                    },
                    unit="s",
                    see=[ALL],
                ),
                traces(
                    "Slow statements",
                    "Traces in which one statement took more than 50 ms.",
                    '{ span.db.system.name = "postgresql" && duration > 50ms }',
                ),
            ],
            "Connections": [
                graph(
                    "Pools",
                    "Connections of each service's pool in use, and the most it may open.",
                    [
                        (
                            "sum by (service_name, db_client_connection_state)"
                            " (db_client_connection_count)",
                            "{{service_name}} {{db_client_connection_state}}",
                        ),
                        (
                            "sum by (service_name) (db_client_connection_max)",
                            "{{service_name}} most",
                        ),
                    ],
                    see=[POOL_LOG],
                ),
                graph(
                    "Locks",
                    "Held on the server, by mode.",
                    [("sum by (mode) (postgresql_database_locks)", "{{mode}}")],
                ),
            ],
            "The server": [
                graph(
                    "Transactions",
                    "A second; rollbacks apart.",
                    [
                        ("sum(rate(postgresql_commits_total[$__rate_interval]))", "committed"),
                        ("sum(rate(postgresql_rollbacks_total[$__rate_interval]))", "rolled back"),
                    ],
                    "ops",
                ),
                graph(
                    "Books",
                    "In bookapp's table.",
                    [("max(sql_books)", "books")],
                ),
            ],
        },
    )
