"""A bare aiogram bot with one insert for each update: `python -m tests.benchmarks.echo_bot`.

It answers a message with a text and buttons, and a press with an edit and the answer to the press.
"""

import asyncio
import os
import signal

import asyncpg
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

CONNECTIONS = 32
KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[
        [InlineKeyboardButton(text=name, callback_data=f"go:{name}") for name in ("one", "two")]
    ]
)


async def main() -> None:
    """Run the bot until SIGTERM, by webhook if WEBHOOK_URL is set."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    pool = await asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=CONNECTIONS, max_size=CONNECTIONS
    )
    await pool.execute("CREATE TABLE IF NOT EXISTS echoed (id bigserial PRIMARY KEY, text text)")
    server = TelegramAPIServer.from_base(os.environ["BOT_API_URL"])
    bot = Bot(os.environ["BOT_TOKEN"], session=AiohttpSession(api=server))
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def answer_message(message: Message) -> None:
        await pool.execute("INSERT INTO echoed (text) VALUES ($1)", message.text)
        await message.answer(message.text or "", reply_markup=KEYBOARD)

    @dispatcher.callback_query()
    async def answer_press(press: CallbackQuery) -> None:
        await pool.execute("INSERT INTO echoed (text) VALUES ($1)", press.data)
        if isinstance(press.message, Message):
            await press.message.edit_text(press.data or "", reply_markup=KEYBOARD)
        await press.answer()

    url = os.environ.get("WEBHOOK_URL")
    if url:
        app = web.Application()
        SimpleRequestHandler(dispatcher, bot).register(app, "/")
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(os.environ["HTTP_PORT"])).start()
        await bot.set_webhook(url)
        await stop.wait()
        await runner.cleanup()
    else:
        await dispatcher.start_polling(bot, handle_signals=False)


if __name__ == "__main__":
    asyncio.run(main())
