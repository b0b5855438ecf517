"""Every question that a dashboard or an alert asks can be answered."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from embedded.native.observed import Observed
from embedded.native.queries import malformed
from embedded.waiting import wait_until

INFRA = Path(__file__).parents[2] / "infra"
WITHIN = 60.0
VARIABLES = {"$__rate_interval": "1m", "$__range": "5m", "$service": "bookapp"}
AT_ITS_EVENT = ("consumer_replayed_total", "otelcol_exporter_enqueue_failed")
"""Metrics that are there from their first event on, an operator's command, a full queue: the query
must parse, and may be empty."""


class Question(NamedTuple):
    """A query, where it is asked, and of which kind of data source."""

    where: str
    source: str
    text: str


def _filled(text: str) -> str:
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return text


def questions(source: str) -> list[Question]:
    """Every panel's queries to data sources of one kind, with Grafana's variables filled in."""
    found = []
    for path in sorted((INFRA / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                if target["datasource"]["type"] == source:
                    text = target.get("expr") or target.get("query")
                    where = f"{path.stem}: {panel['title']}"
                    found.append(Question(where, source, _filled(text)))
    return found


def boards() -> dict[str, list[dict[str, Any]]]:
    """The panels of each dashboard, without the titles of rows."""
    files = sorted((INFRA / "grafana" / "dashboards").glob("*.json"))
    return {
        path.stem: [
            panel for panel in json.loads(path.read_text())["panels"] if panel["type"] != "row"
        ]
        for path in files
    }


def links(panel: dict[str, Any]) -> list[tuple[str, str]]:
    """Where a panel leads: the data source and the query, with Grafana's variables filled in."""
    found = []
    for link in panel.get("links", []):
        [panes] = parse_qs(urlsplit(link["url"]).query)["panes"]
        [pane] = json.loads(panes.replace("${service}", "bookapp")).values()
        [query] = pane["queries"]
        assert pane["range"] == {"from": "${__from}", "to": "${__to}"}
        assert query["datasource"]["uid"] == pane["datasource"]
        found.append((pane["datasource"], query.get("query") or query["expr"]))
    return found


def rules() -> list[dict[str, Any]]:
    """Every recording and alert rule."""
    files = sorted((INFRA / "prometheus" / "rules").glob("*.yaml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("question", questions("prometheus"), ids=lambda question: question.where)
def test_a_panel_has_data(eventful: Observed, question: Question) -> None:
    def answer() -> bool:
        return bool(eventful.prometheus.query(question.text))

    if any(name in question.text for name in AT_ITS_EVENT):
        answer()
        return
    wait_until(answer, WITHIN, interval=0.5, what=question.text)


def test_the_variables_of_dashboards_have_values(eventful: Observed) -> None:
    values = eventful.prometheus.get("label/service_name/values")
    assert {"bookapp", "backend"} <= set(values)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_metrics_that_exist(eventful: Observed, rule: dict[str, Any]) -> None:
    expression = " ".join(rule["expr"].split())
    eventful.prometheus.query(expression)
    # Of an alert, silent as it should be, each part must have data: take the comparisons away.
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\b(by|on|without)\s*\([^)]*\)', "", expression)
    words = re.findall(r"\b[a-z_:]+[a-z0-9_:]*\b(?!\s*\()", bare)
    names = [word for word in words if "_" in word and not word.startswith("label_")]
    assert names or "up" in words
    for name in names or ["up"]:
        if name.startswith(("otelcol_exporter_enqueue_failed", "exporter:telemetry_lost")):
            continue  # made by the Collector at its first failure
        wait_until(lambda name=name: eventful.prometheus.query(name), WITHIN, what=name)


def test_no_rule_has_failed(eventful: Observed) -> None:
    for group in eventful.prometheus.get("rules")["groups"]:
        for rule in group["rules"]:
            assert rule["health"] != "err", rule


def test_the_topology_leads_across_the_topic(eventful: Observed) -> None:
    [edges] = [
        question.text
        for question in questions("prometheus")
        if question.where == "topology: Services, topics, databases" and "source" in question.text
    ]
    wanted = {("bookapp", "book_ingestion"), ("book_ingestion", "backend"), ("bookapp", "backend")}

    def found() -> bool:
        series = [each["metric"] for each in eventful.prometheus.query(edges)]
        return wanted <= {(each["source"], each["target"]) for each in series}

    wait_until(found, WITHIN, interval=1, what="the edges of the topology")


def test_questions_to_loki_and_tempo_are_well_formed() -> None:
    linked = [link for panels in boards().values() for panel in panels for link in links(panel)]
    of_loki = [question.text for question in questions("loki")]
    of_tempo = [question.text for question in questions("tempo")]
    of_loki += [text for source, text in linked if source == "loki"]
    of_tempo += [text for source, text in linked if source == "tempo"]
    assert malformed("logql", of_loki) == {}
    assert malformed("traceql", of_tempo) == {}
    assert malformed("traceql", ["{ kind = "]) != {}


@pytest.mark.parametrize("board", boards())
def test_a_board_begins_with_whether_it_is_well(board: str) -> None:
    first = boards()[board][0]
    assert first["title"] == "Is it well?"
    assert len(first["targets"]) >= 2
    assert {target["legendFormat"] for target in first["targets"]} != {""}


NO_TRACES = {
    ("collector", "Up"),
    ("collector", "Memory"),
    ("collector", "Failing scrapes"),
    ("collector", "Received"),
    ("collector", "Sent"),
    ("collector", "Queues"),
    ("collector", "Batches"),
    ("collector", "CPU"),
    ("database", "Most allowed"),
    ("database", "Size"),
    ("database", "Locks"),
    ("database", "Transactions"),
    ("database", "Books"),
    ("kafka", "Offsets"),
}
"""Panels about servers that send neither traces nor logs: their numbers lead nowhere."""


@pytest.mark.parametrize("board", boards())
def test_a_panel_says_what_it_means_in_which_unit_and_leads_on(board: str) -> None:
    for panel in boards()[board]:
        where = (board, panel.get("title", ""))
        assert panel["description"], where
        if panel["type"] == "text" or panel.get("datasource", {}).get("type") != "prometheus":
            continue  # words; traces and log lines, which are where the others lead to
        assert panel["fieldConfig"]["defaults"]["unit"], where
        if panel["title"] != "Is it well?":
            assert bool(links(panel)) is (where not in NO_TRACES), where


def test_the_page_about_dashboards_names_each_of_them() -> None:
    files = sorted((INFRA / "grafana" / "dashboards").glob("*.json"))
    titles = {json.loads(path.read_text())["title"] for path in files}
    page = (INFRA.parent / "docs" / "dashboards.md").read_text()
    assert {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")} == {
        "dashboard",
        *titles,
    }


@pytest.mark.parametrize(
    "query",
    [
        "sum(rate(traces_spanmetrics_calls_total{%s}[5m])) by (span_name)",
        'sum(rate(traces_spanmetrics_calls_total{%s,status_code="STATUS_CODE_ERROR"}[5m]))'
        " by (span_name)",
        "histogram_quantile(.9, sum(rate(traces_spanmetrics_latency_bucket{%s}[5m])) by (le))",
    ],
    ids=["rate", "errors", "duration"],
)
def test_the_service_graph_view_of_grafana_has_data(eventful: Observed, query: str) -> None:
    asked = query % 'span_kind="SPAN_KIND_SERVER"'
    wait_until(lambda: eventful.prometheus.query(asked), WITHIN, interval=0.5, what=asked)
