"""Write the tours in docs again, by playing their scenes.

`python -m tests.handlers.write_tour` writes the pages.
"""

import os
import sys
from pathlib import Path

import pytest

_DOCS = Path(__file__).parents[2] / "docs"
PAGE, ADVERTISER_PAGE = _DOCS / "tour.md", _DOCS / "tour-advertiser.md"
WRITE = "ADTECH_WRITE_TOUR"
"""If this environment variable is set, the test of a page writes it before the comparison."""

if __name__ == "__main__":
    os.environ[WRITE] = "yes"
    tests = ("test_tour.py", "test_tour_advertiser.py")
    sys.exit(pytest.main(["-q", *(str(Path(__file__).with_name(name)) for name in tests)]))
