"""Check the URL of a Redis server before anything connects to it."""

from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError

from db import address

SCHEMES = ("redis", "rediss", "unix")
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_TLS_OPTIONS = (*_TLS_FILES, "ssl_cert_reqs", "ssl_check_hostname", "ssl_password", "ssl_ciphers")
_OPTIONS = (
    *("db", "username", "password", "protocol", "client_name"),
    *("health_check_interval", "socket_keepalive", *_TLS_OPTIONS),
)
_EXAMPLE = "must be an address such as redis://:PASSWORD@HOST:6379/0"
_REFUSALS = (RedisError, TypeError, ValueError, OSError)


def check(url: str) -> None:
    """Check the form of a URL, its host and its options. Does not connect.

    Raises ValueError with a text that contains no part of the URL, except the name of an option.
    """
    if not url.startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
        raise ValueError("must be an address that starts with redis://, rediss:// or unix://")
    address.require_text(url)
    try:
        parts = urlsplit(url)
        _open(parts._replace(query=""))
    except _REFUSALS:
        # The error's text may contain a part of the password.
        raise ValueError(_EXAMPLE) from None
    if parts.fragment:
        raise ValueError("must have the characters # ? / @ of its password written as %23 %3F ...")
    if parts.scheme != "unix":
        address.require_host_name(parts.hostname or "")
        if parts.path.strip("/") and not parts.path.strip("/").isdecimal():
            raise ValueError("must have the number of its database behind the host, as in /0")
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        _check_option(parts, name, value)


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
