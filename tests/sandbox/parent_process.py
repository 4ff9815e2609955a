"""A process that starts both embedded servers, as whoever a test wants."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sandbox import binaries

ROOT = Path(__file__).parents[2]

# A parent process: starts both servers in a folder, says so, and waits to be killed.
PARENT = textwrap.dedent("""
    import asyncio, json, os, sys
    from pathlib import Path
    from sandbox import embedded
    from sandbox.trouble import CannotStart

    async def main(folder):
        async with embedded.postgres(folder / "postgres") as postgres, \\
                   embedded.valkey(folder / "valkey") as valkey:
            found = {"postgres": postgres.child.pid, "valkey": valkey.child.pid,
                     "owner": postgres.dsn("adtech_owner"), "url": valkey.url}
            print(json.dumps(found), flush=True)
            await asyncio.to_thread(sys.stdin.readline)

    try:
        asyncio.run(main(Path(sys.argv[1])))
    except CannotStart as error:
        sys.exit(str(error))
""")


# Becomes root of a namespace that holds all users and allows no further namespace, then runs
# the rest of its arguments. The map of all users can only be written from outside.
CAGE = textwrap.dedent("""
    import ctypes, os, sys

    entered, allowed = os.pipe(), os.pipe()
    outside = os.getpid()
    if (writer := os.fork()) == 0:
        os.read(entered[0], 1)
        for table in ("uid_map", "gid_map"):
            with open(f"/proc/{outside}/{table}", "w") as file:
                file.write("0 0 65536")
        os.write(allowed[1], b"x")
        os._exit(0)
    assert ctypes.CDLL(None).unshare(0x10000000) == 0
    os.write(entered[1], b"x")
    os.read(allowed[0], 1)
    os.waitpid(writer, 0)
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")
    os.execv(sys.argv[1], sys.argv[1:])
""")


def parent(folder: Path, *prefix: str, packages: Path | None = None) -> subprocess.Popen[str]:
    """Start PARENT, if wanted behind another command; what is in `packages` goes before ours."""
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", PARENT, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{packages or ROOT}:{ROOT}", "PATH": os.defpath},
    )


def as_user(user: pwd.struct_passwd) -> tuple[str, ...]:
    """Return what runs a command as another user.

    Where our own folders are closed to that user, the command may read them all the same: it has
    the capability for that and no other.
    """
    ids = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    reading = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    for options in (ids, (*ids, *reading)):
        command = ("setpriv", *options)
        probe = [*command, sys.executable, "-c", "import sandbox.embedded"]
        environment = {"PYTHONPATH": str(ROOT), "PATH": os.defpath}
        if not subprocess.run(probe, env=environment, capture_output=True, check=False).returncode:
            return command
    pytest.skip("no ordinary user may read this Python and this repository here")


def copied_programs(folder: Path) -> Path:
    """Copy the servers' packages to where other users reach them, wherever this repository is."""
    copied = folder / "packages"
    for program in (binaries.postgres("postgres"), binaries.valkey()):
        package = program.parents[2]
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, copied / part.name, symlinks=True)
    return copied


def said(process: subprocess.Popen[str]) -> dict[str, str]:
    """What PARENT says when both servers are there."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    found: dict[str, str] = json.loads(line)
    return found
