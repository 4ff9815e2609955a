"""Walk through the bot: `python -m tests.crawl --steps N --seed S`.

Prints each fault with its step and the last acts of its person, and what the walk has not reached.
The same seed makes the same walk.
"""

import argparse
import os
import secrets
import sys
from pathlib import Path

import pytest

from tests.crawl.settings import SEED, STEPS

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.crawl")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    asked = parser.parse_args()
    os.environ[STEPS], os.environ[SEED] = str(asked.steps), str(asked.seed)
    sys.exit(pytest.main(["-q", "-s", str(Path(__file__).with_name("test_crawl.py"))]))
