"""Listen on loopback ports, and wait until a port accepts connections."""

import asyncio
import errno
import socket

from sandbox.telegram.startup_errors import CannotStart

HOST = "127.0.0.1"

_POLL_INTERVAL = 0.1


def listen(asked: int, preferred: int = 0) -> socket.socket:
    """Return a socket that listens on the port `asked`.

    If `asked` is 0, the function tries `preferred`, then any free port. Raises CannotStart if the
    port `asked` is in use or cannot be used.
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


def port_of(listener: socket.socket) -> int:
    """Return the port of a listening socket."""
    port: int = listener.getsockname()[1]
    return port


def free(asked: int) -> int:
    """Return the port `asked`, or any free port if `asked` is 0.

    Raises CannotStart if the port `asked` is in use or cannot be used.
    """
    with listen(asked) as listener:
        return port_of(listener)


async def until_answered(port: int) -> None:
    """Wait until a process accepts connections on a loopback port."""
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(_POLL_INTERVAL)
        else:
            writer.close()
            return
