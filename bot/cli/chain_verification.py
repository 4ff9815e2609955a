"""Compare the ledger with the audit chain (digests of ranges) and with the chain's copies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import Progress as Bar
from sqlalchemy.ext.asyncio import AsyncSession

from bot.cli.tables import err
from db.session import Sessions
from services.money import audit_chain, audit_chain_file
from services.money.audit_chain import ChainLink

LINKS_PER_QUERY = 500


@dataclass
class Result:
    """The result of a comparison, in sentences for a person."""

    findings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """The problems. There is none if fresh copies outside the database agree with the ledger."""


async def verify(sessions: Sessions, path: Path | None, digests: Sequence[str]) -> Result:
    """Compute all links of the audit chain again, and compare them with the copies.

    `path` is the file of the chain, or None. `digests` are digests from the admin chat. Only copies
    outside the database prove something: a person who can rewrite the ledger can also rewrite the
    links in the database.
    """
    result = Result()
    in_file = _read(path, result) if path else None
    chain = _VerifiedChain(wanted={digest.strip().lower() for digest in digests})
    problem = await _compare(sessions, chain, in_file or ())
    if problem:
        result.problems.append(problem)
        return result
    if chain.last is None:
        result.findings.append("The audit chain has no link yet.")
    else:
        result.findings.append(
            f"All links in the database fit the ledger, {chain.last.number} in all:"
            f" {chain.last.digest}."
        )
    async with sessions.begin() as session:
        for fault in await audit_chain.find_faults(session):
            result.problems.append(f"{fault.meaning.capitalize()}.")
        if in_file is not None:
            await _judge_file(session, result, in_file, chain.last)
        for digest in sorted(chain.wanted):
            await _judge_digest(session, result, chain, digest)
    if not path and not digests and chain.last:
        result.problems.append(
            "Nothing from outside the database was compared. Somebody who has rewritten the ledger"
            " can have rewritten the links in the database too. Give the file of the audit chain"
            " (--file or AUDIT_CHAIN_FILE), or the digest of the newest message about the audit"
            " chain in the admin chat (--digest)."
        )
    return result


def _read(path: Path, result: Result) -> list[ChainLink] | None:
    try:
        return audit_chain_file.read(path)
    except (audit_chain_file.AuditChainFileError, OSError) as error:
        result.problems.append(
            f"The audit chain's file cannot be used: {error}. Take it back from its backup."
            " Until then, compare the digest of the newest message in the admin chat (--digest)."
        )
        return None


async def _compare(
    sessions: Sessions, chain: "_VerifiedChain", in_file: Sequence[ChainLink]
) -> str | None:
    """Compute the links of the file and of the database again, and return the first problem."""
    with Bar(console=err, disable=not err.is_for_a_person) as bar:
        task = bar.add_task("links", total=max(len(in_file), 1))
        for expected in in_file:
            async with sessions.begin() as session:
                if problem := await chain.extend(session, expected):
                    return problem
                stored = await audit_chain.links_after(session, expected.number - 1, limit=1)
            if stored[:1] != [expected]:
                return f"Link {expected.number} of the database is not the one in the file."
            bar.update(task, advance=1)
        while True:
            number = chain.last.number if chain.last else 0
            async with sessions.begin() as session:
                stored = await audit_chain.links_after(session, number, limit=LINKS_PER_QUERY)
            if not stored:
                return None
            bar.update(task, total=number + len(stored), completed=number)
            for expected in stored:
                async with sessions.begin() as session:
                    if problem := await chain.extend(session, expected):
                        return problem
                bar.update(task, advance=1)


async def _judge_file(
    session: AsyncSession, result: Result, in_file: Sequence[ChainLink], last: ChainLink | None
) -> None:
    copied = in_file[-1] if in_file else None
    if last is None:
        return
    result.findings.append(await _coverage(session, "The file", copied, last))
    if copied is None:
        result.problems.append(
            "The file is empty, so nothing from outside the database was compared with it. Take"
            " the file back from its backup, and compare the digest of the newest message in the"
            " admin chat (--digest)."
        )
    elif oldest := await audit_chain.oldest_uncovered(session, copied, audit_chain.LATE):
        result.problems.append(
            f"The file is cut or old: it does not cover an entry of {_time(oldest)}. Use the newest"
            " copy of the file. If there is no newer one, somebody has shortened it: compare the"
            " digest of the newest message in the admin chat (--digest)."
        )


async def _judge_digest(
    session: AsyncSession, result: Result, chain: "_VerifiedChain", digest: str
) -> None:
    link = chain.found.get(digest)
    if link is None or chain.last is None:
        result.problems.append(
            f"No link has the digest {digest}. Copy the whole digest from the message. If it is"
            " right, somebody has rewritten the ledger: stop the money (/killswitch)."
        )
        return
    result.findings.append(await _coverage(session, f"The digest {digest}", link, chain.last))
    allowed = audit_chain.BETWEEN_MESSAGES + audit_chain.LATE
    if oldest := await audit_chain.oldest_uncovered(session, link, allowed):
        result.problems.append(
            f"The digest is old: it does not cover an entry of {_time(oldest)}. Use the newest"
            " message about the audit chain in the admin chat. One is sent each day (UTC)."
        )


async def _coverage(
    session: AsyncSession, copy: str, copied: ChainLink | None, last: ChainLink
) -> str:
    if copied is None:
        return f"{copy} covers 0 of {last.number} links."
    text = f"{copy} covers {copied.number} of {last.number} links"
    if entry := await audit_chain.last_covered(session, copied):
        text += f", up to transfer {entry.transfer_id} of {_time(entry.created_at)}"
    return f"{text}."


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@dataclass
class _VerifiedChain:
    """The links of the audit chain that were compared and are correct."""

    wanted: set[str]
    """The digests from the admin chat."""
    found: dict[str, ChainLink] = field(default_factory=dict)
    """The correct links that have one of the `wanted` digests."""
    last: ChainLink | None = None
    covers_terms: bool = False
    """True if a compared link covers the price and the promised hours of placements.

    Links made before revision 0009 do not cover these terms.
    """

    async def extend(self, session: AsyncSession, expected: ChainLink) -> str | None:
        """Compute the next link, and return its difference from `expected` or None."""
        computed = await audit_chain.compute(session, self.last, expected.upto_txn)
        if expected == computed.link:
            self.covers_terms = True
        elif self.covers_terms or expected != computed.without_terms:
            return self._describe(computed.link, expected)
        self.last = expected
        if expected.digest in self.wanted:
            self.found[expected.digest] = expected
        return None

    def _describe(self, computed: ChainLink, expected: ChainLink) -> str:
        if (computed.number, computed.from_txn) != (expected.number, expected.from_txn):
            return f"Link {expected.number} does not follow the one before it."
        first = "the beginning" if self.last is None else computed.from_txn
        return (
            f"Link {expected.number} is broken: transactions from {first} up to"
            f" {computed.upto_txn}, {expected.entries} entries when it was made,"
            f" {computed.entries} now."
        )
