"""Choose the operating-system user that runs PostgreSQL.

PostgreSQL refuses to run as root.
"""

import ctypes
import os
import pwd
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sandbox.telegram.startup_errors import CannotStart

_CLONE_NEWUSER = 0x10000000
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Identity:
    """A user of the operating system who runs a program.

    `uid` and `gid` own the program's files. If `become` is given, the program's process calls
    `become` to change its user.
    """

    uid: int
    gid: int
    become: Callable[[], None] | None


def choose_identity(folder: Path, program: Path) -> Identity:
    """Return a user who can run `program` and write to `folder`.

    If this process runs as root, the returned user becomes the owner of the folder, but not of the
    folder's content. Raises CannotStart if there is no such user.
    """
    if os.geteuid() != 0:
        return Identity(os.geteuid(), os.getegid(), None)
    for identity in _candidates(folder):
        os.chown(folder, identity.uid, identity.gid)
        if _can_run(identity, folder, program):
            return identity
    os.chown(folder, os.geteuid(), os.getegid())
    raise CannotStart(
        "PostgreSQL does not run as root, user namespaces are not allowed here, and no other "
        f"user reaches {folder} and {program}: start as an ordinary user, or with folders that "
        "all can reach"
    )


def change_owner(tree: Path, identity: Identity) -> None:
    """Give the folder `tree` and its content to the user of `identity`."""
    if tree.stat().st_uid == identity.uid:
        return
    for folder, _, files in os.walk(tree):
        for path in (folder, *(os.path.join(folder, file) for file in files)):  # noqa: PTH118 - thousands of files
            os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


def _candidates(folder: Path) -> Iterator[Identity]:
    uid, gid = os.geteuid(), os.getegid()
    inner_uid = next((user.pw_uid for user in _ordinary_users()), None)
    # In a namespace, the files stay root's. Some kernels refuse one, mostly in containers.
    if inner_uid is not None:  # initdb needs a user with a name
        yield Identity(uid, gid, partial(_enter_namespace, inner_uid, uid, gid))
    for user in _reaching_users(folder):
        yield Identity(user.pw_uid, user.pw_gid, partial(_change_user, user.pw_uid, user.pw_gid))


def _reaching_users(folder: Path) -> Iterator[pwd.struct_passwd]:
    """Yield users who can perhaps reach `folder`, the likeliest user first."""
    owners = [parent.stat().st_uid for parent in folder.resolve().parents]
    users = _ordinary_users()
    for owner in dict.fromkeys(owners):
        yield from (user for user in users if user.pw_uid == owner)
    yield from users[:1]


def _ordinary_users() -> list[pwd.struct_passwd]:
    users = [user for user in pwd.getpwall() if user.pw_uid != 0]
    return sorted(users, key=lambda user: user.pw_name != "nobody")


def _can_run(identity: Identity, folder: Path, program: Path) -> bool:
    def prepare() -> None:
        if identity.become is not None:
            identity.become()
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError

    try:
        completed = subprocess.run(
            [program, "--version"],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            preexec_fn=prepare,
        )
    except (subprocess.SubprocessError, OSError):
        return False
    return completed.returncode == 0


def _enter_namespace(inner_uid: int, uid: int, gid: int) -> None:
    if _LIBC.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{inner_uid} {uid} 1")
    _write("/proc/self/gid_map", f"{inner_uid} {gid} 1")


def _change_user(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, text.encode())
    os.close(descriptor)
