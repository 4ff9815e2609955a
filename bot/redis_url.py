"""Read the URL of a Redis or Valkey: one server, a cluster, or servers that Sentinel watches."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.exceptions import RedisError

from db import address

Kind = Literal["server", "sentinel", "cluster"]

_KINDS: dict[str, tuple[str, Kind]] = {
    "redis": ("redis", "server"),
    "rediss": ("rediss", "server"),
    "unix": ("unix", "server"),
    "redis+sentinel": ("redis", "sentinel"),
    "rediss+sentinel": ("rediss", "sentinel"),
    "redis+cluster": ("redis", "cluster"),
    "rediss+cluster": ("rediss", "cluster"),
}
"""The scheme of one server and the kind of the URL, for each scheme that a URL may have."""
_DEFAULT_PORTS: dict[Kind, int] = {"server": 6379, "sentinel": 26379, "cluster": 6379}
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_TLS_OPTIONS = (*_TLS_FILES, "ssl_cert_reqs", "ssl_check_hostname", "ssl_password", "ssl_ciphers")
_OPTIONS = (
    *("db", "username", "password", "protocol", "client_name"),
    *("health_check_interval", "socket_keepalive", *_TLS_OPTIONS),
)
_OF_SENTINEL = ("sentinel_username", "sentinel_password")
_EXAMPLES: dict[Kind, str] = {
    "server": "must be an address such as redis://:PASSWORD@HOST:6379/0",
    "sentinel": "must be an address such as"
    " redis+sentinel://:PASSWORD@HOST1:26379,HOST2:26379/SERVICE/0",
    "cluster": "must be an address such as redis+cluster://:PASSWORD@HOST1:6379,HOST2:6379",
}
_REFUSALS = (RedisError, TypeError, ValueError, OSError)


@dataclass(frozen=True)
class Place:
    """Where a Redis is, and how a client connects to it."""

    kind: Kind
    hosts: tuple[tuple[str, int], ...]
    """The servers, or Sentinel's servers. Empty if the server is found by a socket's path."""
    service: str
    """The name by which Sentinel knows the servers. "" without Sentinel."""
    options: dict[str, Any]
    """The arguments of a connection of redis-py, for example `password`."""
    sentinel_options: dict[str, Any]
    """The arguments of a connection to Sentinel."""


def check(url: str) -> None:
    """Check the form of a URL, its hosts and its options. Does not connect.

    Raises ValueError with a text that contains no part of the URL, except the name of an option.
    """
    kind, parts, service = _split(url)
    address.require_text(url)
    for one in parts:
        _check_server(kind, one)
    if kind == "sentinel" and not service:
        raise ValueError(_EXAMPLES[kind])
    for name, value in parse_qsl(parts[0].query, keep_blank_values=True):
        if kind != "sentinel" or name not in _OF_SENTINEL:
            _check_option(parts[0], name, value)
    if kind == "cluster" and _arguments(parts[0]).get("db"):
        raise ValueError("must not name a database: a cluster has only the database 0")


def parse(url: str) -> Place:
    """Return the parts of a URL that `check` accepts."""
    kind, parts, service = _split(url)
    options = _arguments(parts[0])
    found = {name: options.pop(name, None) for name in _OF_SENTINEL}
    port = _DEFAULT_PORTS[kind]
    hosts = [(unquote(one.hostname), one.port or port) for one in parts if one.hostname]
    encrypted = {name: value for name, value in options.items() if name.startswith("ssl")}
    of_sentinel = {name.removeprefix("sentinel_"): value for name, value in found.items() if value}
    return Place(kind, tuple(hosts), service, options, encrypted | of_sentinel)


def _split(url: str) -> tuple[Kind, list[SplitResult], str]:
    """Return the kind of a URL, the URL of each server, and the name of Sentinel's service."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _KINDS:
        raise ValueError(f"must be an address that starts with {'://, '.join(_KINDS)}://")
    scheme, kind = _KINDS[scheme]
    place = re.split("[/?#]", rest, maxsplit=1)[0]
    tail, service = rest[len(place) :], ""
    if kind == "sentinel":
        path, mark, query = tail.partition("?")
        service, _, database = path.removeprefix("/").partition("/")
        tail = f"/{database}{mark}{query}"
    user, at, hosts = place.rpartition("@")
    try:
        names = hosts.split(",") if kind != "server" else [hosts]
        parts = [urlsplit(f"{scheme}://{user}{at}{host}{tail}") for host in names]
    except ValueError:
        raise ValueError(_EXAMPLES[kind]) from None
    return kind, parts, unquote(service)


def _check_server(kind: Kind, parts: SplitResult) -> None:
    try:
        _open(parts._replace(query=""))
    except _REFUSALS:
        # The error's text may contain a part of the password.
        raise ValueError(_EXAMPLES[kind]) from None
    if parts.fragment:
        raise ValueError("must have the characters # ? / @ of its password written as %23 %3F ...")
    if parts.scheme == "unix":
        return
    if "," in (parts.hostname or ""):
        raise ValueError(
            "must start with redis+sentinel:// or redis+cluster:// to have several hosts"
        )
    address.require_host_name(parts.hostname or "")
    if parts.path.strip("/") and not parts.path.strip("/").isdecimal():
        raise ValueError("must have the number of its database behind the host, as in /0")


def _check_option(parts: SplitResult, name: str, value: str) -> None:
    if name not in _OPTIONS:
        raise ValueError(f"must have no other options than {', '.join(_OPTIONS)}")
    if name in _TLS_OPTIONS and parts.scheme != "rediss":
        raise ValueError(f"must start with rediss:// to have the option {name}")
    if name == "db" and not value.isdecimal():
        raise ValueError("must have a number as db")
    try:
        _open(parts._replace(query=urlencode({name: value})))
        if name in _TLS_FILES:
            Path(value).read_bytes()
    except _REFUSALS:
        raise ValueError(f"must have another value as {name}") from None


def _open(parts: SplitResult) -> None:
    pool = Redis.from_url(parts.geturl()).connection_pool
    pool.connection_class(**pool.connection_kwargs)


def _arguments(parts: SplitResult) -> dict[str, Any]:
    """Return the options of a URL as arguments of redis-py's clients, without host and port."""
    options: dict[str, Any] = dict(parse_url(parts.geturl()))
    if options.pop("connection_class", None) is SSLConnection:
        options["ssl"] = True
    options.pop("host", None)
    options.pop("port", None)
    if "path" in options:
        options["unix_socket_path"] = options.pop("path")
    return options
