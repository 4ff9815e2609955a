"""Test which user of the operating system runs the sandbox's PostgreSQL."""

import asyncio
import os
import pwd
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sandbox import binaries
from tests.sandbox.embedded_parent import (
    ROOT,
    no_server_left,
    read_facts,
    rows,
    start_parent,
    until,
)

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def command_as(user: pwd.struct_passwd) -> tuple[str, ...]:
    """Return a command prefix that runs another command as `user`."""
    ids = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    reading = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    for options in (ids, (*ids, *reading)):
        command = ("setpriv", *options)
        probe = [*command, sys.executable, "-c", "import sandbox.embedded"]
        environment = {"PYTHONPATH": str(ROOT), "PATH": os.defpath}
        if not subprocess.run(probe, env=environment, capture_output=True, check=False).returncode:
            return command
    pytest.skip("no ordinary user may read this Python and this repository here")


def copy_server_packages(folder: Path) -> Path:
    """Copy the packages of PostgreSQL and Valkey to a subfolder of `folder`."""
    copied = folder / "packages"
    for program in (binaries.postgres("postgres"), binaries.valkey()):
        package = program.parents[2]
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, copied / part.name, symlinks=True)
    return copied


@AS_ROOT
def test_an_ordinary_user_runs_them() -> None:
    user = pwd.getpwnam("nobody")
    open_folder = Path("/tmp") / f"adtech-test-{os.getpid()}"  # noqa: S108 - made below, 0700
    open_folder.mkdir(mode=0o700)
    os.chown(open_folder, user.pw_uid, user.pw_gid)
    try:
        programs = copy_server_packages(open_folder)
        process = start_parent(open_folder, *command_as(user), packages=programs)
        found = read_facts(process)
        assert asyncio.run(rows(found["owner"], "SELECT current_user")) == [("adtech_owner",)]
        assert (open_folder / "postgres/data").stat().st_uid == user.pw_uid
        process.communicate("stop\n")
        assert process.returncode == 0
        assert no_server_left(open_folder)
    finally:
        shutil.rmtree(open_folder)


@AS_ROOT
def test_root_without_namespaces_runs_them_as_another_user() -> None:
    open_folder = Path("/tmp") / f"adtech-test-{os.getpid()}"  # noqa: S108 - made below
    open_folder.mkdir(mode=0o755)
    try:
        programs = copy_server_packages(open_folder)
        process = start_parent(
            open_folder, sys.executable, "-c", ROOT_WITHOUT_NAMESPACES, packages=programs
        )
        first = read_facts(process)
        assert (open_folder / "postgres/data").stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert stat.S_IMODE(open_folder.stat().st_mode) == 0o755
        asyncio.run(rows(first["owner"], "CREATE TABLE kept AS SELECT 42 AS answer"))
        process.kill()
        process.communicate()
        until(lambda: no_server_left(open_folder))
        # Now root starts the servers with namespaces, on the same data.
        second = read_facts(again := start_parent(open_folder))
        assert asyncio.run(rows(second["owner"], "SELECT answer FROM kept")) == [(42,)]
        assert (open_folder / "postgres/data").stat().st_uid == 0
        again.communicate("stop\n")
        assert again.returncode == 0
    finally:
        shutil.rmtree(open_folder)


@AS_ROOT
def test_root_whom_nobody_can_replace_is_told_what_to_do(folder: Path) -> None:
    folder.chmod(0o700)
    process = start_parent(folder, sys.executable, "-c", ROOT_WITHOUT_NAMESPACES)
    _, error = process.communicate()
    assert process.returncode == 1
    assert error.startswith("PostgreSQL does not run as root")
    assert len(error.splitlines()) == 1


# This program becomes root of a namespace that has all users and allows no further namespace.
# Then it runs the rest of its arguments. Only a process outside can write the map of all users.
ROOT_WITHOUT_NAMESPACES = textwrap.dedent("""
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
