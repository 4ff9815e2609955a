"""Test the sandbox's page in the Chromium of this machine; nothing is installed.

The arguments are given to pytest. Without Chromium, print a sentence and exit with 1.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.browser.chromium import VARIABLE, find


def main() -> int:
    """Run the tests of this folder, and return the exit status."""
    path = find()
    if path is None:
        raise SystemExit("Chromium is missing. Debian: apt install chromium")
    os.environ[VARIABLE] = path
    return int(pytest.main([str(Path(__file__).parent), *sys.argv[1:]]))


if __name__ == "__main__":
    raise SystemExit(main())
