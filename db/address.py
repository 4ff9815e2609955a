"""Read the URL of a PostgreSQL database in the forms that hosting providers use."""

import ipaddress
import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlencode

from asyncpg import connect_utils

DEFAULT_PORT = 5432
CONNECT_SECONDS = 5
SCHEMES = ("postgresql", "postgres")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SSL_WORDS = {
    **{mode: mode for mode in _SSL_MODES},
    **dict.fromkeys(("true", "1", "on", "yes", "no-verify"), "require"),
    **dict.fromkeys(("false", "0", "off", "no"), "disable"),
}
"""The values of the options `sslmode` and `ssl`, each with the mode that it means."""
_SSL_OPTIONS = ("sslmode", "ssl")
_OF_OTHER_CLIENTS = ("sslsni", "sslcompression", "sslcertmode")
"""Options about TLS that can be left out: without them, a connection is as safe as with them."""
_SESSION_KINDS = ("any", "primary", "standby", "read-write", "read-only", "prefer-standby")
"""The values of `target_session_attrs`, which says which of several servers is wanted."""
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
_PROOFS = {"channel_binding": ("require",), "gssencmode": ("require",), "require_auth": ()}
"""Options that ask for a proof of the server which the driver cannot give, with the asking values.

No value means every value.
"""
_MAX_PORT = 65_535
_HOST = re.compile(r"([^:\[\]]*)(?::([0-9]*))?")
_IPV6 = re.compile(r"\[([0-9A-Fa-f:.]+)(?:%(?:25)?([\w.~-]+))?\](?::([0-9]*))?")
_PASSWORDS = ("password", "sslpassword", "ssl_password", "sentinel_password")
_VERIFIED = ("verify-ca", "verify-full")
_NO_HOST = "must have a host, as in postgresql://USER:PASSWORD@HOST/DATABASE"


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
    unproven: tuple[str, ...] = ()
    """The options that ask for a proof of the server which this connection does not have.

    Empty if TLS proves the server by its certificate and its name.
    """

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


def ignore_libpq_settings() -> None:
    """Ignore the variables of PostgreSQL's own clients, for example PGPORT, and their files.

    The files are certificates and keys in `~/.postgresql`.
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    # asyncpg has no option for this. It would read the files for each connection with TLS, and a
    # certificate of another server breaks the connection.
    connect_utils._dot_postgresql_path = lambda _name: None  # noqa: SLF001 - see above


def find_passwords(url: str) -> frozenset[str]:
    """Return the passwords of a URL, each as it is written there and with its escapes decoded.

    Accepts any text, also the URL of another service, for example Redis.
    """
    credentials, location = _split(url.strip().partition("://")[2])
    options = (part.partition("=") for part in re.split("[?&]", location)[1:])
    written = {credentials.partition(":")[2]}
    written |= {value for name, _, value in options if unquote(name) in _PASSWORDS}
    return frozenset(
        form for text in written for form in (text, unquote(text), unquote_plus(text)) if form
    )


def parse(url: str) -> Address:
    """Parse the URL of a database.

    Raises ValueError with a text that contains no part of the URL.
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme.partition("+")[0] not in SCHEMES:
        raise ValueError("must be an address that starts with postgresql://")
    require_text(rest)
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
        hosts=_hosts(
            options.get("host") or hosts or options.get("hostaddr", ""), options.get("port", "")
        ),
        ssl_mode=_ssl_mode(options),
        seconds=_seconds(options.get("connect_timeout", "")),
        pooled=options.get("pgbouncer") == "true",
        driver_options=_driver_options(options),
        server_options={name: options[name] for name in _SERVER_OPTIONS if name in options},
        unproven=_unproven(options),
    )


def _split(rest: str) -> tuple[str, str]:
    at = rest.rfind("@")
    if "=" in rest[: max(at, 0)].partition("?")[2]:
        at = rest.partition("?")[0].rfind("@")  # the other one is in an option
    return ("", rest) if at < 0 else (rest[:at], rest[at + 1 :])


