"""The kinds of panels that our dashboards are made of, each with a title, queries and a sentence.

A query is PromQL, TraceQL or LogQL as text; the stack tests collect them from the JSON and run each
one. `$__rate_interval` is Grafana's own: four scrapes at the least.
"""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    heatmap,
    logs,
    loki,
    nodegraph,
    prometheus,
    stat,
    table,
    tempo,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataTransformerConfig,
    Panel,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

from boards.links import LOKI, PROMETHEUS, TEMPO, Link

SHARED_CROSSHAIR = DashboardCursorSync.CROSSHAIR
HEIGHT = 8
PanelBuilder = Builder[Panel]


def _query(expression: str, legend: str, exemplars: bool = False) -> prometheus.Dataquery:
    query = prometheus.Dataquery().datasource(PROMETHEUS).expr(expression).legend_format(legend)
    return query.exemplar(exemplars).range()


def _refer(number: int) -> str:
    return chr(ord("A") + number)


def verdict(meaning: str, checks: Mapping[str, tuple[str, float]]) -> PanelBuilder:
    """The first panel of a board: is it well? Green or red for each check, which has a name.

    A check is a number in PromQL and the most that it may be. Where there is no number, it is not
    well: what cannot be asked does not work. Where none is what one hopes for, say `or vector(0)`.
    """
    panel = (
        stat.Panel()
        .title("Is it well?")
        .description(meaning)
        .datasource(PROMETHEUS)
        .unit("short")
        .span(24)
        .height(4)
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.BACKGROUND)
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
        .mappings(
            [
                ValueMap(
                    options={
                        "0": ValueMappingResult(text="well", color="green", index=0),
                        "1": ValueMappingResult(text="look", color="red", index=1),
                    }
                )
            ]
        )
    )
    for place, (name, (expression, most)) in enumerate(checks.items()):
        query = prometheus.Dataquery().datasource(PROMETHEUS).legend_format(name).instant()
        query.expr(f"(max({expression}) > bool {most}) or vector(1)").ref_id(_refer(place))
        panel.with_target(query)
    return panel


def happened(metric: str, window: str, by: str = "") -> str:
    """How often something was counted in a window: PromQL, exact.

    `increase()` misses the count with which a series begins, and an operator's command has no
    other: it exports once, at its end. So: what each series reached in the window, less what it had
    before, which is nothing where it was not there. A process has series of its own, so none falls.
    """
    reached = f"max_over_time({metric}[{window}])"
    total = f"sum by ({by})" if by else "sum"
    return f"{total} ({reached} - ({metric} offset {window} or 0 * {reached}))"


def graph(
    title: str,
    meaning: str,
    queries: Sequence[tuple[str, str]],
    unit: str = "short",
    width: int = 12,
    exemplars: bool = False,
    see: Sequence[Link] = (),
) -> PanelBuilder:
    """Lines over time; `queries` are (PromQL, legend) pairs, `see` leads on from here."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(meaning)
        .datasource(PROMETHEUS)
        .unit(unit)
        .min(0)
        .fill_opacity(8)
        .span(width)
        .height(HEIGHT)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .links(list(see))
    )
    for number, (expression, legend) in enumerate(queries):
        panel.with_target(_query(expression, legend, exemplars).ref_id(_refer(number)))
    return panel


def number(
    title: str,
    meaning: str,
    expression: str,
    unit: str = "short",
    limits: tuple[float, float] | None = None,
    width: int = 4,
    see: Sequence[Link] = (),
) -> PanelBuilder:
    """One number, with its course behind it; `limits` colour it yellow and red from there on."""
    panel = (
        stat.Panel()
        .title(title)
        .description(meaning)
        .datasource(PROMETHEUS)
        .unit(unit)
        .no_value("0")
        .span(width)
        .height(4)
        .graph_mode(BigValueGraphMode.AREA)
        .color_mode(BigValueColorMode.VALUE)
        .links(list(see))
        .with_target(_query(expression, "").ref_id("A"))
    )
    if limits is not None:
        steps = [Threshold(value=None, color="green")]
        steps += [
            Threshold(value=at, color=color)
            for at, color in zip(limits, ("orange", "red"), strict=True)
        ]
        panel.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    return panel


def heat(
    title: str,
    meaning: str,
    expression: str,
    unit: str,
    width: int = 12,
    see: Sequence[Link] = (),
) -> PanelBuilder:
    """A histogram's buckets over time, with exemplars: a click on a dot opens its trace."""
    return (
        heatmap.Panel()
        .title(title)
        .description(meaning)
        .datasource(PROMETHEUS)
        .unit("short")  # of the counts; the axis has the unit of what is measured
        .links(list(see))
        .span(width)
        .height(HEIGHT)
        .calculate(False)
        .color(
            heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
        )
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .exemplars_color("rgba(31, 120, 193, 0.9)")
        .with_target(
            _query(expression, "{{le}}", exemplars=True).format(PromQueryFormat.HEATMAP).ref_id("A")
        )
    )


