"""Prometheus' rules, and the cases of its alerts."""

from typing import Any

import yaml
from tests.making import ROOT

PROMETHEUS = ROOT / "infra" / "prometheus"


def rules() -> list[dict[str, Any]]:
    """Every rule, of alerts and of what is recorded."""
    files = sorted((PROMETHEUS / "rules").glob("*.yaml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def cases() -> list[dict[str, Any]]:
    """Every case that promtool runs."""
    every: list[dict[str, Any]]
    every = yaml.safe_load((PROMETHEUS / "tests" / "alerts.yaml").read_text())["tests"]
    # 0x60 is sixty times 0 to Prometheus, and 96 to YAML where it is not in quotes.
    assert all(isinstance(each["values"], str) for case in every for each in case["input_series"])
    return every
