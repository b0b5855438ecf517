"""A dashboard's frame: name, time range, links to the others, and its rows of panels."""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardLinkType,
    VariableRefresh,
    VariableSort,
)

from boards.links import PROMETHEUS
from boards.panels import SHARED_CROSSHAIR, PanelBuilder

TAG = "books"


def board(
    uid: str,
    title: str,
    meaning: str,
    rows: Mapping[str, Sequence[PanelBuilder]],
    variables: Mapping[str, str] | None = None,
) -> Dashboard:
    """A dashboard of titled rows; `variables` are PromQL's `label_values(…)` by name."""
    builder = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(meaning)
        .tags([TAG])
        .time("now-30m", "now")
        .refresh("10s")
        .timezone("browser")
        .tooltip(SHARED_CROSSHAIR)
        .link(
            dashboard.DashboardLink("The other dashboards")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
    )
    for name, query in (variables or {}).items():
        builder.with_variable(
            dashboard.QueryVariable(name)
            .datasource(PROMETHEUS)
            .query(query)
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(VariableSort.ALPHABETICAL_ASC)
        )
    for row, panels in rows.items():
        builder.with_row(dashboard.Row(row))
        for panel in panels:
            builder.with_panel(panel)
    return builder.build()
