"""Kill schedulers, and check that no post is lost, published twice or wrongly paid for.

Run as `python -m tests.chaos --kills N --seed S`. Prints the seed and a table, and writes
build/chaos.json. `--short` kills a few schedulers and causes every outage. `--server-faults` kills
none: PostgreSQL refuses work in five ways while people use the product. The result of that run is
written to build/server_faults.json; `server_faults_report` has its problems.

The exit status is 1 if the run has one of these problems, and 0 otherwise:
  - a post is lost, published twice, or not resolved
  - money moved while its kill switch was stopped
  - money moved, but the messages in the channel do not justify the movement
  - a cancelled placement was published
  - a complaint has no end, an escrow was settled while a complaint was open, or the parts of a
    settlement are not those of the decision
  - an altered post was paid for as an unaltered post
  - a post is gone that should be there, or is there that should be gone
  - the books differ from Telegram's list of payments, or violate an invariant
  - the post of a dead scheduler waited too long for another scheduler
  - a planned fault, outage, broken promise, refund or step of a complaint never happened
  - in a long run, too few uncertain posts were resolved without a person
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

from tests.chaos import (
    chaos_run,
    recovery_time,
    server_faults_report,
    server_faults_run,
    small_disk,
)
from tests.chaos.environment import ROOT
from tests.chaos.judging import Json

RESULT = ROOT / "build" / "chaos.json"
SERVER_FAULTS_RESULT = RESULT.with_name("server_faults.json")
FAULT_SECONDS, SHORT_FAULT_SECONDS = 60.0, 30.0
MUST_BE_ZERO = (
    *("duplicates", "lost", "moved_on_unknown", "unresolved", "altered_paid_as_stayed"),
    *("charges_unlike_books", "moved_while_stopped", "removals_unlike_channels"),
    *("complaints_without_end", "settled_despite_complaint", "parts_unlike_decisions"),
    *("cancelled_and_published", "invariant_violations"),
)
LONG_RUN_KILLS = 500
"""The number of kills from which a run counts as long."""
LEAST_SHARE = 0.99
"""The smallest allowed share of uncertain posts that are resolved without a person."""
LONGEST_RECOVERY_SECONDS = 45
SHORT_RUN = chaos_run.Size(
    8,
    20_261,
    channels=16,
    finish_seconds=120,
    outage_gap_seconds=(0.2, 1.0),
    stops_everything=False,
    sees_all_complaints=False,
)
SHOWN = (
    *("seed", "kills", "kills_elsewhere", "stopped_and_woken", "targets", "published", "albums"),
    *("duplicates", "lost", "moved_on_unknown", "altered_paid_as_stayed"),
    *("ever_uncertain", "unresolved"),
    "queued_behind_uncertain",
    *("resolved_without_person_share", "paid", "refunded", "cancelled", "recovery_s_max"),
    *("charges", "refunded_charges", "lost_amount", "charges_unlike_books"),
    *("stops_of_everything", "moved_while_stopped"),
    *("posts_taken_down", "killed_during_removals", "removals_unlike_channels"),
    "killed_during_complaints",
    *("complaints_without_end", "settled_despite_complaint", "parts_unlike_decisions"),
    *("invariant_violations", "scheduler_cpu_seconds", "seconds"),
)


async def run(folder: Path, size: chaos_run.Size) -> Json:
    """Run the chaos run, and return its figures and the recovery time."""
    begun = time.monotonic()
    figures, recovery_seconds = await asyncio.gather(
        chaos_run.run(folder / "chaos", size), recovery_time.measure(folder / "recovery")
    )
    figures["recovery_s_max"] = round(recovery_seconds, 1)
    figures["seconds"] = round(time.monotonic() - begun)
    return figures


def write(figures: Json, path: Path = RESULT) -> None:
    """Write the figures to a file of the folder `build`."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")


