"""Each source and each condition of an alert is held by a case: without it, one of them fails."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.stack.alerting import cases, rules

from embedded.native import prometheus
from embedded.native.cache import run

TOKEN = re.compile(r'"[^"]*"|[()]|\b(?:or|and|unless)\b(?: on \([^)]*\))?')
DEFAULT = re.compile(r"\s*0 \*")
"""An operand that is there for a result of 0, where nothing would be the same to every alert."""


def without_an_operand(text: str) -> Iterator[str]:
    """The expression without one operand of `or`, `and`, `unless`: each that can be left out."""
    # For each parenthesis that is open, where it begins, and the operators directly in it.
    open_ones: list[tuple[int, list[re.Match[str]]]] = [(0, [])]
    for token in [*TOKEN.finditer(text), None]:
        if token is None or token[0] == ")":
            begin, operators = open_ones.pop()
            end = len(text) if token is None else token.start()
            begins = [begin, *(operator.end() for operator in operators)]
            ends = [*(operator.start() for operator in operators), end]
            for at, operator in enumerate(operators):
                if at == 0 and not operator[0].startswith("unless"):
                    yield text[:begin] + text[begins[1] :]
                if not DEFAULT.match(text[begins[at + 1] :]):
                    yield text[: operator.start()] + text[ends[at + 1] :]
        elif token[0] == "(":
            open_ones.append((token.end(), []))
        elif not token[0].startswith('"'):
            open_ones[-1][1].append(token)


def test_an_expression_is_taken_apart_where_it_can_be() -> None:
    text = 'sum(a{b="or"} > 0 or (c unless c offset 5m)) > 0 and on (d) e'
    assert {re.sub(r" +", " ", each).strip() for each in without_an_operand(text)} == {
        "sum( (c unless c offset 5m)) > 0 and on (d) e",
        'sum(a{b="or"} > 0 ) > 0 and on (d) e',
        'sum(a{b="or"} > 0 or (c )) > 0 and on (d) e',
        "e",
        'sum(a{b="or"} > 0 or (c unless c offset 5m)) > 0',
    }
    assert [each.strip() for each in without_an_operand("a or b or 0 * c")] == [
        "b or 0 * c",
        "a or 0 * c",
    ]


def readers(rule: dict[str, Any], among: list[dict[str, Any]]) -> set[str]:
    """The alerts that a rule decides: itself, or those that read what it records."""
    if "alert" in rule:
        return {rule["alert"]}
    return {each["alert"] for each in among if "alert" in each and rule["record"] in each["expr"]}


def cases_about(alerts: set[str]) -> list[dict[str, Any]]:
    """The cases about these alerts."""
    about = re.compile(rf'alertname="({"|".join(alerts)})"')
    return [
        case
        for case in cases()
        if any(about.search(check["expr"]) for check in case["promql_expr_test"])
    ]


def passes(given: list[dict[str, Any]], about: set[str], directory: Path) -> bool:
    """Whether the cases about these alerts pass with what of these rules decides them."""
    chosen = cases_about(about)
    asked = set(re.findall(r'alertname="(\w+)"', str(chosen)))
    deciding = [rule for rule in given if readers(rule, given) & asked]
    (directory / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "all", "rules": deciding}]})
    )
    checks = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": chosen}
    (directory / "cases.yaml").write_text(yaml.safe_dump(checks))
    try:
        run([prometheus.program("promtool"), "test", "rules", "cases.yaml"], directory)
    except RuntimeError:
        return False
    return True


@pytest.mark.timeout(900)
def test_no_alert_can_do_without_a_source_or_a_condition(tmp_path: Path) -> None:
    every = rules()
    unnoticed = []
    for at, rule in enumerate(every):
        about = readers(rule, every)
        for expression in without_an_operand(rule["expr"]):
            changed = [*every[:at], {**rule, "expr": expression}, *every[at + 1 :]]
            if passes(changed, about, tmp_path):
                unnoticed.append((rule.get("alert") or rule["record"], expression))
    assert unnoticed == []
    for rule in every:  # or each would seem to be noticed
        assert "record" in rule or passes(every, {rule["alert"]}, tmp_path), rule["alert"]
