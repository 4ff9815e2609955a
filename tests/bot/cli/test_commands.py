"""Test that every `adtech` command explains itself, and refuses wrong words before it acts."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from bot.cli import commands
from bot.cli.app import app
from services.platform import reports
from services.platform.alert_conditions import CONDITIONS, Condition
from tests.bot.cli.test_needed_settings import NEED_NO_DATABASE
from tests.shell import Shell


def _all() -> Iterator[tuple[str, Any]]:
    """Yield the words and the object of each command, also of the commands in groups."""
    for name, command in _group(app).items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {inner}", each) for inner, each in command.commands.items())
        else:
            yield name, command


def _group(application: typer.Typer) -> dict[str, Any]:
    found: Any = typer.main.get_command(application)
    members: dict[str, Any] = found.commands
    return members


COMMANDS = dict(_all())


def _invoke(*arguments: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, arguments)
    return ran.exit_code, " ".join(ran.output.replace("│", " ").split())


@pytest.mark.parametrize("words", COMMANDS)
def test_each_command_has_a_group_an_example_and_its_needs(words: str) -> None:
    command = COMMANDS[words]
    assert command.rich_help_panel in commands.GROUPS
    example, needs = command.epilog.split("\n\n")
    assert needs.startswith("Needs: ")
    assert ("DATABASE_URL" in needs) == (words not in NEED_NO_DATABASE)
    prefix = f"Example: adtech {words}"
    assert example.startswith(prefix)
    arguments = shlex.split(example.removeprefix(prefix))
    assert command.make_context(words, arguments)  # the command line of the example is right
    status, said = _invoke(*words.split(), "--help")
    assert status == 0
    assert f"Usage: adtech {words}" in said
    assert "Example: adtech" in said


@pytest.mark.parametrize("words", COMMANDS)
def test_each_argument_is_named_as_the_runbook_names_it(words: str) -> None:
    for argument in COMMANDS[words].params:
        if argument.param_type_name == "argument":
            name = str(argument.metavar)
            assert name.isupper(), name
            assert name != "ID", "ID is the person after --as: say whose id it is"


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_the_command_of_an_alert_exists(condition: Condition) -> None:
    program, *words = shlex.split(condition.shell_command)
    assert program == "adtech"
    name = " ".join(words) if " ".join(words) in COMMANDS else words[0]
    assert COMMANDS[name].make_context(name, words[len(name.split()) :])


def test_every_list_has_its_rows_as_json_and_csv() -> None:
    with_formats = {
        words
        for words, command in COMMANDS.items()
        if {"--json", "--csv"} <= {option for each in command.params for option in each.opts}
    }
    assert with_formats >= {
        *("report", "health", "dlq", "killswitch list", "staff", "withdrawals", "corrections"),
        *("parked-payments", "parked-updates", "reconcile", "check"),
    }
    status, said = _invoke("report", "--json")
    assert status == 0
    assert {row["report"] for row in json.loads(said)} == set(reports.REPORTS)
    assert _invoke("report", "--csv")[1].startswith("report,rows ledger,")
    status, said = _invoke("report", "--csv", "--json")
    assert status == 2
    assert "exclude each other" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("block", "5", "bad \udcff byte", "--as", "1"), "bytes that are no UTF-8"),
        (("clawback", "\udcff", "x", "--as", "1"), "bytes that are no UTF-8"),
        (("report", "helt"), "Choose one of: ledger, drift,"),
        (("killswitch", "stop", "payout", "x", "--as", "1"), "Known: deposits, refunds, "),
        (("killswitch", "stop", "payouts", " \t", "--as", "1"), "the reason is empty"),
        (("killswitch", "run", "payouts", "", "--as", "1", "--yes"), "the reason is empty"),
        (("block", "5", "", "--as", "1"), "the reason is empty"),
        (("retry-payment", "5", "--reason", "", "--as", "1"), "the reason is empty"),
        (("reconcile", "9" * 25), "is no id. Write a whole number"),
        (("reconcile", "-1"), "adtech reconcile"),
        (("block", "someone", "x", "--as", "1"), "'someone' is no id"),
        (("block", "5", "x", "--as", "0"), "'0' is no id"),
        (("propose", "adjustment", "1", "2", "12.50", "x", "--as", "1"), "1250 for 12.50"),
        (("propose", "adjustment", "1", "2", "0", "x", "--as", "1"), "'0' is no amount"),
        (("propose", "adjustment", "1", "2", "²", "x", "--as", "1"), "is no amount"),
        (("halth",), "Did you mean"),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(
    arguments: tuple[str, ...], said: str
) -> None:
    status, answer = _invoke(*arguments)
    assert status == 2
    assert said in answer


async def test_a_question_is_asked_unless_the_command_says_yes(shell: Shell) -> None:
    run = ("killswitch", "run", "payouts", "a test", "--as", 1)
    ran = await shell.adtech(*run)
    assert ran.status == 1
    assert "Run payouts again?" in ran.said
    assert "Nothing was changed. A script answers with the option --yes." in ran.err
    ran = await shell.adtech(*run, "--yes")
    assert ran.status == 1
    assert "Run payouts again?" not in ran.said
    assert "does not know the person 1" in ran.said
