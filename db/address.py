"""Read the URL of a PostgreSQL database in the forms that hosting providers use."""

import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

DEFAULT_PORT = 5432
CONNECT_SECONDS = 5
SCHEMES = ("postgresql", "postgres")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SESSION_KINDS = ("any", "primary", "standby", "read-write", "read-only", "prefer-standby")
"""The values of the option with which an address of several servers names the wanted one."""
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_DRIVER_OPTIONS = (
    *_FILES,
    "sslpassword",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "sslnegotiation",
    "target_session_attrs",
)
_SERVER_OPTIONS = ("application_name", "options")
_MAX_PORT = 65_535
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::([0-9]*))?")


@dataclass(frozen=True)
class Address:
    """The parts of a database's URL: servers, user, password, database and options."""

    user: str
    password: str
    database: str
    hosts: tuple[tuple[str, int], ...]
    ssl_mode: str
    seconds: int
    """The longest time of an attempt to connect, in seconds."""
    pooled: bool
    """True if the URL says that a connection pooler is in front of the database."""
    driver_options: dict[str, str]
    server_options: dict[str, str]

    def connect_arguments(self) -> dict[str, Any]:
        """Return the arguments of `asyncpg.connect`, without any value from the environment."""
        return {
            "dsn": "postgresql:///?" + urlencode(self.driver_options, quote_via=quote),
            "host": [host for host, _ in self.hosts],
            "port": [port for _, port in self.hosts],
            "user": self.user,
            "password": self.password,
            "database": self.database,
            "ssl": self._ssl(),
            "timeout": self.seconds,
            "server_settings": dict(self.server_options),
        }

    def _ssl(self) -> ssl.SSLContext | str | bool:
        if all(host.startswith("/") for host, _ in self.hosts):
            return False
        # PostgreSQL's own clients know the word `system` for the certificates of the machine.
        return ssl.create_default_context() if self.ssl_mode == "system" else self.ssl_mode


def ignore_libpq_environment() -> None:
    """Remove the environment variables of PostgreSQL's own clients, for example PGPORT."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


def parse(url: str) -> Address:
    """Parse the URL of a database.

    Raises ValueError with a text that contains no part of the URL.
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme.partition("+")[0] not in SCHEMES:
        raise ValueError("must be an address that starts with postgresql://")
    credentials, location = _split(rest)
    user, _, password = credentials.partition(":")
    location, _, query = location.partition("?")
    hosts, _, database = location.partition("/")
    options = {name: value for name, value in parse_qsl(query.replace("+", "%2B")) if value}
    user = options.get("user") or unquote(user)
    if not user:
        raise ValueError("must name a user, as in postgresql://USER:PASSWORD@HOST/DATABASE")
    return Address(
        user=user,
        password=options.get("password") or unquote(password),
        database=options.get("dbname") or unquote(database) or user,
        hosts=_hosts(options.get("host") or hosts, options.get("port", "")),
        ssl_mode=_ssl_mode(options),
        seconds=_seconds(options.get("connect_timeout", "")),
        pooled=options.get("pgbouncer") == "true",
        driver_options=_driver_options(options),
        server_options={name: options[name] for name in _SERVER_OPTIONS if name in options},
    )


def _split(rest: str) -> tuple[str, str]:
    at = rest.rfind("@")
    if "=" in rest[: max(at, 0)].partition("?")[2]:
        at = rest.partition("?")[0].rfind("@")  # the other one is in an option
    return ("", rest) if at < 0 else (rest[:at], rest[at + 1 :])


def _hosts(text: str, ports: str) -> tuple[tuple[str, int], ...]:
    found = []
    port_list = ports.split(",") if ports else []
    for number, part in enumerate(text.split(",")):
        host, port = unquote(part), ""
        if not host.startswith("/"):
            match = _HOST.fullmatch(host)
            if match is None:
                raise ValueError("must have a host, as in postgresql://USER:PASSWORD@HOST/DATABASE")
            host, port = match[1].strip("[]"), match[2] or ""
        port = port or (port_list[min(number, len(port_list) - 1)] if port_list else "")
        found.append((host or "localhost", _port(port)))
    return tuple(found)


def _port(text: str) -> int:
    if not text:
        return DEFAULT_PORT
    if not text.isdecimal() or not 0 < int(text) <= _MAX_PORT:
        raise ValueError("must have a port between 1 and 65535")
    return int(text)


def _driver_options(options: dict[str, str]) -> dict[str, str]:
    found = {
        name: options[name]
        for name in _DRIVER_OPTIONS
        if name in options and options[name] != "system"
    }
    if found.get("target_session_attrs", "any") not in _SESSION_KINDS:
        raise ValueError(
            f"must have one of these as target_session_attrs: {', '.join(_SESSION_KINDS)}"
        )
    for name in _FILES:
        if name in found and not Path(found[name]).is_file():
            raise ValueError(f"must name a file that exists as {name}")
    return found


def _seconds(text: str) -> int:
    return int(text) if text.isdecimal() and int(text) > 0 else CONNECT_SECONDS


def _ssl_mode(options: dict[str, str]) -> str:
    mode = options.get("sslmode", "prefer")
    if mode not in _SSL_MODES:
        raise ValueError(f"must have one of these as sslmode: {', '.join(_SSL_MODES)}")
    return "system" if options.get("sslrootcert") == "system" else mode