def require_text(url: str) -> None:
    """Check that a URL is UTF-8 without a zero byte. Raises ValueError if not."""
    if "\0" in unquote(url) or any("\ud800" <= character <= "\udfff" for character in url):
        raise ValueError("must be UTF-8, and must not contain %00")


def require_host_name(host: str) -> None:
    """Check that a name can be looked up. Raises ValueError if its length or form is wrong."""
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError(
            "must have a host whose name has parts of 1 to 63 characters between its dots"
        ) from None


def _hosts(text: str, ports: str) -> tuple[tuple[str, int], ...]:
    port_list = ports.split(",") if ports else []
    found = []
    for number, part in enumerate(text.split(",")):
        host, port = _host(part)
        port = port or (port_list[min(number, len(port_list) - 1)] if port_list else "")
        found.append((host or "localhost", _port(port)))
    return tuple(found)


def _host(part: str) -> tuple[str, str]:
    """Return a server's host name, address or folder, and the port's text ("" if it is absent)."""
    if bracketed := _IPV6.fullmatch(part):
        host, zone, port = bracketed.groups()
        return _ip_address(f"{host}%{unquote(zone)}" if zone else host), port or ""
    host = unquote(part)
    if host.startswith("/"):
        return host, ""
    if host.count(":") > 1:  # as `?host=` of PostgreSQL's own clients has it
        return _ip_address(host), ""
    plain = _HOST.fullmatch(host)
    if plain is None:
        raise ValueError(_NO_HOST)
    require_host_name(plain[1])
    return plain[1], plain[2] or ""


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise ValueError(_NO_HOST) from None


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
    _require_one_of("target_session_attrs", found, _SESSION_KINDS)
    _require_one_of("sslnegotiation", found, ("postgres", "direct"))
    for name in ("ssl_min_protocol_version", "ssl_max_protocol_version"):
        _require_one_of(name, found, ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"))
    for name in _FILES:
        if name in found and not Path(found[name]).is_file():
            raise ValueError(f"must name a file that exists as {name}")
    return found


def _require_one_of(name: str, found: dict[str, str], values: tuple[str, ...]) -> None:
    if name in found and found[name] not in values:
        raise ValueError(f"must have one of these as {name}: {', '.join(values)}")


def _seconds(text: str) -> int:
    return int(text) if text.isdecimal() and int(text) > 0 else CONNECT_SECONDS


def _unproven(options: dict[str, str]) -> tuple[str, ...]:
    if _ssl_mode(options) in ("verify-full", "system"):
        return ()
    return tuple(
        name
        for name, values in _PROOFS.items()
        if name in options and options[name] in (values or (options[name],))
    )


def _ssl_mode(options: dict[str, str]) -> str:
    """Return the strongest mode that the options about TLS ask for.

    Raises ValueError for an option about TLS that is not understood: without it, the connection
    could be less safe than the address asks for.
    """
    known = (*_SSL_OPTIONS, *_DRIVER_OPTIONS, *_OF_OTHER_CLIENTS)
    if any(
        re.match("(use|require)?(ssl|tls)", name.lower()) and name not in known for name in options
    ):
        raise ValueError("must ask for TLS by the option sslmode, for example sslmode=require")
    words = [options[name].lower() for name in _SSL_OPTIONS if name in options]
    if not all(word in _SSL_WORDS for word in words):
        raise ValueError(f"must have one of these as sslmode: {', '.join(_SSL_MODES)}")
    mode = max((_SSL_WORDS[word] for word in words), key=_SSL_MODES.index, default="prefer")
    roots = options.get("sslrootcert")
    if mode in _VERIFIED and not roots:
        raise ValueError(f"must name a file, or system, as sslrootcert for sslmode={mode}")
    if options.get("sslnegotiation") == "direct" and mode not in ("require", *_VERIFIED):
        raise ValueError("must have at least sslmode=require for sslnegotiation=direct")
    return "system" if roots == "system" else mode
