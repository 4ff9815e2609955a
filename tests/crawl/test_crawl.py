"""Walk through the bot as people of all roles, and check what it answers."""

import os
import sys
from pathlib import Path
from random import Random

import pytest

from services.posts import check_times
from tests.conftest import Database
from tests.crawl.cast import prepare
from tests.crawl.observer import Observer
from tests.crawl.settings import SEED, STEPS
from tests.crawl.walk import Walk
from tests.handlers.marketplace import open_marketplace

USUAL_STEPS = 500
USUAL_SEED = 1


@pytest.mark.longest
async def test_a_walk_finds_no_fault(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = int(os.environ.get(STEPS, USUAL_STEPS))
    seed = int(os.environ.get(SEED, USUAL_SEED))
    # The product chooses the times of its checks at random.
    monkeypatch.setattr(check_times, "RANDOM", Random(seed))
    observer = Observer()
    async with open_marketplace(database, tmp_path) as market:
        people = await prepare(market)
        walk = Walk(market, people, seed, observer)
        try:
            with observer.logs():
                await walk.run(steps)
        finally:
            await walk.scheduler.close()
            sys.stdout.write(f"{walk.report()}\n")
    assert not walk.faults, f"repeat with: make crawl STEPS={steps} SEED={seed}"
