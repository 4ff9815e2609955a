"""Claim rows of the inbox table for one process, and remember which rows it has."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from bot.admin_chat import AdminChat
from bot.context import database_errors
from db.models.operations import InboxUpdate
from db.session import Sessions
from services.platform import inbox, lanes

IN_FLIGHT = 200
"""The largest number of claimed rows that are not finished, without staff and queries."""
REFILL = 50
"""After a claim of all that may be claimed, this many rows end before the next claim of others.

The next claim then takes many. A read of the table after POLL_SECONDS does not wait for them.
"""
STAFF_IN_FLIGHT = 50
"""The largest number of claimed rows of the staff that are not finished."""
PRE_CHECKOUTS_IN_FLIGHT = 10
"""The largest number of claimed pre-checkout queries that are not finished."""
FACTS_SECONDS = 0.5
"""The staff's lanes and the admin chat's id are read again after this time, in seconds.

They are read at once when somebody who is not of the staff sends a command about kill switches.
This person may have become one of the staff a moment ago, and the next command may stop a switch.
"""


class InboxClaims:
    """The claimed rows of one process that are not finished."""

    def __init__(self, sessions: Sessions, admin_chat: AdminChat) -> None:
        self._sessions = sessions
        self._admin_chat = admin_chat
        self._lanes: dict[int, int] = {}
        """The lane of each claimed row, by its id."""
        self._read_facts_at = 0.0
        self._full_lanes: set[int] = set()
        self._is_full = False
        """Whether the last claim reached the limit of the staff's rows or of queries."""
        self._reached_limit = False
        """Whether the last claim reached the limit of the other rows."""
        self.staff_lanes: frozenset[int] = frozenset()
        """The lanes of the staff, or an empty set before the first claim."""

    def __bool__(self) -> bool:
        """Return whether any row is claimed."""
        return bool(self._lanes)

    def forget(self, ids: Iterable[int]) -> None:
        """Stop holding rows, so that they can be claimed again."""
        for row_id in ids:
            self._lanes.pop(row_id, None)

    def may_be_more(self, lane: int) -> bool:
        """Return whether a limit kept the last claim from rows that can be claimed now.

        `lane` is the lane that has just ended.
        """
        stopped_by_limit = self._reached_limit and not self._waits_for_ends
        return lane in self._full_lanes or self._is_full or stopped_by_limit

    def should_claim(self, arrived: Iterable[int]) -> bool:
        """Return whether to claim now, after updates of the lanes `arrived` were stored."""
        return not self._waits_for_ends or any(
            lane >= lanes.SWITCH_LANES or lane in self.staff_lanes for lane in arrived
        )

    @property
    def _waits_for_ends(self) -> bool:
        """Whether fewer than REFILL rows have ended since a claim that took all it may."""
        return self._reached_limit and len(self._lanes) > IN_FLIGHT - REFILL

    async def claim(self) -> Sequence[InboxUpdate]:
        """Claim open rows of the table. Raises DatabaseAwayError."""
        staff, queries, others = self._count()
        counts = Counter(self._lanes.values())
        full_lanes = [lane for lane, count in counts.items() if count >= inbox.PER_LANE]
        rows: list[InboxUpdate] = []
        async with database_errors(), self._sessions.begin() as session:
            await self._read_slow_facts(session)
            waiting = await inbox.find_waiting(session, self.staff_lanes)
            if waiting.staff and staff < STAFF_IN_FLIGHT:
                rows += await inbox.claim_of_staff(
                    session,
                    limit=STAFF_IN_FLIGHT - staff,
                    exclude=self._lanes,
                    full_lanes=full_lanes,
                    staff=self.staff_lanes,
                )
            if waiting.pre_checkouts and queries < PRE_CHECKOUTS_IN_FLIGHT:
                rows += await inbox.claim_pre_checkouts(
                    session, limit=PRE_CHECKOUTS_IN_FLIGHT - queries, exclude=self._lanes
                )
            if others < IN_FLIGHT:
                rows += await inbox.claim(
                    session,
                    limit=IN_FLIGHT - others,
                    exclude=[*self._lanes, *(row.id for row in rows)],
                    full_lanes=[*full_lanes, *{row.lane for row in rows}],
                )
            if any(self._may_be_new_staff(row.lane) for row in rows):
                await self._read_staff(session)
        self._lanes |= {row.id: row.lane for row in rows}
        self._note_limits()
        return rows

    def _count(self) -> tuple[int, int, int]:
        """Return the numbers of claimed rows of the staff, of payers' queries, and of others."""
        staff = sum(lane in self.staff_lanes for lane in self._lanes.values())
        queries = sum(lane >= lanes.PRE_CHECKOUT_LANES for lane in self._lanes.values())
        return staff, queries, len(self._lanes) - staff - queries

    def _note_limits(self) -> None:
        staff, queries, others = self._count()
        self._is_full = staff >= STAFF_IN_FLIGHT or queries >= PRE_CHECKOUTS_IN_FLIGHT
        self._reached_limit = others >= IN_FLIGHT
        self._full_lanes = {
            lane
            for lane, count in Counter(self._lanes.values()).items()
            # A claim takes one query of each payer.
            if count >= inbox.PER_LANE or lane >= lanes.PRE_CHECKOUT_LANES
        }

    async def _read_slow_facts(self, session: AsyncSession) -> None:
        """Read what changes rarely, unless it was read less than FACTS_SECONDS ago."""
        if time.monotonic() < self._read_facts_at:
            return
        await self._read_staff(session)
        await inbox.park_exhausted(session, exclude=self._lanes)
        self._read_facts_at = time.monotonic() + FACTS_SECONDS

    def _may_be_new_staff(self, lane: int) -> bool:
        """Return whether a lane is that of switches, of somebody who is not known as staff."""
        is_of_switches = lanes.SWITCH_LANES <= lane < lanes.PRE_CHECKOUT_LANES
        return is_of_switches and lane not in self.staff_lanes

    async def _read_staff(self, session: AsyncSession) -> None:
        """Read the admin chat's id and the staff's lanes."""
        await self._admin_chat.refresh(session)
        self.staff_lanes = await lanes.staff_lanes(
            session, self._admin_chat.id, *self._admin_chat.unconfirmed_ids
        )
