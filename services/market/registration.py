"""Register users and open their wallets."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.money import WalletKind
from db.models.users import User
from services.money import ledger
from services.platform import roles, users


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
        # A lock of the person's row must not delay the person: the next update stores the language.
        free = select(User.id).where(User.id == user.id).with_for_update(skip_locked=True)
        if await session.scalar(free) is not None:
            user.language = known_language
            await session.flush()
    return user


async def ensure_super_admins(
    session: AsyncSession, *, telegram_ids: Iterable[int], currency: str
) -> None:
    """Register the people of SUPER_ADMIN_IDS, and make the super admins equal to that list.

    `roles.reconcile_super_admins` says which roles change and who is notified.
    """
    people = [
        await register(session, telegram_id=telegram_id, language=None, currency=currency)
        for telegram_id in telegram_ids
    ]
    await roles.reconcile_super_admins(session, [user.id for user in people])
