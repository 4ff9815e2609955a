"""`python -m tests.chaos --kills N --seed S`: schedulers are killed, and not one post may be wrong.

Prints its seed and a table, writes build/chaos.json, and ends with status 1 if anything was
published twice, lost, paid on a guess or left open, if a dead worker's post waited for too long, or
if some kind of trouble never came. `--short` is a few deaths and every outage.
"""

import argparse
import asyncio
import json
import logging
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import chaos_run, recovery_time
from tests.chaos.environment import ROOT

RESULT = ROOT / "build" / "chaos.json"
NEVER = ("duplicates", "lost", "moved_on_unknown", "unresolved", "invariant_violations")
LONG = 500
"""Kills of a run that tells how often people are needed, and has every fault of a send."""
LEAST_SHARE = 0.99
"""Of uncertain posts, those that need nobody."""
TAKEOVER_SECONDS = 45
SHORT = chaos_run.Size(8, 20_261, channels=24, settle_seconds=120, calm_seconds=(0.2, 1.0))
SHOWN = (
    *("seed", "kills", "kills_elsewhere", "stopped_and_woken", "targets", "published"),
    *("duplicates", "lost", "moved_on_unknown", "ever_uncertain", "unresolved"),
    "waiting_behind_them",
    *("resolved_without_person_share", "paid", "refunded", "takeover_s_max"),
    *("invariant_violations", "cpu_seconds_of_victims", "seconds"),
)


async def run(folder: Path, size: chaos_run.Size) -> chaos_run.Json:
    """The storm, and beside it the takeover with servers of its own."""
    begun = time.monotonic()
    found, longest = await asyncio.gather(
        chaos_run.run(folder / "storm", size), recovery_time.measure(folder / "takeover")
    )
    found["takeover_s_max"] = round(longest, 1)
    found["seconds"] = round(time.monotonic() - begun)
    return found


def write(found: chaos_run.Json) -> None:
    """Keep the figures."""
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")


def table(found: chaos_run.Json) -> str:
    """The figures, and what was survived."""
    lines = [f"{name.replace('_', ' '):<32} {found[name]}" for name in SHOWN]
    for title in ("killed_at", "weather", "sends", "examples", "books"):
        lines += ["", title.replace("_", " ")]
        lines += [f"  {name:<42} {value}" for name, value in found.get(title, {}).items()]
    return "\n".join(lines)


def wrong(found: chaos_run.Json) -> list[str]:
    """What may not be said of a run."""
    told = [f"{name}: {found[name]}" for name in NEVER if found[name]]
    if found["takeover_s_max"] > TAKEOVER_SECONDS:
        told.append(f"takeover_s_max: {found['takeover_s_max']}")
    happened = {"stopped and woken": found["stopped_and_woken"]} | found["weather"]
    if found["kills"] >= LONG:
        happened |= found["sends"]
        if found["resolved_without_person_share"] < LEAST_SHARE:
            told.append(f"resolved_without_person_share: {found['resolved_without_person_share']}")
    return told + [f"never happened: {name}" for name, times in happened.items() if not times]


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--short", action="store_true", help="some two minutes")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    size = chaos_run.Size(given.kills, seed, max(100, given.kills // 4), settle_seconds=600)
    if given.short:
        size = SHORT
    sys.stdout.write(f"seed {size.seed}\n")
    sys.stdout.flush()
    folder = Path(tempfile.mkdtemp(prefix="adtech-chaos-"))
    try:
        found = asyncio.run(run(folder, size))
    except BaseException:
        sys.stderr.write(f"the logs of this run are in {folder}\n")
        raise
    write(found)
    sys.stdout.write(table(found) + "\n")
    if told := wrong(found):
        sys.stderr.write("\n".join([*told, f"the logs of this run are in {folder}"]) + "\n")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
