"""The user as whom PostgreSQL runs: it refuses to be root.

Started by root, it gets a user namespace in which root is called something else: outside of it
the files stay root's, with mode 0700. Where namespaces are not allowed (containers, mostly) it
runs as another user that can reach the folder. No mode or owner of a parent folder is changed.
"""

import ctypes
import os
import pwd
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sandbox.trouble import CannotStart

_CLONE_NEWUSER = 0x10000000
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Identity:
    """Whose the files are, and what a child does to become their owner."""

    uid: int
    gid: int
    become: Callable[[], None] | None


def choose(folder: Path, program: Path) -> Identity:
    """Find who can run `program` on `folder`, and give the folder to that user.

    Raises CannotStart when we are root and nobody else can.
    """
    if os.geteuid() != 0:
        return Identity(os.geteuid(), os.getegid(), None)
    for identity in _candidates(folder):
        os.chown(folder, identity.uid, identity.gid)
        if _works(identity, folder, program):
            return identity
    os.chown(folder, os.geteuid(), os.getegid())
    raise CannotStart(
        "PostgreSQL does not run as root, user namespaces are not allowed here, and no other "
        f"user reaches {folder} and {program}: start as an ordinary user, or with folders that "
        "all can reach"
    )


def give(tree: Path, identity: Identity) -> None:
    """Make `identity` the owner of a whole folder, if it is not already."""
    if tree.stat().st_uid == identity.uid:
        return
    for folder, _, files in os.walk(tree):
        for path in (folder, *(os.path.join(folder, file) for file in files)):  # noqa: PTH118 - thousands of them
            os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


def _candidates(folder: Path) -> Iterator[Identity]:
    uid, gid = os.geteuid(), os.getegid()
    inner = next((user.pw_uid for user in _ordinary_users()), None)
    if inner is not None:  # initdb wants a user that has a name
        yield Identity(uid, gid, partial(_enter_namespace, inner, uid, gid))
    for user in _reaching_users(folder):
        yield Identity(user.pw_uid, user.pw_gid, partial(_change_user, user.pw_uid, user.pw_gid))


def _reaching_users(folder: Path) -> Iterator[pwd.struct_passwd]:
    """Owners of the parent folders, the nearest first, then the least of all users."""
    owners = [parent.stat().st_uid for parent in folder.resolve().parents]
    users = _ordinary_users()
    for owner in dict.fromkeys(owners):
        yield from (user for user in users if user.pw_uid == owner)
    yield from users[:1]


def _ordinary_users() -> list[pwd.struct_passwd]:
    """Everybody but root, `nobody` first."""
    users = [user for user in pwd.getpwall() if user.pw_uid != 0]
    return sorted(users, key=lambda user: user.pw_name != "nobody")


def _works(identity: Identity, folder: Path, program: Path) -> bool:
    def prepare() -> None:
        if identity.become is not None:
            identity.become()
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError

    try:
        done = subprocess.run(
            [program, "--version"],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            preexec_fn=prepare,
        )
    except (subprocess.SubprocessError, OSError):
        return False
    return done.returncode == 0


def _enter_namespace(inner: int, uid: int, gid: int) -> None:
    """Become the user called `inner` in a namespace of our own; outside we stay `uid`."""
    if _LIBC.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{inner} {uid} 1")
    _write("/proc/self/gid_map", f"{inner} {gid} 1")


def _change_user(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, text.encode())
    os.close(descriptor)
