"""Ports of the loopback."""

import asyncio
import errno
import socket

from sandbox.startup_errors import CannotStart

HOST = "127.0.0.1"

_LOOK = 0.1


def listen(asked: int, preferred: int = 0) -> socket.socket:
    """A listening socket on the port asked for; if none was, on the preferred or any free one.

    It listens from now on: who connects before anybody accepts, waits. Raises CannotStart when
    the port asked for is in use.
    """
    for port in (asked,) if asked else dict.fromkeys((preferred, 0)):
        try:
            return socket.create_server((HOST, port))
        except (OSError, OverflowError) as error:
            if asked:
                in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
                reason = "is in use" if in_use else "cannot be used"
                raise CannotStart(f"port {asked} {reason}") from error
    raise CannotStart(f"no port of {HOST} is free")


def number(listener: socket.socket) -> int:
    """The port of a listening socket."""
    port: int = listener.getsockname()[1]
    return port


def free(asked: int) -> int:
    """A port that is free now: the one asked for, or any. Raises CannotStart as `listen`."""
    with listen(asked) as listener:
        return number(listener)


async def until_answered(port: int) -> None:
    """Wait until somebody accepts connections on a port of the loopback."""
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(_LOOK)
        else:
            writer.close()
            return
