"""Read and change users, and read their roles and blocks."""

from collections.abc import Collection, Iterable, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import ARRAY, BigInteger, Text, any_, bindparam, cast, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role, User, UserRole
from services.platform import errors

LANGUAGES = ("en", "ru")
DEFAULT_LANGUAGE = "en"

_WITH_ROLES = select(
    User,
    func.array(
        select(cast(UserRole.role, Text))
        .where(UserRole.user_id == User.id, User.blocked.is_(False))
        .correlate(User)
        .scalar_subquery(),
        type_=ARRAY(Text),
    ),
).where(User.telegram_id == any_(bindparam("telegram_ids", type_=ARRAY(BigInteger))))


def known_language(code: str | None) -> str:
    """Return the supported language for Telegram's language code, or "en" if there is none."""
    language = (code or "").split("-")[0].lower()
    return language if language in LANGUAGES else DEFAULT_LANGUAGE


async def by_telegram_id(session: AsyncSession, telegram_id: int) -> User | None:
    """Return the user with this Telegram id, or None if there is no such user."""
    user: User | None = await session.scalar(select(User).where(User.telegram_id == telegram_id))
    return user


async def find_with_roles(
    session: AsyncSession, telegram_ids: Collection[int]
) -> dict[int, tuple[User, frozenset[Role]]]:
    """Return the users with these Telegram ids and their staff roles, by Telegram id.

    A blocked user has no roles. Unknown ids are left out.
    """
    found = await session.execute(_WITH_ROLES, {"telegram_ids": list(telegram_ids)})
    return {user.telegram_id: (user, frozenset(map(Role, roles))) for user, roles in found}


async def telegram_ids(session: AsyncSession, user_ids: Collection[int]) -> dict[int, int]:
    """Return the Telegram ids of these users by user id. The result can be empty."""
    if not user_ids:
        return {}
    people = select(User.id, User.telegram_id).where(User.id.in_(user_ids))
    return {row.id: row.telegram_id for row in await session.execute(people)}


async def get(session: AsyncSession, user_id: int) -> User:
    """Return a user. Raises NotFound."""
    user = await session.get(User, user_id)
    if user is None:
        raise errors.NotFound("user", user_id)
    return user


async def get_many(session: AsyncSession, user_ids: Iterable[int]) -> dict[int, User]:
    """Return the users with these ids by id, without unknown ids."""
    rows = await session.scalars(select(User).where(User.id.in_(set(user_ids))))
    return {user.id: user for user in rows}


async def choose_language(session: AsyncSession, *, user_id: int, language: str) -> None:
    """Store the language that a person chose. Raises NotFound if `language` is not in LANGUAGES."""
    if language not in LANGUAGES:
        raise errors.NotFound("language", language)
    await session.execute(
        update(User).where(User.id == user_id).values(language=language, language_chosen=True)
    )


async def set_time_zone(session: AsyncSession, *, user_id: int, time_zone: str) -> None:
    """Store a person's time zone by its IANA name. Raises NotFound if the name is unknown."""
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise errors.NotFound("time_zone", time_zone) from error
    await session.execute(update(User).where(User.id == user_id).values(time_zone=time_zone))


async def roles(session: AsyncSession, user_id: int) -> frozenset[Role]:
    """Return a user's staff roles, or an empty set for a blocked user."""
    return frozenset(
        await session.scalars(
            select(UserRole.role)
            .join(User, User.id == UserRole.user_id)
            .where(UserRole.user_id == user_id, User.blocked.is_(False))
        )
    )


async def is_staff(session: AsyncSession, user_id: int) -> bool:
    """Return whether a user has a staff role, also if a block has ended its effect."""
    role_id = await session.scalar(select(UserRole.id).where(UserRole.user_id == user_id).limit(1))
    return role_id is not None


async def list_with_role(session: AsyncSession, role: Role) -> Sequence[User]:
    """Return the people with a staff role, without blocked people, in the order of their ids."""
    people = await session.scalars(
        select(User)
        .join(UserRole, UserRole.user_id == User.id)
        .where(UserRole.role == role, User.blocked.is_(False))
        .order_by(User.id)
    )
    return people.all()


async def language_of_staff(session: AsyncSession) -> str:
    """Return the language that everybody with a staff role reads, or "en" if they differ."""
    languages = await session.scalars(
        select(User.language)
        .join(UserRole, UserRole.user_id == User.id)
        .where(User.blocked.is_(False))
        .distinct()
    )
    found = languages.all()
    return found[0] if len(found) == 1 else DEFAULT_LANGUAGE


async def first_blocked(session: AsyncSession, *user_ids: int) -> int | None:
    """Return the id of a blocked user among `user_ids`, or None."""
    blocked: int | None = await session.scalar(
        select(User.id).where(User.id.in_(user_ids), User.blocked).limit(1)
    )
    return blocked
