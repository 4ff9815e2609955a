"""Test what `adtech verify-ledger` says about copies of the audit chain."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bot.screens import notices
from bot.texts import Texts
from scheduler import audit_chain_tick as tick
from services.money import audit_chain
from tests.conftest import Database
from tests.factories import audit_chain as chain
from tests.factories import breakage, people, rows
from tests.shell import Shell, shell_of

_LATER = timedelta(minutes=11)


@pytest.fixture
async def shell(chained_database: Database) -> Shell:
    return shell_of(chained_database)


@pytest.fixture
async def copy(chained_database: Database, tmp_path: Path) -> Path:
    """Return the complete file of a chain with three links."""
    path = tmp_path / "links.jsonl"
    await tick.extend_audit_chain(chained_database.sessions, path)
    return path


def _lines(path: Path) -> list[bytes]:
    """Return the lines after the first one, which is the name of the file."""
    return path.read_bytes().splitlines(keepends=True)[1:]


def _write(path: Path, lines: Sequence[bytes]) -> None:
    path.write_bytes(b"".join(lines))


async def _rewrite(database: Database) -> None:
    """Change the ledger, and compute its links in the database anew."""
    kept = await chain.links(database.sessions)
    await breakage.run_unguarded(
        database, *chain.REWRITES["an amount, with every balance that follows from it"]
    )
    async with database.sessions.begin() as session:
        second = (await audit_chain.compute(session, kept[0], kept[1].upto_txn)).link
        third = (await audit_chain.compute(session, second, kept[2].upto_txn)).link
    await breakage.run_unguarded(
        database,
        *(
            f"UPDATE audit_chain_links SET digest = '{link.digest}' WHERE number = {link.number}"
            for link in (second, third)
        ),
    )


async def test_the_command_says_how_much_a_complete_copy_covers(
    chained_database: Database, shell: Shell, copy: Path
) -> None:
    await chained_database.forward(_LATER)
    done = await shell.adtech("verify-ledger", "--file", str(copy))
    async with chained_database.sessions.begin() as session:
        last = "SELECT max(transfer_id) FROM ledger_entries"
        transfer = await rows.one(session, last)
    assert done.status == 0, done.err
    assert f"The file covers 3 of 3 links, up to transfer {transfer} of 20" in done.out


@pytest.mark.parametrize(
    ("left", "covers", "problem"),
    [
        (0, "covers 0 of 3 links.", "The file is empty"),
        (1, "covers 1 of 3 links, up to transfer", "The file is cut or old"),
        (2, "covers 2 of 3 links, up to transfer", "The file is cut or old"),
    ],
)
async def test_a_cut_copy_proves_nothing_about_what_it_does_not_cover(
    chained_database: Database, shell: Shell, copy: Path, left: int, covers: str, problem: str
) -> None:
    _write(copy, _lines(copy)[:left])
    if left < 2:
        await _rewrite(chained_database)
    await chained_database.forward(_LATER)
    done = await shell.adtech("verify-ledger", "--file", str(copy))
    assert (done.status, covers in done.out, problem in done.err) == (1, True, True), done.out
    assert "--digest" in done.err


async def test_a_copy_that_waits_for_the_next_tick_is_not_old(
    chained_database: Database, shell: Shell, copy: Path
) -> None:
    async with chained_database.sessions.begin() as session:
        await people.person(session, balance=100)
    assert await chain.extend(chained_database.sessions) is not None
    done = await shell.adtech("verify-ledger", "--file", str(copy))
    assert (done.status, "covers 3 of 4 links" in done.out) == (0, True), done.err


async def test_a_copy_of_another_chain_is_refused(shell: Shell, copy: Path) -> None:
    lines = _lines(copy)
    for content, problem in (
        ([lines[0], lines[0], *lines[1:]], "Link 1 does not follow the one before it"),
        ([lines[1], lines[0], lines[2]], "Link 2 does not follow the one before it"),
        (lines[1:], "Link 2 does not follow the one before it"),
        ([*lines[:2], lines[2].replace(b'"digest": "', b'"digest": "0')], "Link 3 is broken"),
        ([*lines, lines[2].replace(b'"number": 3', b'"number": 4')], "Link 4"),
    ):
        _write(copy, content)
        done = await shell.adtech("verify-ledger", "--file", str(copy))
        assert (done.status, problem in done.err) == (1, True), done.err
    _write(copy, [line.replace(b"\n", b"\r\n") for line in lines])
    assert (await shell.adtech("verify-ledger", "--file", str(copy))).status == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: path.write_bytes(b"nothing\n"),
        lambda path: path.write_bytes(b"[1]\n"),
        lambda path: path.write_bytes(b"\xff\n"),
    ],
    ids=["vanished", "a folder", "other text", "other JSON", "other bytes"],
)
async def test_a_file_that_cannot_be_read_is_a_failure_beside_a_digest_that_holds(
    chained_database: Database, shell: Shell, copy: Path, spoil: Callable[[Path], object]
) -> None:
    digest = (await chain.links(chained_database.sessions))[2].digest
    spoil(copy)
    done = await shell.adtech("verify-ledger", "--file", str(copy), "--digest", digest)
    assert (done.status, "file cannot be used" in done.err) == (1, True), done.err
    assert f"The digest {digest} covers 3 of 3 links" in done.out


async def test_the_message_in_the_chat_has_the_command_that_compares_it(
    chained_database: Database, shell: Shell
) -> None:
    await tick.extend_audit_chain(chained_database.sessions, None)
    async with chained_database.sessions.begin() as session:
        payload = await rows.one(
            session, "SELECT payload FROM outbox WHERE kind = 'audit_chain_extended'"
        )
    message = notices.audit_chain_extended(Texts("en", "USD"), payload["number"], payload["digest"])
    command = message.text.partition("adtech ")[2].split()
    sound = await shell.adtech(*command)
    assert (sound.status, "covers 3 of 3 links, up to transfer" in sound.out) == (0, True), (
        sound.err
    )
    await chained_database.forward(timedelta(hours=23))
    async with chained_database.sessions.begin() as session:
        await people.person(session, balance=100)
    assert await chain.extend(chained_database.sessions) is not None
    sound = await shell.adtech(*command)
    assert (sound.status, "covers 3 of 4 links, up to transfer" in sound.out) == (0, True), (
        sound.err
    )
    await chained_database.forward(timedelta(hours=25))
    old = await shell.adtech(*command)
    assert (old.status, "The digest is old" in old.err) == (1, True), old.err


async def test_a_rewritten_ledger_has_no_link_with_the_digest_of_the_chat(
    chained_database: Database, shell: Shell
) -> None:
    digest = (await chain.links(chained_database.sessions))[2].digest
    await _rewrite(chained_database)
    done = await shell.adtech("verify-ledger", "--digest", digest)
    assert (done.status, f"No link has the digest {digest}" in done.err) == (1, True), done.err


async def test_entries_without_a_link_and_links_of_the_future_are_problems(
    chained_database: Database, shell: Shell, copy: Path
) -> None:
    async with chained_database.sessions.begin() as session:
        await people.person(session, balance=100)
    await chained_database.forward(_LATER)
    late = await shell.adtech("verify-ledger", "--file", str(copy))
    assert (late.status, "no link of the audit chain covers them" in late.err) == (1, True)
    async with chained_database.sessions.begin() as session:
        ahead = await audit_chain.compute(
            session, await audit_chain.last_link(session), 9_000_000_000_000_000_000
        )
    await chained_database.as_owner(
        "INSERT INTO audit_chain_links (number, from_txn, upto_txn, entries, digest) VALUES"
        f" (4, {ahead.link.from_txn}, {ahead.link.upto_txn}, {ahead.link.entries},"
        f" '{ahead.link.digest}')"
    )
    done = await shell.adtech("verify-ledger", "--file", str(copy))
    assert (done.status, "transactions that have not ended" in done.err) == (1, True), done.err
