"""Every question that a dashboard or an alert asks can be answered."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from embedded.native.observed import Observed
from embedded.native.queries import malformed
from embedded.waiting import wait_until

INFRA = Path(__file__).parents[2] / "infra"
WITHIN = 60.0
VARIABLES = {"$__rate_interval": "1m", "$__range": "5m", "$service": "bookapp"}
ONLY_BY_HAND = ("consumer_replayed_total",)
"""Metrics that only an operator's command moves: the query must parse, and may be empty."""


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


def rules() -> list[dict[str, Any]]:
    """Every recording and alert rule."""
    files = sorted((INFRA / "prometheus" / "rules").glob("*.yaml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("question", questions("prometheus"), ids=lambda question: question.where)
def test_a_panel_has_data(eventful: Observed, question: Question) -> None:
    def answer() -> bool:
        return bool(eventful.prometheus.query(question.text))

    if any(name in question.text for name in ONLY_BY_HAND):
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
        if name.startswith("otelcol_exporter_enqueue_failed"):
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
    assert malformed("logql", [question.text for question in questions("loki")]) == {}
    assert malformed("traceql", [question.text for question in questions("tempo")]) == {}
    assert malformed("traceql", ["{ kind = "]) != {}
