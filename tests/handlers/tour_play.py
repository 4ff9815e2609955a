"""Let a scene of a tour press buttons and let time pass, with a scheduler that does its work."""

from datetime import timedelta

from scheduler import post_checks, removals, settlements, watchdogs
from services.market import complaints
from tests.handlers.marketplace import Marketplace
from tests.handlers.tour_record import Record
from tests.scheduler.scene import Scene

CHECK_NOW = """
    UPDATE post_jobs SET next_check_at = clock()
    FROM escrows
    WHERE escrows.campaign_target_id = post_jobs.campaign_target_id
        AND escrows.status = 'held' AND message_id IS NOT NULL
"""
"""Checks are planned at random times. Here, each run of the work checks every live post."""
GATHERED_NOW = "UPDATE outbox SET due_at = now() WHERE status = 'queued'"
"""Some messages wait for a minute, so that one message names several posts."""


class Play:
    """The acts of a scene that all scenes have."""

    def __init__(self, market: Marketplace, record: Record) -> None:
        """Play in this running bot, and write into this record."""
        self.market, self.record = market, record
        self.scheduler = Scene(market.database, "", market.world)

    async def press(self, who: str, *labels: str, where: str | None = None) -> None:
        """Let a person press buttons, one after the other."""
        for label in labels:
            await self.record.press(who, label, where)

    async def tick(
        self, what: str, *, hours: int = 0, step: int = 1, in_order: bool = True
    ) -> None:
        """Let hours pass, and do the due work of the scheduler every `step` hours.

        `in_order` is False if several posts are sent at once, so that the messages about them come
        in any order.
        """

        async def pass_hours() -> None:
            await self.work()
            for _ in range(0, hours, step):
                await self.market.database.forward(timedelta(hours=step))
                await self.work()

        await self.record.run(f"*{what}*", pass_hours, in_order=in_order)

    async def work(self) -> None:
        """Do the due work of the scheduler once, and check every live post."""
        # Days pass within a minute here, and Telegram's limits count real minutes: the limits of a
        # new worker have counted nothing.
        worker = self.scheduler.posting_worker()
        sessions = worker.sessions
        await self.market.database.as_owner(CHECK_NOW)
        await watchdogs.queue_cards(sessions)
        await self.scheduler.dispatch(worker)
        await post_checks.check_due_posts(sessions, worker.sender, worker.limiter, worker.stopping)
        await watchdogs.end_complaint_steps(sessions, complaints.STAFF_TIME)
        await settlements.release_due(sessions)
        await settlements.refund_due(sessions)
        await removals.remove_due_posts(worker)
        await self.market.database.as_owner(GATHERED_NOW)

    async def close(self) -> None:
        """Close the connections of the scheduler's workers."""
        for close in self.scheduler.closing:
            await close()
