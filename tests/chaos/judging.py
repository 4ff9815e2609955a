"""Judge a chaos run with programs that import none of the product's code."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from sandbox import embedded
from tests.chaos import removals
from tests.chaos.environment import Environment

BROKEN_PROMISES = "broken_promises.jsonl"
"""The name of the log of the promises that owners broke."""
STOPS = "stops.jsonl"
"""The name of the log of the times at which kill switches were stopped."""
STAR_TRANSACTIONS = "star_transactions.json"
"""The name of the file with Telegram's list of payments and refunds."""
Json = dict[str, Any]


async def judge(environment: Environment) -> Json:
    """Judge the run in separate processes, and return the verdict."""
    standing = await removals.note_standing(environment)
    listed = environment.folder / STAR_TRANSACTIONS
    listed.write_text(json.dumps(await environment.star_transactions()))
    verdict = await _ask_oracle(
        "oracle.py",
        *(environment.postgres.dsn(embedded.OWNER), environment.telegram.published),
        *(environment.folder / BROKEN_PROMISES, listed, environment.folder / STOPS),
        *(standing, environment.telegram.deletion_log),
    )
    return verdict | await _ask_oracle(
        "complaint_oracle.py", environment.postgres.dsn(embedded.OWNER)
    )


async def _ask_oracle(name: str, *arguments: str | Path) -> Json:
    """Run a program of this folder that imports none of the product's code."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(Path(__file__).with_name(name)), *map(str, arguments)),
        env={"PATH": os.defpath},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{name} could not judge")
    verdict: Json = json.loads(output)
    return verdict
