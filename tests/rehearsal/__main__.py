"""Rehearse a release: replace the old processes by the new ones while people use the product.

The old release is the last tag; what it is without a tag, tests/rehearsal/old_release.py says. The
new release is this folder. Both run the processes of deploy/compose.yml with their settings, but
without containers. The walk is done twice, with long polling and with a webhook. Its steps are:

1. two bots and two schedulers of the old release run, and people buy an ad
2. a backup is made, and `adtech predeploy` allows the release
3. the schema is migrated while the old release runs
4. the new processes start beside the old ones, and then the old ones stop gently
5. smoke test: testers buy one ad, from the first message to the payment, and are cleaned up after
6. roll-back: the old processes start again, and the new ones stop; the schema stays

The exit status is 1 if an update is lost, a post is published twice or not at all, a process does
not stop in time, or a step fails.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import binaries, processes
from sandbox.demo.books import DemoDatabase
from sandbox.demo.errors import Unexpected
from sandbox.demo.people import Control, Person
from sandbox.demo.scenario import Scenario
from tests.rehearsal import balancer, installation, old_release
from tests.rehearsal.installation import ROOT, Installation
from tests.rehearsal.old_release import OldRelease
from tests.rehearsal.release import Release
from tests.rehearsal.traffic import Traffic

MODES = {"long polling": False, "webhook": True}
"""The two ways in which updates arrive. The value is true for the webhook."""
_REVISION = "SELECT max(version_num) FROM alembic_version"
_SETTLED_SECONDS = 60.0
_SURE = "✅ Yes, confirm it"


@contextmanager
def step(title: str) -> Iterator[list[str]]:
    """Print the title of a step, its duration, and the notes that the block adds."""
    notes: list[str] = []
    began = time.monotonic()
    yield notes
    print(f"  {time.monotonic() - began:6.1f} s  {title}", *notes, sep="  ", flush=True)


class UnusableError(Exception):
    """The old release does not work before anything of the new one has begun."""


async def use_alone(old: Release, traffic: Traffic, *, webhook: bool) -> None:
    """Start the old release, and let people buy an ad.

    Raises UnusableError if the old release does not work by itself.
    """
    try:
        with step("two bots and two schedulers of the old release work"):
            await old.start(webhook=webhook)
        with step("people buy an ad, which the old release publishes"):
            await traffic.advertise()
        # After a new table, `adtech predeploy` relies on the last check of the old release.
        with step("the old release checks the ledger"):
            await traffic.database.until(
                "SELECT count(*) AS n FROM ledger_checkpoints",
                so=lambda row: bool(row["n"]),
                expected="the old release checks the ledger",
            )
    except Unexpected as error:
        raise UnusableError(str(error)) from error


async def walk(old: Release, new: Release, traffic: Traffic, *, webhook: bool) -> None:
    """Walk the release and its roll-back with one way of receiving updates.

    The processes of the old release run at the beginning, and nothing runs at the end. Raises
    Unexpected if a step fails.
    """
    async with traffic.visitors():
        async with asyncio.TaskGroup() as at_once:
            at_once.create_task(traffic.advertise())
            await _pass_gate(new)
            with step("new beside old"):
                await new.start(webhook=webhook)
            with step("the old processes stop") as notes:
                await _drain(old, notes)
        with step("smoke test of the new release: testers buy an ad, which is paid for") as notes:
            notes.append(await _smoke_test(new, traffic))
        before = await old.installation.value(_REVISION)
        async with asyncio.TaskGroup() as at_once:
            at_once.create_task(traffic.advertise())
            with step("roll-back: old beside new"):
                await old.start(webhook=webhook)
            with step("roll-back: the new processes stop") as notes:
                await _drain(new, notes)
        if await old.installation.value(_REVISION) != before:
            raise Unexpected(f"the roll-back leaves the schema at {before}", "another revision")
    with step("the old processes stop") as notes:
        await _finish(old, traffic)
        await _drain(old, notes)


async def _pass_gate(new: Release) -> None:
    """Make a backup, let `adtech predeploy` of the new release check everything, and migrate."""
    here = new.installation
    owner = here.facts["migration_database_url"]
    dump = here.folder / "backup.dump"
    with step("backup"):
        child = processes.spawn(
            [binaries.postgres("pg_dump"), "--format=custom", f"--file={dump}", owner],
            name="pg_dump",
            cwd=here.folder,
            env={"PATH": os.defpath},
            log=here.folder / "pg_dump.log",
        )
        if await child.wait(installation.START_SECONDS) != 0:
            raise Unexpected("a backup", processes.last_line(here.folder / "pg_dump.log"))
    with step("gate: adtech predeploy") as notes:
        owner_setting = {"MIGRATION_DATABASE_URL": owner}
        gate = ("predeploy", "--backup", str(dump))
        notes.append(
            (await new.run_once("adtech", *gate, environment=owner_setting)).splitlines()[-1]
        )
    with step("the schema is migrated while the old release runs") as notes:
        await new.run_once("migrate", environment=owner_setting)
        notes.append(f"revision {await here.value(_REVISION)}")


async def _smoke_test(new: Release, traffic: Traffic) -> str:
    """Let testers use the new release, clean up after them, and return what became of the money."""
    tenant = await traffic.advertise(until_paid=True)
    people = tenant.participants
    for person in (people.advertiser, people.owner):
        await _request(new, tenant, "mark", person.id)
    since = await people.admin_chat.version()
    await _request(new, tenant, "clean-up", people.advertiser.id)
    second = Person(traffic.control, traffic.installation.facts["people"]["second_admin"])
    card = await people.admin_chat.shows("✅ Confirm", since=since)
    question = "Then this happens at once"
    await second.press("✅ Confirm", on=card, then=question, chat=people.admin_chat)
    await second.press(_SURE, then="Done by", chat=people.admin_chat)
    row = await traffic.database.row(
        "SELECT w.status, w.amount FROM withdrawals w JOIN users u ON u.id = w.user_id"
        " WHERE u.telegram_id = $1",
        people.advertiser.id,
    )
    if row["status"] != "requested":
        raise Unexpected("a requested withdrawal of the tester", str(row))
    return f"a withdrawal of {row['amount']} is requested for the tester"


async def _request(new: Release, tenant: Scenario, act: str, person: int) -> None:
    """Request an act of `adtech testers` in the name of the admin, who then says "That was me"."""
    people = tenant.participants
    since = await people.admin_chat.version()
    words = ("testers", act, str(person), "smoke test", "--as", str(people.admin.id))
    await new.run_once("adtech", *words, environment={})
    card = await people.admin_chat.shows("✅ That was me", since=since)
    await people.admin.press("✅ That was me", on=card, then="Request #", chat=people.admin_chat)


async def _drain(release: Release, notes: list[str]) -> None:
    before = len(release.drains)
    await release.drain()
    notes.append(f"the slowest took {max(release.drains[before:]):.1f} s")


async def _finish(old: Release, traffic: Traffic) -> None:
    """Wait until every update has been handled, before the last processes stop."""
    deadline = time.monotonic() + _SETTLED_SECONDS
    while time.monotonic() < deadline:
        waiting = await old.installation.value("SELECT count(*) FROM inbox WHERE done_at IS NULL")
        if not waiting and not await traffic.waiting_updates():
            return
        await asyncio.sleep(0.2)


async def with_first_usable(
    candidates: Iterable[OldRelease], attempt: Callable[[OldRelease], Awaitable[list[str]]]
) -> list[str]:
    """Rehearse from the first old release that works by itself, and return the problems.

    Only a commit that was never released is passed over.
    """
    for candidate in candidates:
        try:
            return await attempt(candidate)
        except UnusableError as error:
            if candidate.was_released or candidate.is_this_commit:
                return [f"the old release does not work by itself: {error}"]
            print(f"{candidate.commit} does not work by itself, so it is no release: {error}")
    return ["there is no old release"]


async def rehearse(folder: Path) -> list[str]:
    """Walk a release in every mode, and return a sentence for each problem."""
    return await with_first_usable(
        old_release.candidates(ROOT),
        lambda candidate: _rehearse_from(candidate, folder / candidate.commit),
    )


async def _rehearse_from(candidate: OldRelease, folder: Path) -> list[str]:
    folder.mkdir(mode=0o711)  # noqa: ASYNC240 - a local folder
    with step("check out the old release") as notes:
        notes.append(f"{candidate.commit}: {candidate.why}")
        await asyncio.to_thread(old_release.check_out, candidate, folder / "old", ROOT)
    async with balancer.serve(folder) as proxy:
        with step("start PostgreSQL, Valkey and Telegram"):
            servers = installation.run(folder, folder / "old", proxy)
            try:
                here = await servers.__aenter__()
            except Unexpected as error:
                raise UnusableError(str(error)) from error
        try:
            return await _walk_all(here, folder / "old")
        finally:
            await servers.__aexit__(None, None, None)


async def _walk_all(here: Installation, old_tree: Path) -> list[str]:
    old, new = Release("old", old_tree, here), Release("new", ROOT, here)
    control = Control.of(here.facts)
    try:
        async with control.session:
            traffic = Traffic(here, control, DemoDatabase(here.facts["database_url"]))
            for mode, webhook in MODES.items():
                print(mode, flush=True)
                await use_alone(old, traffic, webhook=webhook)
                await walk(old, new, traffic, webhook=webhook)
            print(
                f"{traffic.answered} messages of visitors were answered, {len(traffic.tenants)} ads"
                f" were published; the balancer passed {here.balancer.passed_on} updates on,"
                f" and refused {here.balancer.refused}"
            )
            return await traffic.find_problems()
    finally:
        await old.kill()
        await new.kill()


def main() -> int:
    """Run the command line, and return 1 if the rehearsal found a problem."""
    parser = argparse.ArgumentParser(prog="make rehearse-deploy", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the folder with data and logs")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="adtech-release-"))
    folder.chmod(0o711)  # PostgreSQL may have to run as another user
    began = time.monotonic()
    try:
        problems = asyncio.run(rehearse(folder))
    except* Unexpected as errors:
        problems = [str(error) for error in _leaves(errors)]
    keep = options.keep or bool(problems)
    if keep:
        print(f"data and logs: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    for problem in problems:
        print(f"PROBLEM: {problem}", file=sys.stderr)
    if problems:
        return 1
    print(f"no update was lost, and no post was published twice; {time.monotonic() - began:.0f} s")
    return 0


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


if __name__ == "__main__":
    sys.exit(main())
