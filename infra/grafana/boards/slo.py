"""The SLO: is the promise kept, and how fast is what is left used up?

The numbers are those of prometheus/rules/requests.yaml: 99.5 % of requests do not fail, 95 % take
less than 250 ms, over 30 days.
"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.links import see_traces
from boards.panels import graph, note, number, verdict

OBJECTIVE = "0.005"

FAILED = see_traces("{ kind = server && span.http.response.status_code >= 500 }", "Failed requests")
SLOW = see_traces("{ kind = server && duration > 250ms }", "Slow requests")


def _burn(window: str) -> str:
    return f"max by (service_name) (service:http_errors:ratio_rate{window}) / {OBJECTIVE}"


def build() -> Dashboard:
    return board(
        "slo",
        "SLO",
        "Availability and latency against their objectives.",
        {
            "Now": [
                verdict(
                    "Neither alert on the error budget has reason to fire, and no more requests are"
                    " slow than the objective allows.",
                    {
                        "Not burning fast": (f"{_burn('1h')} or vector(0)", 14.4),
                        "Not burning slowly": (f"{_burn('6h')} or vector(0)", 6),
                        "Fast enough": ("service:http_slow:ratio_rate1h or vector(0)", 0.05),
                    },
                ),
                number(
                    "Not failing, last hour",
                    "Objective: 99.5 %.",
                    "1 - max(service:http_errors:ratio_rate1h)",
                    "percentunit",
                    width=6,
                    see=[FAILED],
                ),
                number(
                    "Faster than 250 ms, last hour",
                    "Objective: 95 %.",
                    "1 - max(service:http_slow:ratio_rate1h)",
                    "percentunit",
                    width=6,
                    see=[SLOW],
                ),
                number(
                    "Burn rate, 1 h",
                    "1 uses up the budget in exactly 30 days; at 14.4 somebody is called.",
                    f"max({_burn('1h')})",
                    limits=(6, 14.4),
                    width=6,
                    see=[FAILED],
                ),
                number(
                    "Burn rate, 6 h",
                    "From 6 on it is a warning.",
                    f"max({_burn('6h')})",
                    limits=(3, 6),
                    width=6,
                    see=[FAILED],
                ),
            ],
            "Burn rate": [
                graph(
                    "Fast: 1 h and 5 min",
                    "The alert fires when both are above 14.4.",
                    [
                        (_burn("1h"), "{{service_name}} 1 h"),
                        (_burn("5m"), "{{service_name}} 5 min"),
                    ],
                    see=[FAILED],
                ),
                graph(
                    "Slow: 6 h and 30 min",
                    "The alert fires when both are above 6.",
                    [
                        (_burn("6h"), "{{service_name}} 6 h"),
                        (_burn("30m"), "{{service_name}} 30 min"),
                    ],
                    see=[FAILED],
                ),
                graph(
                    "Slower than 250 ms",
                    "Share of requests; the objective allows 5 %.",
                    [("service:http_slow:ratio_rate1h", "{{service_name}}")],
                    "percentunit",
                    see=[SLOW],
                ),
                note(
                    "Where the numbers come from.",
                    "The windows and thresholds follow the Site Reliability Workbook, chapter 5."
                    " Alerts: `ErrorBudgetBurnsFast`, `ErrorBudgetBurnsSlowly`; what to do is in"
                    " `docs/alerts.md`.",
                    width=12,
                ),
            ],
        },
    )
