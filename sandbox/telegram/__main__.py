"""Run a Bot API server and its page with `python -m sandbox.telegram`."""

import asyncio
import sys

from sandbox.telegram import options, standalone
from sandbox.telegram.startup_errors import CannotStart


def main() -> None:
    """Serve until a signal, or print one line on stderr and exit with status 2."""
    try:
        asyncio.run(standalone.serve(options.read()))
    except CannotStart as error:
        print(f"{options.PROGRAM}: {error} (--help lists the options)", file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
