"""What is deployed is well formed, agrees with itself, and is the same as what is tested."""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.compose.system import SERVICES as COMPOSED
from tests.stack.alerting import cases, rules

from embedded.native import prometheus
from embedded.native.bugsink import bugsink_version
from embedded.native.cache import run
from embedded.native.collector import Collector, collector_version
from embedded.native.kafka import kafka_version
from embedded.native.linters import compose_config, hadolint
from embedded.native.manifests import actionlint

PASSWORDS = {
    "POSTGRES_PASSWORD": "p" * 48,
    "GRAFANA_PASSWORD": "g" * 48,
    "BUGSINK_PASSWORD": "b" * 48,
    "BUGSINK_SECRET_KEY": "s" * 48,
}
PUBLISHED = {
    "bookapp": 8000,
    "backend": 8001,
    "grafana": 3000,
    "tempo": 3200,
    "kafka": 9092,
    "postgres": 5432,
}


def resolved(infra: Path, *overlays: str, profiles: Sequence[str] = ()) -> dict[str, Any]:
    """compose.yaml, with files laid over it, as `docker compose config` resolves it."""
    files = [infra / f"compose{name}.yaml" for name in ("", *(f".{each}" for each in overlays))]
    return compose_config(files, infra / ".env.example", profiles, PASSWORDS)


@pytest.fixture(scope="module")
def composed(infra: Path) -> dict[str, Any]:
    """All of it: the load and the Sentry too."""
    return resolved(infra, "sentry", profiles=["load"])


def promtool(infra: Path, *arguments: str) -> None:
    """Runs promtool where Prometheus's configuration is; raises with what it found wrong."""
    run([prometheus.program("promtool"), *arguments], cwd=infra / "prometheus")


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
    promtool(infra, "check", "config", "prometheus.yaml")


def test_every_alert_fires_when_it_should_and_is_silent_when_not(infra: Path) -> None:
    promtool(infra, "test", "rules", "tests/alerts.yaml")


def alerts() -> list[dict[str, Any]]:
    """Every alert rule."""
    return [rule for rule in rules() if "alert" in rule]


def alert_cases() -> list[tuple[str, bool]]:
    """For each check of a case, the alert that it asks for and whether that one fires."""
    return [
        (re.findall(r'alertname="(\w+)"', check["expr"])[0], bool(check["exp_samples"]))
        for case in cases()
        for check in case["promql_expr_test"]
    ]


def test_every_alert_has_a_case_that_fires_and_one_that_does_not(infra: Path) -> None:
    seen: dict[str, set[bool]] = {}
    for name, fires in alert_cases():
        seen.setdefault(name, set()).add(fires)
    assert seen == {alert["alert"]: {True, False} for alert in alerts()}


def test_every_alert_says_what_it_means_and_where_to_read_on(infra: Path) -> None:
    for alert in alerts():
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


def test_services_wait_for_a_sentry_and_for_the_database(infra: Path) -> None:
    sentry = resolved(infra, "sentry")["services"]
    for name in ("bookapp", "backend"):
        assert sentry[name]["environment"]["SENTRY_DSN"].endswith("@bugsink:8000/1")
        # What `up --wait` needs to take the end of a container for a success.
        needs = {each: need["condition"] for each, need in sentry[name]["depends_on"].items()}
        assert needs["bugsink-project"] == "service_completed_successfully"
        assert needs["postgres"] == "service_healthy"


def test_only_what_needs_them_is_told_the_passwords(composed: dict[str, Any]) -> None:
    told = {
        password: {
            name
            for name, service in composed["services"].items()
            if PASSWORDS[password] in str(service.get("environment"))
        }
        for password in PASSWORDS
    }
    assert told == {
        "POSTGRES_PASSWORD": {"postgres", "bookapp", "backend", "collector"},
        "GRAFANA_PASSWORD": {"grafana"},
        "BUGSINK_PASSWORD": {"bugsink", "bugsink-project"},
        "BUGSINK_SECRET_KEY": {"bugsink", "bugsink-project"},
    }


@pytest.mark.parametrize("variable", PASSWORDS)
def test_without_a_password_nothing_starts(infra: Path, variable: str) -> None:
    files = [infra / "compose.yaml", infra / "compose.sentry.yaml"]
    without = {**PASSWORDS, variable: ""}
    with pytest.raises(RuntimeError, match=f"{variable}.*make infra/.env"):
        compose_config(files, infra / ".env.example", environ=without)


def test_make_writes_passwords_that_nobody_knows(infra: Path, tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    for name in ("Makefile", "infra/.env.example"):
        shutil.copy(infra.parent / name, tmp_path / name)
    run(["make", "infra/.env"], cwd=tmp_path)
    written = dict(
        line.split("=", 1)
        for line in (tmp_path / "infra" / ".env").read_text().splitlines()
        if line and not line.startswith("#")
    )
    secrets = [written[name] for name in PASSWORDS]
    assert all(re.fullmatch(r"[0-9a-f]{48}", secret) for secret in secrets)
    assert len(set(secrets)) == len(secrets)
    assert (tmp_path / "infra" / ".env").stat().st_mode & 0o077 == 0


def test_compose_test_brings_up_everything(infra: Path) -> None:
    assert set(COMPOSED) == set(resolved(infra)["services"])
    stand_ins = {path.name for path in (infra.parent / "tests" / "compose" / "stand_ins").iterdir()}
    assert stand_ins == set(COMPOSED) - {"bookapp", "backend"}


@pytest.mark.parametrize("overlay", ["docker-stats", "tail-sampling"])
def test_overlays_name_configurations_that_exist(infra: Path, overlay: str) -> None:
    command = resolved(infra, overlay)["services"]["collector"]["command"]
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
    assert images["prometheus"] == f"prom/prometheus:v{prometheus.VERSION}"
    version = collector_version(infra / "collector" / "builder.yaml")
    assert images["collector"] == f"otel/opentelemetry-collector-contrib:{version}"
    for name, image in images.items():
        if not image.startswith("event-driven-books"):
            assert re.search(r":v?\d+\.\d+", image), name


WRITES = {"kafka", "bugsink", "bugsink-project"}
"""Containers whose images write elsewhere than in volumes."""


def test_containers_may_do_little_and_have_an_end_to_their_memory(composed: dict[str, Any]) -> None:
    for name, service in composed["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["mem_limit"]) <= 2**30, name
        assert service.get("user") not in ("root", "0"), name
        assert service.get("read_only", False) is (name not in WRITES), name


def test_the_image_says_what_it_is_and_does_not_run_as_root(infra: Path) -> None:
    lines = (infra / "Dockerfile").read_text().splitlines()
    assert "USER 10001" in lines
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    text = "\n".join(lines)
    for label in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in text


def test_the_dockerfile_has_no_findings(infra: Path) -> None:
    assert hadolint(infra / "Dockerfile") == ""
