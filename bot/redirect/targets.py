"""Keep the targets of the tracked links in memory, and in a file for a start without PostgreSQL."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import idna
import structlog

from services.market.link_clicks import Link

_PATH = re.compile(r"/r/([A-Za-z0-9_-]{22})")
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))
_LOCATION = re.compile(r"https?://[!-~]+")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Target:
    """Where a tracked link leads."""

    target_id: int
    """The placement."""
    location: str
    """The web address, in ASCII."""
    works_until: float
    """When the link stops, in seconds since 1970."""


class Targets:
    """The targets of all links that work, by token."""

    def __init__(self, file: Path | None) -> None:
        """Begin with the links of a file, if there is one.

        What cannot be read is left out, because PostgreSQL has all links too. Raises OSError if the
        file cannot be written.
        """
        self._targets: dict[str, Target] = {}
        self._file = file
        if file is not None:
            for token, target in _read(file):
                self._keep(token, target)
            _rewrite(file, self._targets)

    def __len__(self) -> int:
        """Return the number of links."""
        return len(self._targets)

    def find(self, path: str, now: datetime) -> Target | None:
        """Return the target of a request, or None if its path is no link that works.

        `path` is what the request says, with its query, which is not read.
        """
        found = _PATH.fullmatch(path.partition("?")[0])
        target = self._targets.get(found[1]) if found else None
        return target if target is not None and target.works_until > now.timestamp() else None

    def update(self, links: Iterable[Link], now: datetime) -> None:
        """Add the links that work, and remove those that have stopped.

        An error of the file is logged: the links in memory go on.
        """
        changes: dict[str, Target | None] = {}
        for link in links:
            target = _target(link) if link.works_until > now else None
            if target != self._targets.get(link.token):
                changes[link.token] = target
                self._keep(link.token, target)
        if changes and self._file is not None:
            try:
                with self._file.open("a", encoding="ascii") as file:
                    file.writelines(_line(*change) for change in changes.items())
            except OSError as error:
                log.error("The file of the links cannot be written", reason=error.strerror)

    def _keep(self, token: str, target: Target | None) -> None:
        if target is None:
            self._targets.pop(token, None)
        else:
            self._targets[token] = target


def _target(link: Link) -> Target | None:
    location = location_of(link.url)
    if location is None:
        log.error("A tracked link has no web address", target_id=link.target_id)
        return None
    return Target(link.target_id, location, link.works_until.timestamp())


def location_of(url: str) -> str | None:
    """Return a web address in ASCII, or None if the text is no web address of a host.

    Only what is not ASCII is written in another way, so that the target gets what the ad says.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not parts.netloc.isascii():
            host = idna.encode(host, uts46=True).decode()
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return None
    if not host or "@" in parts.netloc:
        return None
    netloc = parts.netloc if parts.netloc.isascii() else f"{host}{port}"
    rest = (quote(part, safe=_PRINTABLE) for part in (parts.path, parts.query, parts.fragment))
    location = urlunsplit((parts.scheme, netloc, *rest))
    return location if _LOCATION.fullmatch(location) else None


def _line(token: str, target: Target | None) -> str:
    facts = () if target is None else (target.target_id, target.location, target.works_until)
    return json.dumps([token, *facts]) + "\n"


def _read(file: Path) -> Iterator[tuple[str, Target | None]]:
    """Yield each link of a file with its target, or None if it has stopped."""
    try:
        lines = file.read_text("ascii").splitlines()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        log.error("The file of the links cannot be read", reason=type(error).__name__)
        return
    for line in lines:
        try:
            token, *facts = json.loads(line)
            target = Target(*facts) if facts else None
            is_right = target is None or _LOCATION.fullmatch(target.location)
        except (TypeError, ValueError):
            continue  # the last line of a process that was killed
        if is_right:
            yield token, target


def _rewrite(file: Path, targets: dict[str, Target]) -> None:
    """Write a file with one line for each link."""
    new = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.writelines(_line(token, target) for token, target in targets.items())
    new.replace(file)
