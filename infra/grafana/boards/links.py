"""Links from a panel to what is behind its numbers: traces in Tempo, log lines in Loki.

A link opens Grafana's Explore with a query, for the time that the dashboard shows.
"""

import json
from urllib.parse import quote

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import DashboardLinkType, DataSourceRef

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
TEMPO = DataSourceRef(type_val="tempo", uid="tempo")
LOKI = DataSourceRef(type_val="loki", uid="loki")

Link = dashboard.DashboardLink

_VARIABLES = ("${__from}", "${__to}", "${service}")


def see_traces(traceql: str, title: str = "Traces") -> Link:
    """To the traces that a TraceQL query finds; `$service` in it is the chosen service."""
    query = {"refId": "A", "queryType": "traceql", "query": traceql, "limit": 20}
    return _explore(title, TEMPO, query)


def see_logs(logql: str, title: str = "Logs") -> Link:
    """To the log lines that a LogQL query finds; `$service` in it is the chosen service."""
    return _explore(title, LOKI, {"refId": "A", "expr": logql})


def _explore(title: str, source: DataSourceRef, query: dict[str, object]) -> Link:
    query["datasource"] = {"type": source.type_val, "uid": source.uid}
    shown = {"from": "${__from}", "to": "${__to}"}
    pane = {"datasource": source.uid, "queries": [query], "range": shown}
    panes = quote(json.dumps({"a": pane}).replace("$service", "${service}"), safe="")
    for variable in _VARIABLES:  # Grafana fills them in where they stand as they are
        panes = panes.replace(quote(variable, safe=""), variable)
    return (
        Link(title)
        .type(DashboardLinkType.LINK)
        .url(f"/explore?schemaVersion=1&orgId=1&panes={panes}")
        .target_blank(True)
    )
