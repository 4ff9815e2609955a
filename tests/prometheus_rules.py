"""Write `deploy/prometheus/` again from the conditions: `python -m tests.prometheus_rules`.

`promtool test rules deploy/prometheus/alerts_test.yml` tests the rules with each alert.
"""

import json
import re
from pathlib import Path

from bot.texts import DEFAULT_LANGUAGE, Texts
from services.platform.alert_conditions import CONDITIONS, Condition

FOLDER = Path(__file__).parents[1] / "deploy/prometheus"
RULES, RULES_TEST = FOLDER / "alerts.yml", FOLDER / "alerts_test.yml"
METRIC = re.compile(r"\badtech_[a-z_]+")
_HEAD = """\
# The alert rules of bot-adtech for Prometheus, written by `python -m tests.prometheus_rules` from
# services/platform/alert_conditions.py. The first command to type is in the annotation `command`.
groups:
  - name: adtech
    rules:
"""
_TEST_HEAD = """\
# Written by `python -m tests.prometheus_rules`.
# Run it with: promtool test rules deploy/prometheus/alerts_test.yml
rule_files: [alerts.yml]
evaluation_interval: 15s
tests:
"""
_TEST_MINUTES = 10
_STEPS = 4 * _TEST_MINUTES
_SLOW = {
    'adtech_operation_seconds_bucket{operation="approve",le="0.5"}': f"0+1x{_STEPS}",
    'adtech_operation_seconds_bucket{operation="approve",le="1"}': f"0+2x{_STEPS}",
    'adtech_operation_seconds_bucket{operation="approve",le="+Inf"}': f"0+2x{_STEPS}",
}
"""The times of approvals. Half of them are between 0.5 and 1 second."""
_FAST = dict.fromkeys(_SLOW, f"0+1x{_STEPS}")
_COUNTERS = {
    "conflicts": 'adtech_conflicts_total{kind="deadlock"}',
    "approve_failures": 'adtech_operations_total{operation="approve",outcome="failed"}',
    "approve_timeouts": 'adtech_operations_total{operation="approve",outcome="timeout"}',
    "hold_failures": 'adtech_operations_total{operation="hold",outcome="failed"}',
    "telegram_errors": 'adtech_telegram_errors_total{what="post"}',
    "poller_displaced": "adtech_poll_conflicts_total",
}


def rules() -> str:
    """Return the text of `alerts.yml`."""
    return _HEAD + "".join(_rule(condition) for condition in CONDITIONS)


def rules_test() -> str:
    """Return the text of `alerts_test.yml`: no alert in a quiet world, and each alert alone."""
    quiet = _series({})
    parts = [_test(quiet, [(condition, False) for condition in CONDITIONS])]
    parts += [_test(_series(_firing(condition)), [(condition, True)]) for condition in CONDITIONS]
    return _TEST_HEAD + "".join(parts)


def _summary(condition: Condition) -> str:
    return Texts(DEFAULT_LANGUAGE, "USD")("alert-what", name=condition.name)


def _labels(condition: Condition) -> str:
    return f"{{severity: {'critical' if condition.urgent else 'warning'}}}"


def _annotations(condition: Condition) -> str:
    command = json.dumps(condition.shell_command)
    return f"{{summary: {json.dumps(_summary(condition))}, command: {command}}}"


def _rule(condition: Condition) -> str:
    lines = [f"- alert: {condition.rule}", f"  expr: {json.dumps(condition.expression)}"]
    if condition.lasting:
        lines.append(f"  for: {condition.lasting.total_seconds():.0f}s")
    lines += [f"  labels: {_labels(condition)}", f"  annotations: {_annotations(condition)}"]
    return "".join(f"      {line}\n" for line in lines)


def _firing(condition: Condition) -> dict[str, str]:
    """Return the series that let one alert fire."""
    if condition.name == "approve_slow":
        return _SLOW
    if condition.name in _COUNTERS:
        return {_COUNTERS[condition.name]: f"0+2x{_STEPS}"}
    return {f"adtech_{condition.fact}": f"{condition.above + 1:g}x{_STEPS}"}


def _series(changed: dict[str, str]) -> dict[str, str]:
    """Return the series of a quiet world, with some of them changed."""
    gauges = {
        f"adtech_{condition.fact}": f"{condition.above:g}x{_STEPS}"
        for condition in CONDITIONS
        if condition.name not in {*_COUNTERS, "approve_slow"}
    }
    counters = dict.fromkeys(_COUNTERS.values(), f"3x{_STEPS}")
    return gauges | counters | _FAST | changed


def _test(series: dict[str, str], expected: list[tuple[Condition, bool]]) -> str:
    text = "  - interval: 15s\n    input_series:\n"
    for name, values in series.items():
        text += f"      - {{series: {json.dumps(name)}, values: {json.dumps(values)}}}\n"
    text += "    alert_rule_test:\n"
    for condition, fires in expected:
        text += f"      - eval_time: {_TEST_MINUTES}m\n        alertname: {condition.rule}\n"
        if fires:
            text += (
                f"        exp_alerts:\n          - exp_labels: {_labels(condition)}\n"
                f"            exp_annotations: {_annotations(condition)}\n"
            )
    return text


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    RULES.write_text(rules())
    RULES_TEST.write_text(rules_test())
