"""People: who they are to us, their roles, and what their wallets hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget
from db.models.money import Escrow, EscrowStatus, LedgerEntry, Wallet, WalletKind
from db.models.users import Role, User, UserRole
from services import errors, ledger

LANGUAGES = ("en", "ru")
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True)
class Balances:
    """What a person has. Minor units."""

    available: int
    held: int
    """In escrow for their campaigns."""
    currency: str
    leaving: int = 0
    """Asked for and not paid out yet."""


@dataclass(frozen=True)
class StatementLine:
    """One entry of a person's wallet, as the ledger has it."""

    at: datetime
    reason: str
    amount: int
    balance_after: int
    reference_id: int


def known_language(code: str | None) -> str:
    """Return the language to speak for Telegram's code; English where we lack it."""
    short = (code or "").split("-")[0].lower()
    return short if short in LANGUAGES else DEFAULT_LANGUAGE


async def register(
    session: AsyncSession, *, telegram_id: int, language: str | None, currency: str
) -> User:
    """Return the user of a Telegram id, made with their wallets on the first word they say.

    The language follows Telegram's until they choose one.
    """
    user = await by_telegram_id(session, telegram_id)
    spoken = known_language(language)
    if user is None:
        await session.execute(
            insert(User)
            .values(telegram_id=telegram_id, language=spoken)
            .on_conflict_do_nothing(index_elements=["telegram_id"])
        )
        user = queries.certain(await by_telegram_id(session, telegram_id))
        await ledger.open_wallet(session, WalletKind.USER, currency=currency, user_id=user.id)
        await ledger.open_wallet(
            session, WalletKind.EXTERNAL, currency=currency, counterparty_id=user.id
        )
    elif language is not None and not user.language_chosen and user.language != spoken:
        user.language = spoken
        await session.flush()
    return user


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


async def ensure_super_admins(
    session: AsyncSession, *, telegram_ids: Iterable[int], currency: str
) -> None:
    """Make the first super admins; a repeat changes nothing."""
    for telegram_id in telegram_ids:
        user = await register(session, telegram_id=telegram_id, language=None, currency=currency)
        await session.execute(
            insert(UserRole)
            .values(user_id=user.id, role=Role.SUPER_ADMIN)
            .on_conflict_do_nothing(index_elements=["user_id", "role"])
        )


async def foreign_currency(session: AsyncSession, currency: str) -> str | None:
    """Return a currency of existing wallets that is not the given one; start is refused then."""
    other: str | None = await session.scalar(
        select(Wallet.currency).where(Wallet.currency != currency).limit(1)
    )
    return other


async def balances(session: AsyncSession, user_id: int) -> Balances:
    """Return what a user can spend, what is held for their campaigns, and what is leaving."""
    wallet = await wallet_of(session, user_id)
    held = await session.scalar(
        select(func.coalesce(func.sum(Escrow.amount), 0))
        .join(CampaignTarget, CampaignTarget.id == Escrow.campaign_target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(Campaign.advertiser_id == user_id, Escrow.status == EscrowStatus.HELD)
    )
    leaving = await session.scalar(
        select(Wallet.balance).where(
            Wallet.user_id == user_id, Wallet.kind == WalletKind.WITHDRAWAL
        )
    )
    return Balances(wallet.balance, int(held or 0), wallet.currency, int(leaving or 0))


async def statement(
    session: AsyncSession, *, user_id: int, limit: int, offset: int
) -> Sequence[StatementLine]:
    """Return a page of the user's wallet, newest first."""
    rows = await session.execute(
        select(
            LedgerEntry.created_at,
            LedgerEntry.reason,
            LedgerEntry.amount,
            LedgerEntry.balance_after,
            LedgerEntry.reference_id,
        )
        .join(Wallet, Wallet.id == LedgerEntry.wallet_id)
        .where(Wallet.user_id == user_id, Wallet.kind == WalletKind.USER)
        .order_by(LedgerEntry.version.desc())
        .limit(limit)
        .offset(offset)
    )
    return [StatementLine(*row) for row in rows]


async def wallet_of(session: AsyncSession, user_id: int) -> Wallet:
    """Return a user's own wallet, read now. Raises NotFound."""
    wallet: Wallet | None = await session.scalar(
        select(Wallet)
        .where(Wallet.user_id == user_id, Wallet.kind == WalletKind.USER)
        .execution_options(populate_existing=True)
    )
    if wallet is None:
        raise errors.NotFound("wallet", user_id)
    return wallet


async def first_blocked(session: AsyncSession, *user_ids: int) -> int | None:
    """Return one of these users who is blocked, or None."""
    blocked: int | None = await session.scalar(
        select(User.id).where(User.id.in_(user_ids), User.blocked).limit(1)
    )
    return blocked
