"""Choose the release that the rehearsal begins with, and check it out.

That is the last tag before this commit. Without a tag, nothing has been released. Then it is an
older state of the schema, if the history has one that this release was made for, and otherwise this
commit itself: its processes are replaced by their like, as after a change of a setting.
"""

import compileall
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.readiness import PREVIOUS_REVISION
from sandbox.demo.errors import Unexpected

PROGRAMS = ("bot", "db", "handlers", "migrations", "sandbox", "scheduler", "services")
"""The folders of the code that the processes of a release load."""
_MIGRATIONS = "migrations/versions"
_ITSELF = "HEAD"


@dataclass(frozen=True)
class OldRelease:
    """A state of the code that a release may replace."""

    commit: str
    why: str
    """The reason for the choice, in words."""
    was_released: bool = False
    """Whether people have used it. Otherwise it may have faults of its own."""

    @property
    def is_this_commit(self) -> bool:
        """Whether the old release is the new one, without changes that are not committed."""
        return self.commit == _ITSELF


def candidates(repository: Path, since: str = PREVIOUS_REVISION) -> Iterator[OldRelease]:
    """Yield the old releases to try, the best first. `since` is the oldest revision to begin with.

    A tag is the only candidate. The next candidate after a commit is for the case that the commit
    does not work by itself, because history also has states that nobody would have released.
    """
    found = _git(repository, "describe", "--tags", "--match=v*", "--abbrev=0", "HEAD^")
    if found.returncode == 0:
        yield OldRelease(found.stdout.decode().strip(), "the last tag", was_released=True)
        return
    older = _before_newest_migrations(repository)
    if older is not None and _revision(repository, older) >= since:
        yield OldRelease(older, "the commit before the newest migrations; there is no tag")
    yield OldRelease(_ITSELF, "this commit itself, as the history has no older release to try")


def _before_newest_migrations(repository: Path) -> str | None:
    """Return the newest commit of the main line that has an older schema, or None."""
    newest = _revision(repository, _ITSELF)
    arrivals = _git(
        repository, "log", "--first-parent", "-m", "--format=%h", "HEAD", "--", _MIGRATIONS
    )
    for arrival in arrivals.stdout.decode().split():
        before = _git(repository, "rev-parse", "--verify", "--short", f"{arrival}^1")
        commit = before.stdout.decode().strip()
        if before.returncode == 0 and "" < _revision(repository, commit) < newest:
            return commit
    return None


def _revision(repository: Path, commit: str) -> str:
    """Return the newest revision of the schema in a commit, or an empty text."""
    files = _git(repository, "ls-tree", "--name-only", commit, f"{_MIGRATIONS}/")
    names = (Path(line).name for line in files.stdout.decode().splitlines())
    return max((name.partition("_")[0] for name in names if name[0].isdecimal()), default="")


def check_out(release: OldRelease, folder: Path, repository: Path) -> None:
    """Write the files of an old release into `folder`, and compile its code, as its image does.

    Otherwise each of the first processes would compile it. Raises Unexpected without a repository.
    """
    archive = _git(repository, "archive", "--format=tar", release.commit)
    if archive.returncode:
        raise Unexpected("a git repository with the old release", archive.stderr.decode().strip())
    folder.mkdir()
    # Not every Python 3.11 has the filters of `tarfile`.
    command = ["tar", "--extract", "--directory", str(folder)]
    subprocess.run(command, input=archive.stdout, check=True)
    for part in PROGRAMS:
        compileall.compile_dir(folder / part, quiet=2)


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", "-C", repository, *arguments],  # noqa: S607 - the developer's git
        capture_output=True,
        check=False,
    )
