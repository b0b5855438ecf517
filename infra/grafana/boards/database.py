"""PostgreSQL: the statements that the services send, their pools, and the server itself."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.panels import graph, number, rows, traces

# Statements are spans of kind client whose name begins with an SQL word.
STATEMENT = (
    'span_kind="SPAN_KIND_CLIENT",span_name=~"(SELECT|INSERT|UPDATE|DELETE|WITH|BEGIN|COMMIT).*"'
)


def build() -> Dashboard:
    return board(
        "database",
        "Database",
        "Statements, connections and the server.",
        {
            "Now": [
                number(
                    "Connections",
                    "Open on the server.",
                    "sum(postgresql_backends)",
                    width=6,
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
                    "sum(increase(postgresql_deadlocks_total[$__range]))",
                    limits=(1, 1),
                    width=6,
                ),
            ],
            "Statements": [
                graph(
                    "Rate",
                    "Statements a second, by service and statement.",
                    [
                        (
                            "topk(15, sum by (service_name, span_name) (rate("
                            f"traces_span_metrics_calls_total{{{STATEMENT}}}[$__rate_interval])))",
                            "{{service_name}} {{span_name}}",
                        )
                    ],
                    "ops",
                ),
                graph(
                    "95th percentile",
                    "In milliseconds, seen from the service.",
                    [
                        (
                            "topk(15, histogram_quantile(0.95, sum by (service_name, span_name, le)"
                            " (rate(traces_span_metrics_duration_milliseconds_bucket"
                            f"{{{STATEMENT}}}"
                            "[$__rate_interval]))))",
                            "{{service_name}} {{span_name}}",
                        )
                    ],
                    "ms",
                    exemplars=True,
                ),
                rows(
                    "What takes the most time",
                    "Seconds of statements per second, by service and statement.",
                    {
                        "time": "topk(20, sum by (service_name, span_name) (rate("
                        "traces_span_metrics_duration_milliseconds_sum"
                        f"{{{STATEMENT}}}[5m])) / 1000)"
                    },
                    unit="s",
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
