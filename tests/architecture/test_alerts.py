"""Test that the alert rules, the dashboard and the metrics of the product fit together."""

import json
import re
from typing import Any

import pytest
from prometheus_client import REGISTRY

# These modules define the metrics of both processes.
from bot import database_metrics, metrics  # noqa: F401 - it registers metrics
from bot.redirect import metrics as redirect_metrics  # noqa: F401 - likewise
from bot.texts import LANGUAGES, Texts
from scheduler import notices, state_gauges  # noqa: F401 - likewise
from services.platform.alert_conditions import BY_NAME, CONDITIONS, Condition
from tests import prometheus_rules
from tests.conftest import ROOT
from tests.prometheus_rules import METRIC

COUNTER = re.compile(r"(adtech_\w+_(?:total|count|bucket))({[^}]*})?")
LABEL = re.compile(r'(\w+)=~?"([^"]*)"')
DASHBOARD = ROOT / "deploy/grafana/dashboard.json"


def known_metrics() -> set[str]:
    """Return the names of all series that the processes show, also without a value yet."""
    names: set[str] = set()
    for metric in REGISTRY.collect():
        if metric.type == "counter":
            names.add(f"{metric.name}_total")
        elif metric.type == "histogram":
            names |= {f"{metric.name}_{part}" for part in ("bucket", "sum", "count")}
        else:
            names.add(metric.name)
    return {name for name in names if name.startswith("adtech_")}


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard."""
    read: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return read


def test_the_rules_are_the_conditions() -> None:
    message = "run `python -m tests.prometheus_rules`"
    assert prometheus_rules.RULES.read_text() == prometheus_rules.rules(), message
    assert prometheus_rules.RULES_TEST.read_text() == prometheus_rules.rules_test(), message


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_the_metrics_of_a_rule_exist(condition: Condition) -> None:
    used = set(METRIC.findall(condition.expression))
    assert used
    assert used <= known_metrics()


def test_counters_of_rules_and_panels_begin_at_zero() -> None:
    """Check that the series exist before the first event, which Prometheus would not see."""
    samples = [sample for metric in REGISTRY.collect() for sample in metric.samples]
    panel_expressions = [t["expr"] for panel in panels() for t in panel.get("targets", ())]
    found = COUNTER.findall(" ".join((*panel_expressions, *(c.counted for c in CONDITIONS))))
    assert len(found) > len(CONDITIONS)
    for name, selector in found:
        series = [sample.labels for sample in samples if sample.name == name]
        for label, values in LABEL.findall(selector):
            assert set(values.split("|")) <= {labels[label] for labels in series}, selector
    for condition in CONDITIONS:
        for name, _ in COUNTER.findall(condition.counted):
            assert any(sample.name == name for sample in samples), name


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_a_condition_has_a_text_in_each_language(condition: Condition) -> None:
    texts = {Texts(language, "USD")("alert-what", name=condition.name) for language in LANGUAGES}
    assert len(texts) == len(LANGUAGES)
    assert condition.name not in texts


def test_names_are_unique_and_own_notices_exist() -> None:
    assert len(BY_NAME) == len(CONDITIONS)
    assert {condition.name for condition in CONDITIONS if condition.own_notice} <= notices.KINDS


def test_the_metrics_of_the_dashboard_exist() -> None:
    expressions = [target["expr"] for panel in panels() for target in panel.get("targets", ())]
    used = {name for expression in expressions for name in METRIC.findall(expression)}
    assert used <= known_metrics()
    # A metric that no panel shows is one that nobody looks at.
    shown = {name.rpartition("_")[0] if name.endswith("_bucket") else name for name in used}
    bases = {
        name.rpartition("_")[0] if name.endswith(("_bucket", "_sum", "_count")) else name
        for name in known_metrics()
        if not name.endswith("_created")
    }
    assert bases - shown == set()


def test_the_panels_have_their_own_ids_and_places() -> None:
    ids = [panel["id"] for panel in panels()]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]
    assert len(set(ids)) == len(ids)
    assert len(set(places)) == len(places)


def test_metric_names_follow_the_conventions_of_prometheus() -> None:
    for metric in REGISTRY.collect():
        if metric.name.startswith("adtech_"):
            assert not metric.name.endswith(("_ms", "_milliseconds", "_minutes")), metric.name
            assert metric.documentation, metric.name
