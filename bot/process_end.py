"""End a program without the clean-up of the Python interpreter."""

import logging
import os
import sys
from collections.abc import Callable
from typing import NoReturn


def run(main: Callable[[], None]) -> NoReturn:
    """Run a program, and end the process with its status as soon as `main` has ended.

    Otherwise the interpreter would first free every object of every module. This takes as much CPU
    time as half of the start, also while a release waits for the end of the process. `main` has
    closed everything that must be closed. An error that is not SystemExit ends the process in the
    usual way.
    """
    status = 0
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise  # the interpreter prints the text
        status = end.code or 0
    logging.shutdown()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except OSError:
        status = status or 1  # what was printed is lost, for example because the disk is full
    os._exit(status)
