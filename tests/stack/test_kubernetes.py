"""The manifests: valid for Kubernetes, restricted, in step with the settings, topics and probes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from contracts.topics import BOOK_INGESTION
from embedded.native.collector import Collector
from embedded.native.manifests import kube_score, kustomize

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "infra" / "kubernetes"
OVERLAYS = ["demo", "production"]

# Whatever kube-score finds critical fails, but for these.
IGNORED = [
    "container-image-pull-policy",  # an image is named by its version, which does not change
    "pod-probes-identical",  # the Collector has one health route
]
IGNORED_IN_THE_DEMO = [
    "container-security-context-user-group-id",  # PostgreSQL's and Kafka's images have low ids
    "container-security-context-readonlyrootfilesystem",  # Kafka's writes its configuration
]


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def rendered(overlay: str) -> str:
    return kustomize(KUBERNETES / "overlays" / overlay)


@pytest.fixture(scope="module")
def manifests(rendered: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(rendered))


def of_kind(manifests: list[dict[str, Any]], *kinds: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] in kinds}


def workloads(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return of_kind(manifests, "Deployment", "StatefulSet", "DaemonSet", "Job")


def pods(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: each["spec"]["template"]["spec"] for name, each in workloads(manifests).items()}


def containers(manifests: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in pods(manifests).items():
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            yield name, container


def test_kubernetes_own_schemas_accept_each_manifest(manifests: list[dict[str, Any]]) -> None:
    core = [each for each in manifests if not each["apiVersion"].startswith("keda.sh/")]
    assert len(core) > 20
    for manifest in core:
        kubernetes_validate.validate(manifest, "1.37", strict=True)


def test_the_policy_checks_find_nothing_critical(
    overlay: str, rendered: str, tmp_path: Path
) -> None:
    file = tmp_path / "manifests.yaml"
    file.write_text(rendered)
    kube_score(file, [*IGNORED, *(IGNORED_IN_THE_DEMO if overlay == "demo" else [])])


def test_no_pod_may_do_more_than_it_must(manifests: list[dict[str, Any]]) -> None:
    (namespace,) = of_kind(manifests, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, pod in pods(manifests).items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert not any("hostPath" in volume for volume in pod.get("volumes", [])), name
    for name, container in containers(manifests):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False, name
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
        assert "memory" in container["resources"]["limits"], name


@pytest.mark.parametrize(("service", "port"), [("bookapp", 8000), ("backend", 8001)])
def test_probes_mean_what_operations_md_says(
    manifests: list[dict[str, Any]], service: str, port: int
) -> None:
    (container,) = pods(manifests)[service]["containers"]
    paths = {
        kind: container[f"{kind}Probe"]["httpGet"]["path"]
        for kind in ("startup", "readiness", "liveness")
    }
    assert paths == {
        "startup": "/health/live",
        "readiness": "/health/ready",
        "liveness": "/health/live",
    }
    assert container["ports"] == [{"name": "http", "containerPort": port}]


def test_a_pod_gets_the_time_that_its_stop_may_take(manifests: list[dict[str, Any]]) -> None:
    stop_seconds = {"bookapp": 10, "backend": 10 + 5 + 5}  # records, answers, telemetry
    for service, seconds in stop_seconds.items():
        pod = pods(manifests)[service]
        waits = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod["terminationGracePeriodSeconds"] >= waits + seconds + 5


def test_every_variable_is_a_setting(manifests: list[dict[str, Any]]) -> None:
    known = (ROOT / "docs" / "settings.md").read_text()
    given = {
        env["name"]
        for name, container in containers(manifests)
        if name in ("bookapp", "backend", "migrate")
        for env in container.get("env", [])
    } - {"POD_NAME", "POD_NAMESPACE", "NODE_NAME"}
    for name, config in of_kind(manifests, "ConfigMap", "Secret").items():
        if name.rpartition("-")[0] in ("settings", "bookapp", "backend", "kafka"):
            given |= (config.get("data") or {}).keys()
    assert given
    assert [name for name in sorted(given) if f"`{name}`" not in known] == []


def test_what_a_pod_takes_its_settings_from_is_there_or_is_named_in_the_example(
    overlay: str, manifests: list[dict[str, Any]]
) -> None:
    there = of_kind(manifests, "ConfigMap", "Secret").keys()
    example = (KUBERNETES / "overlays" / "production" / "secrets.env.example").read_text()
    for name, container in containers(manifests):
        for source in container.get("envFrom", []):
            (reference,) = source.values()
            if reference.get("optional") or reference["name"] in there:
                continue
            assert overlay == "production", f"{name} needs {reference['name']}"
            assert "secretRef" in source
            assert f"# {reference['name']} " in example


def test_the_demo_alone_brings_secrets(overlay: str, manifests: list[dict[str, Any]]) -> None:
    assert bool(of_kind(manifests, "Secret")) == (overlay == "demo")


def test_every_workload_of_ours_survives_the_loss_of_one_pod(
    manifests: list[dict[str, Any]],
) -> None:
    budgets = of_kind(manifests, "PodDisruptionBudget")
    assert {"bookapp", "backend"} <= budgets.keys()
    for name in ("bookapp", "backend"):
        assert budgets[name]["spec"]["maxUnavailable"] == 1
        assert "podAntiAffinity" in pods(manifests)[name]["affinity"]


def test_whatever_is_not_named_may_not_be_reached(manifests: list[dict[str, Any]]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    everything = policies["nothing-else"]["spec"]
    assert everything == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    named = {
        label
        for policy in policies.values()
        for label in [
            *policy["spec"]["podSelector"].get("matchLabels", {}).values(),
            *(
                value
                for expression in policy["spec"]["podSelector"].get("matchExpressions", [])
                for value in expression["values"]
            ),
        ]
    }
    assert workloads(manifests).keys() <= named


def test_there_are_never_more_workers_than_partitions(
    overlay: str, manifests: list[dict[str, Any]]
) -> None:
    scaled = of_kind(manifests, "ScaledObject")
    if overlay == "demo":
        assert scaled == {}
        return
    spec = scaled["backend"]["spec"]
    (trigger,) = spec["triggers"]
    assert spec["maxReplicaCount"] == BOOK_INGESTION.partitions
    assert spec["fallback"]["replicas"] <= BOOK_INGESTION.partitions
    assert trigger["metadata"]["topic"] == BOOK_INGESTION.name
    settings = next(
        config["data"]
        for name, config in of_kind(manifests, "ConfigMap").items()
        if name.startswith("settings-")
    )
    assert trigger["metadata"]["consumerGroup"] == settings["KAFKA_GROUP_ID"]
    target = workloads(manifests)[spec["scaleTargetRef"]["name"]]
    assert target["kind"] == spec["scaleTargetRef"]["kind"]
    assert "replicas" not in target["spec"]


def test_images_are_those_of_compose(manifests: list[dict[str, Any]]) -> None:
    compose = yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text())["services"]
    pinned = {each["image"] for each in compose.values()}
    for name, container in containers(manifests):
        if "event-driven-books" not in container["image"]:
            assert container["image"] in pinned, name


def test_the_agents_configuration_is_accepted_by_the_collector() -> None:
    manifest = ROOT / "infra" / "collector" / "builder.yaml"
    collector = Collector(manifest, [KUBERNETES / "base" / "agent.yaml"])
    try:
        collector.validate()
    finally:
        collector.close()
