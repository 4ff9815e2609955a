"""Lock the person who gets the money of a withdrawal, and check that the person may get it."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import User
from services.money import wallets
from services.platform import errors


async def lock(session: AsyncSession, user_id: int) -> User:
    """Lock a person (shared) and return the person."""
    found = await session.execute(
        select(User)
        .where(User.id == user_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    return found.scalar_one()


async def require_payable(session: AsyncSession, person: User) -> None:
    """Refuse to pay a person who is blocked or owes money to the platform.

    The caller must have locked the person. Raises PersonBlocked, OpenLoss.
    """
    if person.blocked:
        raise errors.PersonBlocked(person.id)
    await wallets.require_no_loss(session, person.id)
