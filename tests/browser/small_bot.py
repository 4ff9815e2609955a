"""Run a small bot with whose messages the tests look at the page."""

from tests.sandbox.telegram.raw_world import Json, SandboxClient

MENU: list[list[Json]] = [
    [{"text": "Wallet", "callback_data": "wallet"}, {"text": "Count", "callback_data": "count"}],
    [{"text": "Terms", "callback_data": "terms"}],
]
WELCOME = "Welcome! <b>Ads</b> with <tg-spoiler>escrow</tg-spoiler>.\n<blockquote>Good</blockquote>"
COMMANDS: list[Json] = [
    {"command": "start", "description": "Main menu"},
    {"command": "help", "description": "How it works"},
]


class SmallBot:
    """A bot that answers until its task is cancelled."""

    def __init__(self, world: SandboxClient) -> None:
        self._world = world
        self._count = 0

    async def run(self) -> None:
        """Answer each update."""
        await self._world.call("setMyCommands", commands=COMMANDS)
        await self._world.call("setMyDescription", description="Buy and sell ads.")
        offset = 0
        while True:
            for update in await self._world.call("getUpdates", offset=offset, timeout=20):
                offset = update["update_id"] + 1
                if "message" in update:
                    await self._answer_message(update["message"])
                elif "callback_query" in update:
                    await self._answer_press(update["callback_query"])
                elif "pre_checkout_query" in update:
                    query = update["pre_checkout_query"]["id"]
                    await self._world.call(
                        "answerPreCheckoutQuery", pre_checkout_query_id=query, ok=True
                    )

    async def _answer_message(self, message: Json) -> None:
        text, chat = message.get("text"), message["chat"]
        if chat["type"] != "private":
            return
        if text == "/start":
            await self._world.call(
                "sendMessage",
                chat_id=chat["id"],
                text=WELCOME,
                parse_mode="HTML",
                reply_markup={"inline_keyboard": MENU},
            )
        elif text == "keyboard":
            channel = {"request_id": 1, "chat_is_channel": True}
            rows = [[{"text": "Choose a channel", "request_chat": channel}], [{"text": "Yes"}]]
            await self._world.call(
                "sendMessage", chat_id=chat["id"], text="Choose", reply_markup={"keyboard": rows}
            )
        elif text:
            await self._world.call("sendMessage", chat_id=chat["id"], text=f"You wrote: {text}")

    async def _answer_press(self, query: Json) -> None:
        message, answer = query["message"], {"callback_query_id": query["id"]}
        there = {"chat_id": message["chat"]["id"]}
        if query["data"] == "terms":
            answer |= {"text": "These are the terms.", "show_alert": True}
        await self._world.call("answerCallbackQuery", **answer)
        if query["data"] == "wallet":
            await self._world.call(
                "sendInvoice",
                **there,
                title="Top-up",
                description="Money for ads",
                payload="x",
                currency="XTR",
                prices=[{"label": "Top-up", "amount": 50}],
            )
        if query["data"] == "count":
            self._count += 1
            await self._world.call(
                "editMessageText",
                **there,
                message_id=message["message_id"],
                text=f"Pressed {self._count}",
                reply_markup={"inline_keyboard": MENU},
            )
