"""People: who they are to us, their roles, and what their wallets hold."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role, User, UserRole
from services.platform import errors

LANGUAGES = ("en", "ru")
DEFAULT_LANGUAGE = "en"


def known_language(code: str | None) -> str:
    """Return the language to speak for Telegram's code; English where we lack it."""
    short = (code or "").split("-")[0].lower()
    return short if short in LANGUAGES else DEFAULT_LANGUAGE


async def by_telegram_id(session: AsyncSession, telegram_id: int) -> User | None:
    """Return the user of a Telegram id, or None."""
    user: User | None = await session.scalar(select(User).where(User.telegram_id == telegram_id))
    return user


async def get(session: AsyncSession, user_id: int) -> User:
    """Return a user. Raises NotFound."""
    user = await session.get(User, user_id)
    if user is None:
        raise errors.NotFound("user", user_id)
    return user


async def read(session: AsyncSession, user_ids: Iterable[int]) -> dict[int, User]:
    """Return users by their ids; unknown ids are left out."""
    found = await session.scalars(select(User).where(User.id.in_(set(user_ids))))
    return {user.id: user for user in found}


async def choose_language(session: AsyncSession, *, user_id: int, language: str) -> None:
    """Keep the language that a person picked. Raises NotFound for one that we do not speak."""
    if language not in LANGUAGES:
        raise errors.NotFound("language", language)
    await session.execute(
        update(User).where(User.id == user_id).values(language=language, language_chosen=True)
    )


async def set_time_zone(session: AsyncSession, *, user_id: int, time_zone: str) -> None:
    """Keep a person's time zone by its IANA name. Raises NotFound for an unknown one."""
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise errors.NotFound("time_zone", time_zone) from error
    await session.execute(update(User).where(User.id == user_id).values(time_zone=time_zone))


async def roles(session: AsyncSession, user_id: int) -> frozenset[Role]:
    """Return a user's staff roles."""
    return frozenset(
        await session.scalars(select(UserRole.role).where(UserRole.user_id == user_id))
    )


async def first_blocked(session: AsyncSession, *user_ids: int) -> int | None:
    """Return one of these users who is blocked, or None."""
    blocked: int | None = await session.scalar(
        select(User.id).where(User.id.in_(user_ids), User.blocked).limit(1)
    )
    return blocked
