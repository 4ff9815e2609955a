"""Test deploy/kubernetes: its form, its probes, its limits, and where its secrets come from."""

from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.redirect_settings import RedirectSettings
from bot.settings import Settings

FOLDER = Path(__file__).parents[2] / "deploy/kubernetes"
VERSIONS = ("1.32", "1.37")
"""The oldest and the newest version of Kubernetes whose schemas the objects have to match."""
LONGEST_DRAIN_SECONDS = 30
PORT = 8080
METRICS_PORT = 8090
REDIRECT_PORT = 8085
SETTINGS = {*Settings.model_fields, *RedirectSettings.model_fields}
Json = dict[str, Any]


@cache
def kustomizations() -> dict[str, Json]:
    """Return the contents of the files `kustomization.yaml`, by folder."""
    return {
        path.parent.relative_to(FOLDER).as_posix(): yaml.safe_load(path.read_text())
        for path in FOLDER.rglob("kustomization.yaml")
    }


@cache
def objects() -> list[Json]:
    """Return all objects of the base."""
    found: list[Json] = []
    for name in kustomizations()["base"]["resources"]:
        found += yaml.safe_load_all((FOLDER / "base" / name).read_text())
    return found


def of_kind(kind: str) -> dict[str, Json]:
    """Return all objects of a kind, by name."""
    return {each["metadata"]["name"]: each for each in objects() if each["kind"] == kind}


def pods() -> dict[str, Json]:
    """Return the specifications of all pods, by the name of their object."""
    return {
        name: each["spec"]["template"]["spec"]
        for kind in ("Deployment", "Job")
        for name, each in of_kind(kind).items()
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_all_objects_have_the_form_of_their_kind(version: str) -> None:
    assert objects()
    for each in objects():
        kubernetes_validate.validate(each, version, strict=True)


def test_every_file_is_used() -> None:
    assert set(kustomizations()) == {".", "base"}
    listed = {f"base/{name}" for name in kustomizations()["base"]["resources"]}
    listed |= {"kustomization.yaml", "base/kustomization.yaml"}
    assert {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.yaml")} == listed


def test_pods_run_without_rights_and_with_limits() -> None:
    assert set(pods()) == {"adtech-bot", "adtech-scheduler", "adtech-redirect", "adtech-migrate"}
    for pod in pods().values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["image"] == "bot-adtech"  # kustomization.yaml gives it a version
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_processes_have_time_to_stop_and_one_of_each_always_runs() -> None:
    budgets = of_kind("PodDisruptionBudget")
    for name, deployment in of_kind("Deployment").items():
        spec = deployment["spec"]
        pod = spec["template"]["spec"]
        waits = sum(
            c.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            for c in pod["containers"]
        )
        assert pod["terminationGracePeriodSeconds"] > waits + LONGEST_DRAIN_SECONDS
        assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        assert spec["replicas"] > budgets[name]["spec"]["minAvailable"] >= 1
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items()
        assert budgets[name]["spec"]["selector"] == spec["selector"]


@pytest.mark.parametrize("name", ["adtech-bot", "adtech-scheduler", "adtech-redirect"])
def test_a_process_is_asked_whether_it_lives_and_whether_it_is_ready(name: str) -> None:
    container = pods()[name]["containers"][0]
    probes = {
        probe: container[probe]["httpGet"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert {probe: get["path"].rpartition("/")[2] for probe, get in probes.items()} == {
        "startupProbe": "live",
        "livenessProbe": "live",
        "readinessProbe": "ready",
    }
    # What the internet reaches does not answer about health.
    name, port = ("metrics", METRICS_PORT) if name == "adtech-redirect" else ("http", PORT)
    assert {get["port"] for get in probes.values()} == {name}
    assert {"name": name, "containerPort": port} in container["ports"]


def test_the_ports_of_the_processes_are_those_of_their_pods() -> None:
    base = kustomizations()["base"]["configMapGenerator"][0]["literals"]
    assert f"HTTP_PORT={PORT}" in base
    assert pods()["adtech-scheduler"]["containers"][0]["env"] == [
        {"name": "SCHEDULER_HTTP_PORT", "value": str(PORT)}
    ]
    assert pods()["adtech-bot"]["containers"][0]["env"] == [
        {"name": "METRICS_PORT", "value": str(METRICS_PORT)}
    ]
    redirect = pods()["adtech-redirect"]["containers"][0]
    assert redirect["env"][:2] == [
        {"name": "REDIRECT_PORT", "value": str(REDIRECT_PORT)},
        {"name": "REDIRECT_METRICS_PORT", "value": str(METRICS_PORT)},
    ]
    assert {"name": "http", "containerPort": REDIRECT_PORT} in redirect["ports"]


def test_the_redirect_is_reached_at_the_public_address_alone() -> None:
    (rule,) = of_kind("Ingress")["adtech-redirect"]["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["path"] == "/r/"
    service = path["backend"]["service"]
    assert service["name"] in of_kind("Service")
    own = kustomizations()["."]
    assert f"PUBLIC_URL=https://{rule['host']}" in own["configMapGenerator"][0]["literals"]
    (patch,) = own["patches"]
    (change,) = yaml.safe_load(patch["patch"])
    assert change["path"] == "/spec/rules/0/host"
    assert patch["target"] == {"kind": "Ingress", "name": "adtech-redirect"}


def test_passwords_are_in_secrets_alone() -> None:
    secret = {
        *("BOT_TOKEN", "REDIS_URL", "WEBHOOK_SECRET", "PAYMENT_PROVIDER_TOKEN"),
        *(name.upper() for name in SETTINGS if name.endswith("database_url")),
    }
    for kustomization in kustomizations().values():
        for literal in kustomization["configMapGenerator"][0]["literals"]:
            name = literal.partition("=")[0]
            assert name.lower() in SETTINGS
            assert name not in secret
    of_pods = {
        name: [
            source["secretRef"]["name"] for source in c.get("envFrom", []) if "secretRef" in source
        ]
        + [v["valueFrom"]["secretKeyRef"]["name"] for v in c.get("env", []) if "valueFrom" in v]
        for name, pod in pods().items()
        for c in pod["containers"]
    }
    assert of_pods == {name: [name] for name in pods()}


def test_nobody_reaches_a_pod_unless_a_policy_allows_it() -> None:
    policies = of_kind("NetworkPolicy")
    assert policies["adtech-nobody"]["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    outgoing = policies["adtech-outgoing"]["spec"]["podSelector"]["matchExpressions"][0]["values"]
    assert set(outgoing) == set(pods()) - {"adtech-redirect"}
    (names, database) = policies["adtech-redirect"]["spec"]["egress"]
    assert {port["port"] for port in names["ports"]} == {53}
    assert database == {"ports": [{"protocol": "TCP", "port": 5432}]}
    allowed = {
        name: {port["port"] for rule in each["spec"].get("ingress", []) for port in rule["ports"]}
        for name, each in policies.items()
        if "Ingress" in each["spec"]["policyTypes"]
    }
    assert allowed == {
        "adtech-nobody": set(),
        "adtech-webhook": {PORT},
        "adtech-redirect": {REDIRECT_PORT},
        "adtech-metrics": {PORT, METRICS_PORT},
    }


def test_the_secrets_that_the_page_makes_are_those_that_pods_read() -> None:
    page = (FOLDER.parents[1] / "docs/deploy.md").read_text()
    for name in pods():
        assert f"create secret generic {name} " in page
