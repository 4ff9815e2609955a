"""Register users and open their wallets."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.money import WalletKind
from db.models.users import User
from services.money import ledger
from services.platform import users


async def register(
    session: AsyncSession, *, telegram_id: int, language: str | None, currency: str
) -> User:
    """Return the user with a Telegram id, and create a missing user with wallets.

    `language` comes from the user's Telegram app and never replaces a language that the user chose.
    `currency` is for new wallets.
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
        # A lock of the person's row must not delay the person: the next update stores the language.
        free = select(User.id).where(User.id == user.id).with_for_update(skip_locked=True)
        if await session.scalar(free) is not None:
            user.language = known_language
            await session.flush()
    return user


async def register_all(
    session: AsyncSession, *, telegram_ids: Iterable[int], currency: str
) -> list[int]:
    """Register people by their Telegram ids, and return their user ids in the same order."""
    people = [
        await register(session, telegram_id=telegram_id, language=None, currency=currency)
        for telegram_id in telegram_ids
    ]
    return [user.id for user in people]
