"""Run a small bot with pyTelegramBotAPI. BOT_TOKEN, BOT_API_URL and PICTURE are its settings."""

import os
from pathlib import Path

from telebot import TeleBot, apihelper
from telebot.types import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LabeledPrice,
    Message,
    PreCheckoutQuery,
    ReplyKeyboardMarkup,
)

URL = os.environ["BOT_API_URL"]
apihelper.API_URL = URL + "/bot{0}/{1}"
apihelper.FILE_URL = URL + "/file/bot{0}/{1}"
bot = TeleBot(os.environ["BOT_TOKEN"])


@bot.message_handler(commands=["start"])
def start(message: Message) -> None:
    """Answer with an inline keyboard."""
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Edit", callback_data="edit")]])
    bot.send_message(message.chat.id, "Hello", reply_markup=keyboard)


@bot.callback_query_handler(func=lambda _: True)
def edit(query: CallbackQuery) -> None:
    """Answer the press of the button, and edit its message."""
    bot.answer_callback_query(query.id, "Pressed")
    bot.edit_message_text("Edited", query.message.chat.id, query.message.message_id)


@bot.message_handler(commands=["keys"])
def keys(message: Message) -> None:
    """Answer with a reply keyboard."""
    keyboard = ReplyKeyboardMarkup()
    keyboard.add("Yes", "No")
    bot.send_message(message.chat.id, "Choose", reply_markup=keyboard)


@bot.message_handler(commands=["picture"])
def picture(message: Message) -> None:
    """Upload a picture."""
    content = Path(os.environ["PICTURE"]).read_bytes()
    bot.send_photo(message.chat.id, content, caption="Picture")


@bot.message_handler(commands=["pay"])
def pay(message: Message) -> None:
    """Ask for five Stars."""
    prices = [LabeledPrice("Bread", 5)]
    bot.send_invoice(message.chat.id, "Bread", "A loaf of bread", "loaf", "", "XTR", prices)


@bot.pre_checkout_query_handler(func=lambda _: True)
def accept(query: PreCheckoutQuery) -> None:
    """Accept the payment."""
    bot.answer_pre_checkout_query(query.id, ok=True)


@bot.message_handler(content_types=["successful_payment"])
def thank(message: Message) -> None:
    """Thank for a payment."""
    bot.send_message(message.chat.id, f"Paid {message.successful_payment.total_amount}")


@bot.message_handler(content_types=["text"])
def repeat(message: Message) -> None:
    """Repeat a text."""
    bot.send_message(message.chat.id, f"You said {message.text}")


bot.infinity_polling()