def _instant(expression: str, reference: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().datasource(PROMETHEUS).expr(expression).ref_id(reference)
    return query.instant().format(PromQueryFormat.TABLE)


def rows(
    title: str,
    meaning: str,
    columns: dict[str, str],
    join_on: str | None = None,
    unit: str = "short",
    width: int = 12,
    see: Sequence[Link] = (),
) -> PanelBuilder:
    """A table of what is true now; `columns` are PromQL by column name, joined on one label."""
    panel = (
        table.Panel()
        .title(title)
        .description(meaning)
        .datasource(PROMETHEUS)
        .unit(unit)
        .links(list(see))
        .span(width)
        .height(HEIGHT)
    )
    names = {}
    for place, (name, expression) in enumerate(columns.items()):
        panel.with_target(_instant(expression, _refer(place)))
        names[f"Value #{_refer(place)}" if len(columns) > 1 else "Value"] = name
    if join_on is not None:
        panel.with_transformation(
            DataTransformerConfig(id_val="joinByField", options={"byField": join_on})
        )
    hidden = {f"Time {place}": True for place in range(1, len(columns) + 1)} | {"Time": True}
    panel.with_transformation(
        DataTransformerConfig(
            id_val="organize", options={"renameByName": names, "excludeByName": hidden}
        )
    )
    return panel


def nodes(
    title: str, meaning: str, vertices: str, edges: str, see: Sequence[Link] = ()
) -> PanelBuilder:
    """A graph; `vertices` have a label id, `edges` labels id, source and target."""
    names = {"Value #vertices": "mainstat", "Value #edges": "mainstat"}
    return (
        nodegraph.Panel()
        .title(title)
        .description(meaning)
        .datasource(PROMETHEUS)
        .unit("ops")
        .links(list(see))
        .span(24)
        .height(12)
        .with_target(_instant(vertices, "vertices"))
        .with_target(_instant(edges, "edges"))
        .with_transformation(
            DataTransformerConfig(
                id_val="organize", options={"renameByName": names, "excludeByName": {"Time": True}}
            )
        )
    )


def traces(title: str, meaning: str, traceql: str, width: int = 12) -> PanelBuilder:
    """The latest traces that a TraceQL query finds; a click opens one."""
    return (
        table.Panel()
        .title(title)
        .description(meaning)
        .datasource(TEMPO)
        .span(width)
        .height(HEIGHT)
        .with_target(
            tempo.TempoQuery()
            .datasource(TEMPO)
            .query_type("traceql")
            .query(traceql)
            .limit(20)
            .ref_id("A")
        )
    )


def trace_metric(
    title: str, meaning: str, traceql: str, unit: str, width: int = 12
) -> PanelBuilder:
    """Lines over time that Tempo computes from spans (TraceQL metrics)."""
    return (
        timeseries.Panel()
        .title(title)
        .description(meaning)
        .datasource(TEMPO)
        .unit(unit)
        .span(width)
        .height(HEIGHT)
        .with_target(
            tempo.TempoQuery()
            .datasource(TEMPO)
            .query_type("traceql")
            .query(traceql)
            .step("30s")
            .ref_id("A")
        )
    )


def log_lines(title: str, meaning: str, logql: str, width: int = 24) -> PanelBuilder:
    """The latest log lines; each leads to its trace."""
    return (
        logs.Panel()
        .title(title)
        .description(meaning)
        .datasource(LOKI)
        .span(width)
        .height(HEIGHT)
        .show_time(True)
        .enable_log_details(True)
        .with_target(loki.Dataquery().datasource(LOKI).expr(logql).max_lines(100).ref_id("A"))
    )


def note(meaning: str, content: str, width: int = 24, height: int = 4) -> PanelBuilder:
    """Text in Markdown: what to do with the panels beside it."""
    panel = text.Panel().description(meaning).mode(TextMode.MARKDOWN).content(content)
    return panel.span(width).height(height)
