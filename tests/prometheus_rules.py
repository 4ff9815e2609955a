"""Write `deploy/prometheus/` again from the conditions: `python -m tests.prometheus_rules`.

`promtool test rules deploy/prometheus/alerts_test.yml` tests the rules with each alert.
"""

import json
import re
from pathlib import Path

from bot.texts import DEFAULT_LANGUAGE, Texts
from services.platform.alert_conditions import BY_NAME, CONDITIONS, Condition

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
evaluation_interval: 7s
tests:
"""
_STEPS = 40
_EVAL_TIME = "595s"
"""The rules are compared 85 * 7 s after the begin, when no sample of the last minutes is made.

In the moment of a sample, Prometheus would estimate less than it does for real processes.
"""
_APPROVALS = (
    'adtech_operation_seconds_bucket{operation="approve",le="0.5"}',
    'adtech_operation_seconds_bucket{operation="approve",le="1"}',
    'adtech_operation_seconds_bucket{operation="approve",le="+Inf"}',
    'adtech_operation_seconds_count{operation="approve"}',
)
"""The series of the times of approvals."""
_FAST = dict.fromkeys(_APPROVALS, f"0+1x{_STEPS}")
_SLOW = _FAST | dict.fromkeys(_APPROVALS[1:], f"0+2x{_STEPS}")
"""Half of many approvals take between 0.5 and 1 second."""
_FEW_SLOW = {_APPROVALS[0]: f"0x{_STEPS}"} | dict.fromkeys(_APPROVALS[1:], f"0x{_STEPS - 4} 2x3")
"""Two approvals in the last minute take between 0.5 and 1 second."""
_COUNTERS = {
    "conflicts": 'adtech_conflicts_total{kind="deadlock"}',
    "approve_failures": 'adtech_operations_total{operation="approve",outcome="failed"}',
    "approve_timeouts": 'adtech_operations_total{operation="approve",outcome="timeout"}',
    "hold_failures": 'adtech_operations_total{operation="hold",outcome="failed"}',
    "telegram_errors": 'adtech_telegram_errors_total{what="post"}',
    "poller_displaced": "adtech_poll_conflicts_total",
    "clicks_lost": "adtech_clicks_lost_total",
}
_SWITCH = "payouts"
_RUNNING = f'adtech_switch_running{{switch="{_SWITCH}"}}'


def rules() -> str:
    """Return the text of `alerts.yml`."""
    return _HEAD + "".join(_rule(condition) for condition in CONDITIONS)


def rules_test() -> str:
    """Return the text of `alerts_test.yml`: no alert in a quiet world, and each alert alone."""
    quiet = _series({})
    parts = [
        _test(series, [(condition, False) for condition in CONDITIONS])
        for series in (quiet, quiet | _FAST)
    ]
    parts += [_test(_series(_firing(condition)), [(condition, True)]) for condition in CONDITIONS]
    return _TEST_HEAD + "".join(parts)


def _summary(condition: Condition) -> str:
    return Texts(DEFAULT_LANGUAGE, "USD")("alert-what", name=condition.name)


def _labels(condition: Condition, more: str = "") -> str:
    return f"{{severity: {'critical' if condition.urgent else 'warning'}{more}}}"


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
    if condition.name == "switch_stopped":
        return {_RUNNING: f"0x{_STEPS}"}
    if condition.name in _COUNTERS:
        return {_COUNTERS[condition.name]: _counter(condition.above + 1)}
    return {f"adtech_{condition.fact}": f"{condition.above + 1:g}x{_STEPS}"}


def _series(changed: dict[str, str]) -> dict[str, str]:
    """Return the series of a quiet world, with some of them changed."""
    gauges = {
        f"adtech_{condition.fact}": f"{condition.above:g}x{_STEPS}"
        for condition in CONDITIONS
        if condition.name not in {*_COUNTERS, "approve_slow", "switch_stopped"}
    }
    gauges[_RUNNING] = f"1x{_STEPS}"
    counters = {series: _counter(BY_NAME[name].above) for name, series in _COUNTERS.items()}
    return gauges | counters | _FEW_SLOW | changed


def _counter(events: float) -> str:
    """Return the values of a counter that counts `events` 40 seconds before the comparison."""
    return f"3x{_STEPS - 4} {3 + events:g}x3"


def _test(series: dict[str, str], expected: list[tuple[Condition, bool]]) -> str:
    text = "  - interval: 15s\n    input_series:\n"
    for name, values in series.items():
        text += f"      - {{series: {json.dumps(name)}, values: {json.dumps(values)}}}\n"
    text += "    alert_rule_test:\n"
    for condition, fires in expected:
        text += f"      - eval_time: {_EVAL_TIME}\n        alertname: {condition.rule}\n"
        if fires:
            switch = f", switch: {_SWITCH}" if condition.name == "switch_stopped" else ""
            text += (
                f"        exp_alerts:\n          - exp_labels: {_labels(condition, switch)}\n"
                f"            exp_annotations: {_annotations(condition)}\n"
            )
    return text


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    RULES.write_text(rules())
    RULES_TEST.write_text(rules_test())
