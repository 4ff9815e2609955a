"""Register users and open their wallets."""

from collections.abc import Iterable

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.money import WalletKind
from db.models.users import Role, User, UserRole
from services.money import ledger
from services.platform import users


async def register(
    session: AsyncSession, *, telegram_id: int, language: str | None, currency: str
) -> User:
    """Return the user of a Telegram id; create the user and their wallets if there is no such user.

    `language` is the language code of the user's Telegram. If the user has not chosen a language,
    this language is stored.
    """
    user = await users.by_telegram_id(session, telegram_id)
    known_language = users.known_language(language)
    if user is None:
        await session.execute(
            insert(User)
            .values(telegram_id=telegram_id, language=known_language)
            .on_conflict_do_nothing(index_elements=["telegram_id"])
        )
        user = queries.required(await users.by_telegram_id(session, telegram_id))
        await ledger.open_wallet(session, WalletKind.USER, currency=currency, user_id=user.id)
        await ledger.open_wallet(
            session, WalletKind.EXTERNAL, currency=currency, counterparty_id=user.id
        )
    elif language is not None and not user.language_chosen and user.language != known_language:
        user.language = known_language
        await session.flush()
    return user


async def ensure_super_admins(
    session: AsyncSession, *, telegram_ids: Iterable[int], currency: str
) -> None:
    """Register the first super admins and grant them the role, if they do not have it yet."""
    for telegram_id in telegram_ids:
        user = await register(session, telegram_id=telegram_id, language=None, currency=currency)
        await session.execute(
            insert(UserRole)
            .values(user_id=user.id, role=Role.SUPER_ADMIN)
            .on_conflict_do_nothing(index_elements=["user_id", "role"])
        )
