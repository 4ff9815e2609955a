"""Create complaints about published posts, and lead them to a status."""

from dataclasses import dataclass
from datetime import timedelta

from db.models.complaints import ComplaintKind
from db.models.posting import Verdict
from db.models.users import Role
from scheduler import settlements
from services.market import complaints
from services.money import escrow, wallets
from services.platform.actors import Actor
from services.posts import verification
from tests.conftest import Database
from tests.factories import one_post, people, rows
from tests.factories.people import Deal

START = 20_000
"""The money of an advertiser before the purchase, in minor units."""
DAY = timedelta(hours=24)
APPEAL = timedelta(hours=48)
STATUS = "SELECT status FROM complaints ORDER BY id DESC LIMIT 1"
OUTCOME = "SELECT outcome FROM complaints ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True)
class Complained:
    """A published placement with an open complaint."""

    database: Database
    made: Deal
    id: int

    @property
    def target_id(self) -> int:
        """The id of the placement."""
        return self.made.target.id

    async def answer(self) -> None:
        """Let the owner answer in words."""
        async with self.database.sessions.begin() as session:
            await complaints.answer(
                session, actor=self.made.owner, complaint_id=self.id, words="It is as agreed."
            )

    async def dispute(self) -> None:
        """Let the owner answer, and the advertiser ask the staff."""
        await self.answer()
        async with self.database.sessions.begin() as session:
            await complaints.dispute(session, actor=self.made.advertiser, complaint_id=self.id)

    async def decide(self, percent: int, who: Actor | None = None) -> None:
        """Let a new admin, or `who`, decide for a part of the owner in per cent."""
        async with self.database.sessions.begin() as session:
            await complaints.decide(
                session,
                actor=who or await people.staff(session),
                complaint_id=self.id,
                owner_percent=percent,
            )

    async def decide_appeal(self, percent: int) -> None:
        """Let a new super admin decide about the appeal."""
        async with self.database.sessions.begin() as session:
            head = await people.staff(session, Role.SUPER_ADMIN)
        await self.decide(percent, head)

    async def accept(self, *who: Actor) -> None:
        """Let sides accept the decision."""
        async with self.database.sessions.begin() as session:
            for side in who:
                await complaints.accept(session, actor=side, complaint_id=self.id)

    async def appeal(self, who: Actor) -> None:
        """Let a side appeal."""
        async with self.database.sessions.begin() as session:
            await complaints.appeal(session, actor=who, complaint_id=self.id)

    async def pass_time(self, by: timedelta) -> int:
        """Let time pass, and end the steps whose time is over. Return how many."""
        await self.database.forward(by)
        async with self.database.sessions.begin() as session:
            return await complaints.end_due(session, limit=9)

    async def republish(self, who: Actor | None = None) -> None:
        """Let the owner, or `who`, have the removed post published again."""
        async with self.database.sessions.begin() as session:
            await complaints.republish(session, actor=who or self.made.owner, complaint_id=self.id)

    async def publish(self, message_id: int = 11) -> None:
        """Publish the queued post."""
        async with self.database.sessions.begin() as session:
            claim = await people.claimed(session)
            assert await one_post.may_send(session, claim)
            assert await one_post.record_published(session, claim, message_id=message_id)

    async def one(self, query: str) -> object:
        """Return the only value of a query."""
        async with self.database.sessions.begin() as session:
            return await rows.one(session, query)

    async def release(self) -> None:
        """Release the escrow."""
        async with self.database.sessions.begin() as session:
            await escrow.release(session, target_id=self.target_id)

    async def settle(self) -> None:
        """Run the ticks of the releases and of the refunds."""
        await settlements.release_due(self.database.sessions)
        await settlements.refund_due(self.database.sessions)

    async def balances(self) -> tuple[int, int]:
        """Return the balances of the advertiser and of the owner."""
        async with self.database.sessions.begin() as session:
            sides = (self.made.advertiser, self.made.owner)
            both = [await wallets.of_user(session, side.user_id or 0) for side in sides]
            return both[0].balance, both[1].balance

    async def releasable(self) -> bool:
        """Return whether the tick of the releases would release the escrow."""
        async with self.database.sessions.begin() as session:
            return self.target_id in await escrow.list_releasable(session, limit=9)


async def published(
    database: Database, *, hours: int = 0, price: int = people.PRICE, fee_bps: int = people.FEE_BPS
) -> Deal:
    """Publish a post, which needs no check if its promised hours are 0."""
    async with database.sessions.begin() as session:
        return await people.posted(session, promised_hours=hours, price=price, fee_bps=fee_bps)


async def complain(
    database: Database, made: Deal, kind: ComplaintKind = ComplaintKind.WRONG
) -> Complained:
    """Let the advertiser complain about a published post."""
    async with database.sessions.begin() as session:
        words = "The link is dead." if kind is ComplaintKind.OTHER else None
        complaint_id = await complaints.open_complaint(
            session, actor=made.advertiser, target_id=made.target.id, kind=kind, words=words
        )
    return Complained(database, made, complaint_id)


async def complained(database: Database, **terms: int) -> Complained:
    """Publish a post, and let its advertiser complain."""
    return await complain(database, await published(database, **terms))


async def check(database: Database, verdict: Verdict) -> None:
    """Record a check of the only post."""
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await verification.record_check(session, job_id=job_id, verdict=verdict, evidence="x")


async def lose(database: Database) -> None:
    """Let two checks find that the only post is gone."""
    for _ in range(2):
        await check(database, Verdict.GONE)
        await database.forward(verification.RECHECK_INTERVAL + timedelta(seconds=1))
