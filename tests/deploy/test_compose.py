"""Test deploy/compose.yml: its form, its settings, and who gets which password."""

import importlib.resources
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from bot.redirect_settings import RedirectSettings
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy/compose.yml"
SCHEMAS = importlib.resources.files("check_jsonschema") / "builtin_schemas/vendor"
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:[?-])")
PROCESSES = {
    "bot-1": "python -m bot",
    "bot-2": "python -m bot",
    "scheduler-1": "python -m scheduler",
    "scheduler-2": "python -m scheduler",
}
REDIRECT = "redirect"
OF_OTHERS = {"CLOCK_DATABASE_URL", "REPORTS_DATABASE_URL", "MIGRATION_DATABASE_URL"}
"""The settings that not every process has."""
LONGEST_DRAIN_SECONDS = 30


@cache
def compose() -> Any:
    """Return the content of the compose file."""
    return yaml.safe_load(COMPOSE.read_text())


def services() -> dict[str, Any]:
    """Return the services of the compose file, by name."""
    found: dict[str, Any] = compose()["services"]
    return found


def logins(service: str) -> set[str]:
    """Return the database roles whose passwords a service gets."""
    environment = services()[service].get("environment", {})
    return set(re.findall(r"\$\{ADTECH_([A-Z]+)_PASSWORD", json.dumps(environment)))


def test_the_file_has_the_form_of_a_compose_file() -> None:
    schema = json.loads((SCHEMAS / "compose-spec.json").read_text())
    jsonschema.validate(compose(), schema)


def test_all_processes_of_the_product_run_in_one_image() -> None:
    for name, command in PROCESSES.items():
        assert " ".join(services()[name]["command"]) == command
    ours = {
        name: service["image"]
        for name, service in services().items()
        if name in {*PROCESSES, REDIRECT, "migrate", "adtech"}
    }
    assert set(ours.values()) == {"${ADTECH_IMAGE:-bot-adtech}"}
    assert services()["migrate"]["build"] == {"context": ".."}


def test_other_images_are_pinned_by_their_digest() -> None:
    for service in services().values():
        if "ADTECH_IMAGE" not in service["image"]:
            assert re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", service["image"])


def test_every_setting_can_be_given_to_each_process() -> None:
    names = {name.upper() for name in Settings.model_fields}
    for process in PROCESSES:
        given = set(services()[process]["environment"])
        assert names - given - OF_OTHERS - {"AUDIT_CHAIN_FILE"} == set()
    assert names - set(services()["adtech"]["environment"]) == {"AUDIT_CHAIN_FILE"}


def test_the_redirect_knows_its_own_settings_alone() -> None:
    redirect = services()[REDIRECT]
    assert redirect["command"] == ["python", "-m", "bot.redirect"]
    given = set(redirect["environment"])
    assert given == {name.upper() for name in RedirectSettings.model_fields}
    assert redirect["ports"] == [f"127.0.0.1:8085:{redirect['environment']['REDIRECT_PORT']}"]
    assert redirect["profiles"] == [REDIRECT]
    assert redirect["read_only"] is True
    assert redirect["cap_drop"] == ["ALL"]
    # The image's health check asks this port.
    assert redirect["environment"]["REDIRECT_METRICS_PORT"] == "8080"
    folder = redirect["environment"]["LINKS_FILE"].rpartition("/")[0]
    assert redirect["volumes"] == [f"links:{folder}"]


def test_each_process_has_only_the_passwords_of_its_work() -> None:
    assert {name: logins(name) for name in services() if logins(name)} == {
        "postgres": {"OWNER", "INTAKE", "BOT", "CLOCK", "REPORTS", "REDIRECT"},
        "redirect": {"REDIRECT"},
        "migrate": {"OWNER"},
        "bot-1": {"INTAKE", "BOT"},
        "bot-2": {"INTAKE", "BOT"},
        "scheduler-1": {"INTAKE", "CLOCK"},
        "scheduler-2": {"INTAKE", "CLOCK"},
        "adtech": {"INTAKE", "BOT", "CLOCK", "REPORTS"},
    }


def test_processes_start_after_the_migration_and_have_time_to_stop() -> None:
    for name in PROCESSES:
        service = services()[name]
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert int(service["stop_grace_period"].removesuffix("s")) > LONGEST_DRAIN_SECONDS
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    assert services()["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_the_data_is_reached_from_inside_alone() -> None:
    assert compose()["networks"]["inside"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert services()[name]["networks"] == ["inside"]
        assert "ports" not in services()[name]
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_monitoring_is_optional() -> None:
    optional = {n for n, s in services().items() if s.get("profiles") == ["monitoring"]}
    assert optional == {"prometheus", "alertmanager", "grafana"}
    assert (
        "./prometheus/alerts.yml:/etc/prometheus/alerts.yml:ro"
        in (services()["prometheus"]["volumes"])
    )
    for config in compose()["configs"].values():
        yaml.safe_load(config["content"])


def test_health_and_metrics_are_asked_at_ports_that_are_open() -> None:
    """Check that the image's health check, which asks HTTP_PORT, fits both kinds of process."""
    environment = services()["bot-1"]["environment"]
    http, metrics = environment["HTTP_PORT"], environment["METRICS_PORT"]
    assert environment["SCHEDULER_HTTP_PORT"] == http
    asked = yaml.safe_load(compose()["configs"]["prometheus"]["content"])["scrape_configs"]
    targets = {
        target for job in asked for each in job["static_configs"] for target in each["targets"]
    }
    assert targets == {
        f"{name}:{metrics if name.startswith('bot') else http}" for name in (*PROCESSES, REDIRECT)
    }
    assert not any("healthcheck" in services()[name] for name in PROCESSES)


def test_the_server_has_enough_connections_for_every_pool() -> None:
    command = " ".join(services()["postgres"]["command"])
    most = int(command.partition("max_connections=")[2])
    pools = len(PROCESSES) * 2 * Settings.model_fields["database_pool_size"].default
    assert most > pools


def test_the_example_of_the_settings_has_every_variable_that_must_be_given() -> None:
    text = (ROOT / "deploy/compose.env.example").read_text()
    example = set(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE))
    used = dict(VARIABLE.findall(COMPOSE.read_text()))
    required = {name for name, mark in used.items() if mark == ":?"}
    assert required <= example
    assert example <= used.keys()
