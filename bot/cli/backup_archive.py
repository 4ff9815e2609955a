"""Read and restore the files of `adtech backup`."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.cli import postgres_programs
from bot.cli.postgres_programs import ProgramError, Programs
from db import address


@dataclass(frozen=True)
class Archive:
    """A backup file whose contents were read to the end."""

    file: Path
    programs: Programs
    contents: tuple[str, ...]
    """The lines of its list of contents, as `pg_restore --list` prints them."""

    @property
    def made_at(self) -> str:
        """When the backup was made, as the file says."""
        marker = "Archive created at "
        lines = [line for line in self.contents if marker in line]
        return lines[0].partition(marker)[2].strip() if lines else "an unknown time"

    def restore(self, url: str, *, leave_out: Callable[[str], bool], rights: bool) -> None:
        """Restore all contents into the empty database at `url`, in one transaction.

        Lines of the list of contents for which `leave_out` is true are not restored. Without
        `rights`, no GRANT is restored. Raises ProgramError.
        """
        kept = (line for line in self.contents if not leave_out(line))
        with tempfile.NamedTemporaryFile("w", prefix="adtech-", suffix=".list") as chosen:
            chosen.write("\n".join(kept) + "\n")
            chosen.flush()
            self.programs.run(
                "pg_restore",
                *("--no-owner", "--single-transaction", "--exit-on-error", "--no-password"),
                *(() if rights else ("--no-privileges",)),
                f"--use-list={chosen.name}",
                f"--dbname={address.parse(url).database}",
                self.file,
                environment=postgres_programs.environment_of(url),
            )


def open_archive(file: Path, major: int, folder: Path | None) -> Archive:
    """Read a backup to its end. Raises ProgramError if it is missing, empty, cut or damaged.

    `major` is the major version of the server into which it will be restored. `folder` is as in
    `postgres_programs.find`.
    """
    if not file.is_file():
        raise ProgramError(f"There is no file {file}.")
    if file.stat().st_size == 0:
        raise ProgramError(f"{file} is empty (0 bytes). Take another backup.")
    programs = postgres_programs.find(major, folder)
    try:
        contents = programs.run("pg_restore", "--list", file)
        # The list stands at the beginning of the file, so that a cut file has it too.
        programs.run("pg_restore", f"--file={os.devnull}", file)
    except ProgramError as error:
        raise ProgramError(
            f"{file} cannot be read to its end: it is cut, damaged or no backup in the custom"
            f" format. Take another backup. ({error})"
        ) from error
    if " TABLE DATA public ledger_entries " not in contents:
        raise ProgramError(f"{file} is no backup of this product. Take another file.")
    return Archive(file, programs, tuple(contents.splitlines()))


def is_of_extension(line: str) -> bool:
    """Return whether a line of the contents belongs to an extension, which the hoster installs."""
    return " EXTENSION " in line
