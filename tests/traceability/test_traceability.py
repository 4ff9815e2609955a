"""Test that each proof of `docs/traceability.toml` exists, and that its commands run."""

import ast
import json
import re
import shlex
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from bot import http
from db.models.users import Role
from services.platform import alert_conditions, heartbeats
from tests.conftest import Database
from tests.factories import people
from tests.handlers.marketplace import Marketplace, open_marketplace
from tests.shell import shell_of
from tests.traceability import table

KINDS = ("test", "make", "file", "adtech", "chat", "GET", "alert", "metric")
PROOFS = table.read()
FINDS = {"adtech status": 1, "adtech health": 1}
"""The exit status of commands that report something in the world of this test, for example that no
scheduler runs."""


@pytest.fixture
async def market(database: Database, tmp_path: Path) -> AsyncIterator[Marketplace]:
    """Yield a running product with an approved placement, whose "admin" has every role."""
    async with open_marketplace(database, tmp_path) as marketplace:
        for role in Role:
            await marketplace.employ("admin", role)
        async with database.sessions.begin() as session:
            await people.approved(session)
            await heartbeats.beat(session, owner="test", name="scheduler")
        yield marketplace


def test_the_page_is_made_from_the_table() -> None:
    assert table.PAGE.read_text() == table.page(PROOFS), "run: make traceability"


def test_each_line_has_a_proof_of_a_known_kind() -> None:
    for section in PROOFS.sections:
        for line in section.lines:
            assert line.proofs, line.line
            assert {table.kind_of(proof) for proof in line.proofs} <= set(KINDS), line.line


def test_each_named_test_exists() -> None:
    missing = []
    for proof in PROOFS.proofs("test"):
        path, _, name = proof.removeprefix("test ").partition("::")
        file = table.ROOT / path
        if not file.exists() or (name and name not in _functions(file)):
            missing.append(proof)
    assert missing == []


def test_each_named_file_exists() -> None:
    named = [proof.removeprefix("file ") for proof in PROOFS.proofs("file")]
    assert [path for path in named if not (table.ROOT / path).is_file()] == []


def test_each_named_target_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (table.ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {proof.split()[1] for proof in PROOFS.proofs("make")} <= targets


def test_each_named_alert_exists() -> None:
    named = {proof.removeprefix("alert ") for proof in PROOFS.proofs("alert")}
    assert named <= set(alert_conditions.BY_NAME)


def test_each_named_metric_exists() -> None:
    known = {
        f"{family.name}_{family.type == 'counter' and 'total'}" for family in REGISTRY.collect()
    }
    named = {proof.removeprefix("metric ") for proof in PROOFS.proofs("metric")}
    assert named <= known


def test_each_command_of_the_page_about_rollbacks_is_run_here() -> None:
    page = (table.ROOT / "docs/rollback.md").read_text().replace('"<reason>"', "incident")
    named = set(re.findall(r"`(adtech [^`]+|/\w+)(?: <reason>)?`", page))
    assert named, "no command was found"
    assert named <= {*PROOFS.proofs("adtech"), *PROOFS.proofs("chat")}


async def test_each_named_command_of_the_shell_runs(market: Marketplace) -> None:
    shell = shell_of(market.database)
    failed = {}
    for command in PROOFS.proofs("adtech"):
        words = [word.replace("ID", str(market.chat("admin"))) for word in shlex.split(command)]
        answer = await shell.adtech(*words[1:])
        if answer.status != FINDS.get(command, 0):
            failed[command] = answer.said
    assert failed == {}


async def test_each_named_command_of_the_chat_is_answered(market: Marketplace) -> None:
    await market.settle()
    unknown = {}
    for command in PROOFS.proofs("chat"):
        before = len(await market.messages("group"))
        await market.say("admin", command, where="group")
        answer = await market.last("group")
        if len(await market.messages("group")) < before + 2 or "I do not know" in answer:
            unknown[command] = answer
    assert unknown == {}


async def test_each_named_page_answers(market: Marketplace) -> None:
    runner = web.AppRunner(http.application(replace(market.dependencies), market.worker))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as client:
        for proof in PROOFS.proofs("GET"):
            async with client.get(url + proof.removeprefix("GET ")) as response:
                assert isinstance(json.loads(await response.text()), dict), proof
    await runner.cleanup()


def _functions(file: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
