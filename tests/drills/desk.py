"""Write what a person needs for an exercise: a shell's settings, commands, and a page of facts."""

import os
import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import env_file
from sandbox import binaries, folders, processes
from sandbox.demo.people import Person
from tests.drills import pages
from tests.drills.world import World

SOCKET = "bin/exercise.sock"
"""The name of the socket on which the exercise listens, in its folder."""


def prepare(world: World) -> None:
    """Write the file `settings` and the folder `bin` into the folder of the exercise."""
    folder = world.sandbox.folder
    settings = {
        **world.sandbox.facts["settings"],
        **world.administrator(),
        env_file.VARIABLE: os.devnull,
        "PG_BIN": str(binaries.postgres("pg_dump").parent),
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(settings.items())]
    lines.append(f'export PATH={shlex.quote(str(folder / "bin"))}:"$PATH"')
    folders.write_private(folder / "settings", "\n".join(lines) + "\n")
    commands = {
        "adtech": [sys.executable, *processes.module("bot.cli")],
        "service": [
            sys.executable,
            *processes.module("tests.drills.service", str(socket_of(folder))),
        ],
        "psql": [str(binaries.postgres("psql"))],
    }
    (folder / "bin").mkdir(mode=0o700)
    for name, words in commands.items():
        path = folder / "bin" / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        path.chmod(0o700)


def facts(world: World, complaint: str, minutes: int) -> str:
    """Return the text that says how to reach the product, and nothing about the incident.

    The exercise ends by itself after some minutes.
    """
    folder, people = world.sandbox.folder, world.scenario.participants
    second = Person(world.control, world.sandbox.facts["people"]["second_admin"])
    named = (
        ("Admin", world.admin, "super admin"),
        ("Second admin", second, "super admin"),
        ("Third admin", world.second, "admin"),
        ("Operator", world.closer, "operator"),
        ("Second operator", world.runner, "operator"),
        ("Advertiser", people.advertiser, "buys ads"),
        ("Owner", people.owner, "sells ads in a channel"),
    )
    rows = "\n".join(f"  {name:<17}{person.id:<12}{role}" for name, person, role in named)
    over_at = datetime.now(UTC) + timedelta(minutes=minutes)
    complained = f"\nThe support has got this message. {complaint}\n" if complaint else ""
    return f"""
Something is wrong with this product since {datetime.now(UTC):%H:%M:%S} UTC. Find it, stop it,
repair it and verify it with
{pages.ROOT / "docs/incidents.md"} and
{pages.ROOT / "docs/runbook.md"}.
{complained}
Page of the people, with the admin chat:
  {world.sandbox.facts["page_url"]}
On the page, choose a person at the left, and then a chat. These people are known to the bot:
{rows}
There are a second advertiser and a second owner too.

Shell, in the folder of the product ({pages.ROOT}):
  . {folder}/settings
Then these commands work: `adtech`; `psql`, as the administrator of the database's server; and
`service list`, `service start NAME`, `service stop NAME` instead of `docker compose`. NAME is bot,
scheduler, redis, database or network (the way to Telegram, which `start` repairs).
  logs          {folder}/local/log
  backups       {folder}/backups
  health        {world.sandbox.facts["health_url"]}/ready
  control API   {world.sandbox.facts["control_url"]} (docs/sandbox.md)
  its token     {world.sandbox.facts["control_token"]}

What it was, and whether it is repaired:  make exercise ARGS="--reveal {folder}"
Ctrl-C says the same, and then removes everything; from another shell: kill -INT {os.getpid()}
It ends by itself after {minutes} minutes, at {over_at:%H:%M} UTC.
"""


def socket_of(folder: Path) -> Path:
    """Return the socket of the exercise in a folder."""
    return folder / SOCKET