def table(figures: Json) -> str:
    """Format the figures as a table."""
    lines = [f"{name.replace('_', ' '):<32} {figures[name]}" for name in SHOWN]
    for title in (
        "killed_at",
        "outages",
        "send_faults",
        "broken_promises",
        "owners_answers",
        "refunded_money",
        "cancellations",
        "complaints",
        "examples",
        "examples_of_complaints",
        "broken_books",
    ):
        lines += ["", title.replace("_", " ")]
        lines += [f"  {name:<42} {value}" for name, value in figures.get(title, {}).items()]
    return "\n".join(lines)


def problems(figures: Json) -> list[str]:
    """Return one line for each problem in the figures."""
    lines = [f"{name}: {figures[name]}" for name in MUST_BE_ZERO if figures[name]]
    if figures["recovery_s_max"] > LONGEST_RECOVERY_SECONDS:
        lines.append(f"recovery_s_max: {figures['recovery_s_max']}")
    counts = {"stopped and woken": figures["stopped_and_woken"]} | figures["outages"]
    if figures["stops_of_everything"] is not None:
        counts["stop of everything"] = figures["stops_of_everything"]
    counts["album"] = figures["albums"]
    counts["removal of a post"] = figures["posts_taken_down"]
    counts["kill during a removal"] = figures["killed_during_removals"]
    counts |= figures["broken_promises"] | figures["owners_answers"] | figures["cancellations"]
    if figures["killed_during_complaints"] is not None:
        counts["kill at the end of a complaint's step"] = figures["killed_during_complaints"]
        counts |= {f"complaint {event}": n for event, n in figures["complaints"].items()}
    counts |= {f"refund of money {place}": n for place, n in figures["refunded_money"].items()}
    if figures["kills"] >= LONG_RUN_KILLS:
        counts |= figures["send_faults"]
        share = figures["resolved_without_person_share"]
        if share < LEAST_SHARE:
            lines.append(f"resolved_without_person_share: {share}")
    return lines + [f"never happened: {name}" for name, count in counts.items() if not count]


def main() -> int:
    """Run the command line, and return 1 if the figures show a problem."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--short", action="store_true", help="takes about two minutes")
    parser.add_argument("--server-faults", action="store_true", help="takes ten minutes, as root")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    size = chaos_run.Size(options.kills, seed, max(100, options.kills // 4), finish_seconds=600)
    if options.short:
        size = SHORT_RUN
    sys.stdout.write(f"seed {size.seed}\n")
    sys.stdout.flush()
    folder = Path(tempfile.mkdtemp(prefix="adtech-chaos-"))
    folder.chmod(0o711)  # PostgreSQL may have to run as another user
    try:
        if options.server_faults:
            lines = _cause_server_faults(folder, size.seed, is_short=options.short)
        else:
            lines = _kill(folder, size)
    except small_disk.CannotMountError as error:
        shutil.rmtree(folder)
        sys.stderr.write(f"a small disk is needed, and only root can mount it: {error}\n")
        return 2
    except BaseException:
        sys.stderr.write(f"the logs of this run are in {folder}\n")
        raise
    if lines:
        sys.stderr.write("\n".join([*lines, f"the logs of this run are in {folder}"]) + "\n")
        return 1
    shutil.rmtree(folder)
    return 0


def _kill(folder: Path, size: chaos_run.Size) -> list[str]:
    """Carry out a chaos run, show its figures, and return its problems."""
    figures = asyncio.run(run(folder, size))
    write(figures)
    sys.stdout.write(table(figures) + "\n")
    return problems(figures)


def _cause_server_faults(folder: Path, seed: int, *, is_short: bool) -> list[str]:
    """Let PostgreSQL refuse work, show the figures, and return the problems."""
    seconds = SHORT_FAULT_SECONDS if is_short else FAULT_SECONDS
    figures = asyncio.run(server_faults_run.run(folder, fault_seconds=seconds, seed=seed))
    write(figures, SERVER_FAULTS_RESULT)
    sys.stdout.write(server_faults_report.table(figures) + "\n")
    return server_faults_report.problems(figures)


if __name__ == "__main__":
    sys.exit(main())
