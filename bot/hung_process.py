"""End a process that makes no progress, so that its successor can take over."""

import faulthandler
import os
import sys
from typing import NoReturn


def exit_hung(process: str, what: str) -> NoReturn:
    """Write what hangs to stderr, with the stacks of all threads, and exit with status 1."""
    sys.stderr.write(f"{process}: its {what} hangs; exiting\n")
    faulthandler.dump_traceback()  # where it hangs: names of files and functions only
    sys.stderr.flush()
    os._exit(1)
