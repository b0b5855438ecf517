"""What is deployed is well formed, agrees with itself, and is the same as what is tested."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from embedded.native.bugsink import bugsink_version
from embedded.native.cache import run
from embedded.native.collector import Collector, collector_version
from embedded.native.kafka import kafka_version
from embedded.native.linters import actionlint, compose_config, hadolint
from embedded.native.prometheus import program

PROFILES = ["default", "ci", "sentry", "load"]
PUBLISHED = {
    "bookapp": 8000,
    "backend": 8001,
    "grafana": 3000,
    "tempo": 3200,
    "kafka": 9092,
    "postgres": 5432,
}


@pytest.fixture(scope="module")
def composed(infra: Path) -> dict[str, Any]:
    """compose.yaml as `docker compose config` resolves it, with every profile."""
    return compose_config([infra / "compose.yaml"], PROFILES)


@pytest.mark.parametrize("variant", [None, "docker.yaml", "tail-sampling.yaml"])
def test_the_collector_accepts_its_configuration(infra: Path, variant: str | None) -> None:
    directory = infra / "collector"
    files = [directory / name for name in ("collector.yaml", variant) if name]
    collector = Collector(directory / "builder.yaml", files)
    try:
        collector.validate()
    finally:
        collector.close()


def test_the_hosted_workflow_is_well_formed(infra: Path) -> None:
    assert actionlint(infra.parent / ".github" / "workflows" / "ci.yml") == ""


def test_prometheus_accepts_its_configuration_and_rules(infra: Path) -> None:
    run([program("promtool"), "check", "config", "prometheus.yaml"], cwd=infra / "prometheus")


def test_every_alert_fires_when_it_should_and_is_silent_when_not(infra: Path) -> None:
    run([program("promtool"), "test", "rules", "tests/alerts.yaml"], cwd=infra / "prometheus")


def alerts(infra: Path) -> list[dict[str, Any]]:
    """Every alert rule."""
    files = sorted((infra / "prometheus" / "rules").glob("*.yaml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def test_every_alert_has_a_case_that_fires_and_one_that_does_not(infra: Path) -> None:
    cases = yaml.safe_load((infra / "prometheus" / "tests" / "alerts.yaml").read_text())["tests"]
    seen: dict[str, set[bool]] = {}
    for case in cases:
        for check in case["promql_expr_test"]:
            name = re.findall(r'alertname="(\w+)"', check["expr"])[0]
            seen.setdefault(name, set()).add(bool(check["exp_samples"]))
    assert seen == {alert["alert"]: {True, False} for alert in alerts(infra)}


def test_every_alert_says_what_it_means_and_where_to_read_on(infra: Path) -> None:
    for alert in alerts(infra):
        notes = alert["annotations"]
        assert notes["summary"], alert
        assert len(notes["description"].split()) > 15, alert
        page, _, anchor = notes["runbook_url"].partition("#")
        headings = re.findall(r"^#+ (.+)$", (infra.parent / page).read_text(), re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, alert


def test_the_dashboards_are_those_that_their_modules_write(infra: Path) -> None:
    run([sys.executable, "grafana/generate.py", "--check"], cwd=infra)


def test_dashboards_ask_only_data_sources_that_are_provisioned(infra: Path) -> None:
    provisioning = infra / "grafana" / "provisioning" / "datasources" / "datasources.yaml"
    known = {source["uid"] for source in yaml.safe_load(provisioning.read_text())["datasources"]}
    for path in (infra / "grafana" / "dashboards").glob("*.json"):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                assert target["datasource"]["uid"] in known, (path.name, panel["title"])


def test_a_plain_up_starts_everything_and_ci_the_database_and_kafka(infra: Path) -> None:
    file = [infra / "compose.yaml"]
    assert set(compose_config(file)["services"]) == {
        *PUBLISHED,
        *("collector", "loki", "prometheus"),
    }
    assert set(compose_config(file, ["ci"])["services"]) == {"kafka", "postgres"}


@pytest.mark.parametrize("overlay", ["docker-stats", "tail-sampling"])
def test_overlays_name_configurations_that_exist(infra: Path, overlay: str) -> None:
    files = [infra / "compose.yaml", infra / f"compose.{overlay}.yaml"]
    command = compose_config(files)["services"]["collector"]["command"]
    assert len(command) == 2
    for argument in command:
        assert (infra / "collector" / argument.rpartition("/")[2]).exists()


def test_ports_are_published_on_loopback_only_and_where_users_expect_them(
    composed: dict[str, Any],
) -> None:
    ports = {
        name: [(port["host_ip"], int(port["published"])) for port in service.get("ports", [])]
        for name, service in composed["services"].items()
    }
    assert {address for published in ports.values() for address, _ in published} == {"127.0.0.1"}
    for name, port in PUBLISHED.items():
        assert ports[name] == [("127.0.0.1", port)]
    assert {port for _, port in ports["collector"]} == {4317, 4318}


def test_images_are_pinned_to_the_versions_that_are_tested(
    infra: Path, composed: dict[str, Any]
) -> None:
    images = {name: service["image"] for name, service in composed["services"].items()}
    assert images["kafka"] == f"apache/kafka:{kafka_version()}"
    assert images["bugsink"] == f"bugsink/bugsink:{bugsink_version()}"
    version = collector_version(infra / "collector" / "builder.yaml")
    assert images["collector"] == f"otel/opentelemetry-collector-contrib:{version}"
    for name, image in images.items():
        if not image.startswith("event-driven-books"):
            assert re.search(r":v?\d+\.\d+", image), name


def test_our_containers_may_do_little(composed: dict[str, Any]) -> None:
    for name in ("bookapp", "backend", "load"):
        service = composed["services"][name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name


def test_the_dockerfile_has_no_findings(infra: Path) -> None:
    assert hadolint(infra / "Dockerfile") == ""
