"""Let people press buttons, pay invoices and choose channels."""

import time
from collections import Counter
from dataclasses import dataclass, field

from sandbox import serializers, updates
from sandbox.control import buttons
from sandbox.entities import Message, Query
from tests.crawl import cast, forms
from tests.crawl.acts import Acts, Done
from tests.crawl.cast import Person

FORGED = "crumbs"
"""The text of a message that the bot has never sent, and of its button."""
RECENT = 6
"""How many of the newest messages with buttons a person looks at mostly."""


@dataclass(frozen=True)
class _Button:
    message: Message
    row: int
    column: int
    text: str
    data: str


@dataclass
class Presses(Acts):
    """The presses of buttons. An act returns None if there is nothing to press."""

    pressed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each role, and "" for everybody, has pressed each kind of button."""

    async def press(self, who: Person, chat: str) -> Done | None:
        """Press a button, with preference for new messages and for kinds not pressed before."""
        found = self._buttons(chat)
        if not found:
            return None
        weights = []
        for button, recency in found:
            kind = await forms.kind_of(self.market, self.market.chat(chat), button.data)
            weights.append(recency * self._novelty(who, kind))
        button = self.rng.choices([button for button, _ in found], weights)[0]
        return await self._press(who, chat, button)

    def _novelty(self, who: Person, kind: str) -> float:
        """Return a weight that falls with the times that a kind of button was pressed."""
        ever, by_role = self.pressed["", kind], self.pressed[who.role, kind]
        return (12.0 if ever == 0 else 1.0) * (4.0 if by_role == 0 else 1 / by_role**0.7)

    async def press_again(self, who: Person, chat: str) -> Done | None:
        """Press a button of any old message, perhaps for the second time."""
        found = [button for button, _ in self._buttons(chat, recent=1_000)]
        return await self._press(who, chat, self.rng.choice(found)) if found else None

    async def press_others(self, who: Person, chat: str) -> Done | None:
        """Press a button that the bot has sent to another chat, with the data of that button."""
        others = [name for name in self.market.world.ids if name != chat]
        found = [
            button
            for other in self.rng.sample(others, min(6, len(others)))
            for button, _ in self._buttons(other, recent=20)
        ]
        if not found:
            return None
        data = self.rng.choice(found).data
        made = await self.market.world.call(
            "sendMessage",
            chat_id=self.market.chat(chat),
            text=FORGED,
            reply_markup={"inline_keyboard": [[{"text": FORGED, "callback_data": data}]]},
        )
        message = self._message(chat, made["message_id"])
        done = await self._press(who, chat, _Button(message, 0, 0, FORGED, data))
        if done is not None:
            done.forged = message
        return done

    async def press_very_old(self, who: Person, chat: str) -> Done | None:
        """Press a button of a message that is too old for Telegram to give its content."""
        found = self._buttons(chat, recent=20)
        if not found:
            return None
        button = self.rng.choice([button for button, _ in found])
        state, chat_id = self.market.world.state, self.market.chat(chat)
        person = state.users[self.market.chat(who.name)]
        number = str(self.rng.getrandbits(62))
        query = Query(
            number, "callback", person.id, time.time(), chat_id, button.message.message_id
        )
        state.save_query(query)
        body = {
            "id": number,
            "from": serializers.serialize_user(person),
            "message": {
                "chat": button.message.body["chat"],
                "message_id": button.message.message_id,
                "date": 0,
            },
            "chat_instance": str(chat_id),
            "data": button.data,
        }
        updates.queue(state, "callback_query", body)
        state.commit()
        words = f"presses [{button.text}] of a very old message"
        return Done(words, chat_id, number, data=button.data)

    async def _press(self, who: Person, chat: str, button: _Button) -> Done | None:
        kind = await forms.kind_of(self.market, self.market.chat(chat), button.data)
        self.pressed["", kind] += 1
        self.pressed[who.role, kind] += 1
        pressed = await self.attempt(
            f"users/{self.market.chat(who.name)}/press",
            chat_id=self.market.chat(chat),
            button=button.text,
            message_id=button.message.message_id,
            row=button.row,
            column=button.column,
            wait=False,
        )
        if pressed is None:
            return None
        query_id = next(reversed(self.market.world.state.queries))
        where = f" in {chat}" if chat != who.name else ""
        words = f"presses [{button.text}] ({kind}) of message {button.message.message_id}{where}"
        return Done(
            words,
            self.market.chat(chat),
            query_id,
            data=button.data,
            message_id=button.message.message_id,
        )

    def _buttons(self, chat: str, recent: int = RECENT) -> list[tuple[_Button, float]]:
        """Return the buttons of the newest messages, each with a weight."""
        rows = self.market.world.state.messages.get(self.market.chat(chat), {})
        found: list[tuple[_Button, float]] = []
        shown = 0
        for number in sorted(rows, reverse=True):
            keyboard = rows[number].body.get("reply_markup", {}).get("inline_keyboard", [])
            lines = [
                (_Button(rows[number], row, column, each["text"], each["callback_data"]))
                for row, line in enumerate(keyboard)
                for column, each in enumerate(line)
                if "callback_data" in each
            ]
            if not lines:
                continue
            weight = (4.0 if shown == 0 else 1 / (shown + 1)) / len(lines) ** 0.5
            found += [(line, weight) for line in lines]
            shown += 1
            if shown >= recent:
                break
        return found

    def _message(self, chat: str, message_id: int) -> Message:
        found = self.market.world.state.find_message(self.market.chat(chat), message_id)
        assert found is not None
        return found

    async def pay(self, who: Person, _chat: str) -> Done | None:
        """Pay an invoice, perhaps for the second time."""
        invoices = [row.message_id for row in self.rows(who.name).values() if "invoice" in row.body]
        if not invoices:
            return None
        number = self.rng.choice(invoices)
        paid = await self.attempt(f"users/{self.market.chat(who.name)}/pay", message_id=number)
        if paid is None:
            return None
        due = self.market.chat(who.name) if paid["ok"] else None
        return Done(f"pays invoice {number}: {paid}", due)

    async def choose_channel(self, who: Person, _chat: str) -> Done | None:
        """Choose a channel in Telegram's list, or press another button of the keyboard."""
        state = self.market.world.state
        keyboard = buttons.reply_keyboard(state, state.chats[self.market.chat(who.name)])
        if keyboard is None or not keyboard.keyboard:
            return None
        labels = [button for row in keyboard.keyboard["keyboard"] for button in row]
        label = self.rng.choice(labels)
        if "request_chat" not in label:
            sent = await self.attempt(
                f"users/{self.market.chat(who.name)}/send",
                chat_id=self.market.chat(who.name),
                text=label["text"],
            )
            return Done(f"presses [{label['text']}]", self.market.chat(who.name)) if sent else None
        own = cast.channel_names(self.market, who.name)
        if len(own) < 4 and self.rng.random() < 0.5:
            await cast.add_channel(self.market, who.name, "Morning")
            own = cast.channel_names(self.market, who.name)
        if not own:
            return None
        name = self.rng.choice(own)
        chosen = await self.attempt(
            f"users/{self.market.chat(who.name)}/choose_channel",
            button=label["text"],
            channel_id=self.market.chat(name),
        )
        return Done(f"chooses {name}", self.market.chat(who.name)) if chosen else None
