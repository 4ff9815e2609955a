"""Write docs/tour.md again, by playing its scene.

`python -m tests.handlers.write_tour` writes the page.
"""

import os
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tour.md"
WRITE = "ADTECH_WRITE_TOUR"
"""If this environment variable is set, the test of the page writes it before the comparison."""

if __name__ == "__main__":
    os.environ[WRITE] = "yes"
    sys.exit(pytest.main(["-q", str(Path(__file__).with_name("test_tour.py"))]))
