"""Run a small bot with python-telegram-bot. BOT_TOKEN, BOT_API_URL and PICTURE are its settings."""

import os
from pathlib import Path

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LabeledPrice,
    ReplyKeyboardMarkup,
    Update,
)
from telegram.ext import (
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    PreCheckoutQueryHandler,
    filters,
)

Context = ContextTypes.DEFAULT_TYPE
URL = os.environ["BOT_API_URL"]


async def start(update: Update, _: Context) -> None:
    """Answer with an inline keyboard."""
    assert update.message
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Edit", callback_data="edit")]])
    await update.message.reply_text("Hello", reply_markup=keyboard)


async def edit(update: Update, _: Context) -> None:
    """Answer the press of the button, and edit its message."""
    assert update.callback_query
    await update.callback_query.answer("Pressed")
    await update.callback_query.edit_message_text("Edited")


async def keys(update: Update, _: Context) -> None:
    """Answer with a reply keyboard."""
    assert update.message
    await update.message.reply_text("Choose", reply_markup=ReplyKeyboardMarkup([["Yes", "No"]]))


async def picture(update: Update, _: Context) -> None:
    """Upload a picture."""
    assert update.message
    await update.message.reply_photo(Path(os.environ["PICTURE"]), caption="Picture")


async def pay(update: Update, _: Context) -> None:
    """Ask for five Stars."""
    assert update.message
    await update.message.reply_invoice(
        "Bread", "A loaf of bread", "loaf", "XTR", [LabeledPrice("Bread", 5)], provider_token=""
    )


async def accept(update: Update, _: Context) -> None:
    """Accept the payment."""
    assert update.pre_checkout_query
    await update.pre_checkout_query.answer(ok=True)


async def answer(update: Update, _: Context) -> None:
    """Thank for a payment, or repeat a text."""
    assert update.message
    paid = update.message.successful_payment
    await update.message.reply_text(
        f"Paid {paid.total_amount}" if paid else f"You said {update.message.text}"
    )


def main() -> None:
    """Run the bot until a signal."""
    builder = ApplicationBuilder().token(os.environ["BOT_TOKEN"])
    app = builder.base_url(f"{URL}/bot").base_file_url(f"{URL}/file/bot").build()
    for name, handler in {"start": start, "keys": keys, "picture": picture, "pay": pay}.items():
        app.add_handler(CommandHandler(name, handler))
    app.add_handler(CallbackQueryHandler(edit))
    app.add_handler(PreCheckoutQueryHandler(accept))
    app.add_handler(MessageHandler(filters.TEXT | filters.SUCCESSFUL_PAYMENT, answer))
    app.run_polling(allowed_updates=Update.ALL_TYPES)


main()
