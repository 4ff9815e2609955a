"""Tell visitors apart without keeping who they are."""

import hashlib
import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NETWORK_BITS = 64
"""The part of an IPv6 address that a provider gives to one household."""
_LONGEST_AGENT = 512


def client_address(remote: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the network address of the person behind a request, or "" if it is unknown.

    `remote` is the address of the connection. `forwarded` are the values of X-Forwarded-For. They
    count only as far as they come from trusted proxies: each proxy adds on the right from whom it
    got the request.
    """
    address = _parse(remote)
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    while address is not None and hops and any(address in network for network in trusted):
        before = _parse(hops.pop())
        if before is None:
            break
        address = before
    if isinstance(address, ipaddress.IPv6Address):
        network = ipaddress.IPv6Network((address, _NETWORK_BITS), strict=False)
        return str(network.network_address)
    return "" if address is None else str(address)


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def visitor_hash(salt: bytes, address: str, agent: str) -> bytes:
    """Return the hash of a network address and a browser's name, with the salt of the day."""
    content = f"{address}\n{agent[:_LONGEST_AGENT]}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(content, key=salt, digest_size=16).digest()


def address_hash(salt: bytes, address: str) -> bytes:
    """Return the hash of a network address alone, with the salt of the day."""
    return hashlib.blake2b(address.encode(), key=salt, digest_size=16, person=b"address").digest()
