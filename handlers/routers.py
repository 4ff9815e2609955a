"""Build the dispatcher with the routers of all handlers.

The first router with a handler takes an update. Only the forms' router uses Redis.
"""

from functools import cache

from aiogram import Dispatcher, Router
from aiogram.filters import ExceptionTypeFilter
from aiogram_dialog import setup_dialogs

from bot.flat_router import FlatRouter
from bot.matches import IN_PRIVATE_CHAT
from bot.middlewares import (
    ConfirmedAdminChatMiddleware,
    ContextMiddleware,
    HideInvisibleEndMiddleware,
    OwnButtonMiddleware,
    OwnWordsMiddleware,
    PrivateAdminChatMiddleware,
    ReceiptMiddleware,
    RestoreTextMiddleware,
)
from handlers import (
    admin_chat,
    buy_form,
    calendar,
    campaign_form,
    campaigns,
    card_purchases,
    changes,
    channel_cards,
    channel_events,
    channels,
    complaints,
    connections,
    corrections,
    dead_letters,
    deep_links,
    deposits,
    destinations,
    drafts,
    early_removals,
    earnings,
    edits,
    error_handlers,
    fallback,
    format_form,
    formats,
    help_pages,
    invite_link_form,
    launch,
    look_ups,
    managers,
    moderation,
    move_form,
    offers,
    operators,
    payment_support,
    payments,
    payout_waits,
    placements,
    reports,
    results,
    sold_placements,
    staff_requests,
    start,
    stop,
    terms_form,
    uncertain_posts,
    wallet,
    withdraw_form,
    withdrawals,
)
from handlers import settings as settings_handlers


@cache
def dispatcher() -> Dispatcher:
    """Return aiogram's dispatcher, which is built once in each process."""
    root = Dispatcher(disable_fsm=True)
    root.update.outer_middleware(ContextMiddleware())
    root.message.outer_middleware(OwnWordsMiddleware())
    root.message.outer_middleware(PrivateAdminChatMiddleware())
    root.callback_query.outer_middleware(PrivateAdminChatMiddleware())
    root.callback_query.outer_middleware(OwnButtonMiddleware())
    root.message.outer_middleware(ConfirmedAdminChatMiddleware())
    root.callback_query.outer_middleware(ConfirmedAdminChatMiddleware())
    root.callback_query.outer_middleware(ReceiptMiddleware())
    stateless = FlatRouter(
        error_handlers.refusals,
        payments.router,
        moderation.router,
        look_ups.router,
        uncertain_posts.router,
        dead_letters.router,
        withdrawals.router,
        payout_waits.router,
        early_removals.router,
        complaints.router,
        deposits.router,
        corrections.router,
        staff_requests.router,
        stop.router,
        operators.router,
        help_pages.router,
        reports.router,
        launch.router,
        admin_chat.router,
        channel_events.router,
        start.router,
        payment_support.router,
        settings_handlers.router,
        campaigns.router,
        drafts.router,
        placements.router,
        results.router,
        sold_placements.router,
        offers.router,
        changes.router,
        formats.router,
        managers.router,
        channels.router,
        channel_cards.router,
        calendar.router,
        earnings.router,
        wallet.router,
        withdraw_form.router,
        destinations.router,
        fallback.router,
        name="stateless",
    )
    root.include_routers(stateless, edits.router, _forms(), error_handlers.unexpected_errors)
    return root


def _forms() -> Router:
    """Build the router of the forms in private chats."""
    router = Router(name="forms")
    router.message.filter(IN_PRIVATE_CHAT)
    router.errors.register(fallback.answer_closed_form, ExceptionTypeFilter(*fallback.FORM_CLOSED))
    router.include_routers(
        connections.router,
        deep_links.router,
        start.form_closers,
        channels.connect_router,
        settings_handlers.openers,
        campaign_form.openers,
        drafts.openers,
        buy_form.openers,
        card_purchases.openers,
        invite_link_form.openers,
        changes.openers,
        move_form.openers,
        complaints.openers,
        terms_form.openers,
        format_form.openers,
        wallet.openers,
        withdraw_form.openers,
        destinations.openers,
        settings_handlers.zone_form,
        campaign_form.form,
        drafts.form,
        buy_form.form,
        changes.ask_form,
        changes.edit_form,
        move_form.form,
        complaints.words_form,
        terms_form.form,
        format_form.price_form,
        format_form.topic_form,
        invite_link_form.form,
        wallet.top_up_form,
        withdraw_form.form,
        destinations.form,
        start.unmatched,
    )
    router.message.outer_middleware(HideInvisibleEndMiddleware())
    setup_dialogs(router)
    router.message.outer_middleware(RestoreTextMiddleware())
    return router
