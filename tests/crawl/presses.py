"""Let people press buttons, pay invoices and choose channels."""

import time
from collections import Counter
from dataclasses import dataclass, field, replace

from sandbox.telegram import serializers, updates
from sandbox.telegram.control import buttons
from sandbox.telegram.entities import Message, Query
from tests.crawl import cast, coverage, forms
from tests.crawl.acts import Acts, Done
from tests.crawl.cast import Person

FORGED = "crumbs"
"""The text of a message that the bot has never sent, and of its button."""
RECENT = 6
"""How many of the newest messages with buttons a person looks at."""
_RECENT_IN_GROUP = 16
"""The same in the admin chat, in which cards of all people stand."""
_SHARE_OF_WAYS_OUT = 0.15
"""How much rarer people leave a form than they press another button of it."""
_LEADS_ON = frozenset(
    (
        *("offer:accepted", "mod:take", "mod:approve", "camp:activate", "camp:resume"),
        *("chan:resume", "withdrawal:approve", "withdrawal:approve_sure", "complaint:correcting"),
        *("BuyForm:confirm/submit", "TermsForm:sure/save", "card_buy"),
    )
)
"""The kinds of buttons after which there is more to see, however often they were pressed."""


@dataclass(frozen=True)
class _Button:
    message: Message
    row: int
    column: int
    text: str
    data: str
    weight: float
    """The weight of the message in a draw. A newer message has a higher weight."""
    kind: str = ""
    """The purpose of the button (`forms.kind_of`)."""
    parts: frozenset[str] = frozenset()
    """The kinds of buttons of `coverage`, or `kind` for a button of a form."""


@dataclass
class Presses(Acts):
    """The presses of buttons. An act returns None if there is nothing to press."""

    pressed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each role, and "" for everybody, has pressed each kind of button."""
    _known: dict[str, set[str]] = field(default_factory=dict)
    """The parts of the buttons that people of a language, and "" for all, have pressed."""
    _seen: dict[str, tuple[int, list[_Button]]] = field(default_factory=dict)
    """The buttons of each chat, and the version of the chat that has them."""

    async def press(self, who: Person, chat: str) -> Done | None:
        """Press a button, with preference for new messages and for kinds not pressed before."""
        found = await self._visible(chat)
        if not found:
            return None
        weights = [each.weight * self._novelty(who, each.kind) for each in found]
        return await self._press(who, chat, self.rng.choices(found, weights)[0])

    async def fill_in(self, who: Person, chat: str) -> Done | None:
        """Press a button of the open form, mostly not one that leaves it."""
        form = await forms.find_open(self.market, self.market.chat(chat))
        if form is None:
            return None
        found = [
            each for each in await self._visible(chat) if each.message.message_id == form.message_id
        ]
        if not found:
            return None
        weights = [
            self._novelty(who, each.kind)
            * (_SHARE_OF_WAYS_OUT if each.data.endswith(forms.WAYS_OUT) else 1)
            for each in found
        ]
        return await self._press(who, chat, self.rng.choices(found, weights)[0])

    async def find_unseen(self, people: list[Person]) -> tuple[Person, str, _Button] | None:
        """Return a button of a kind that nobody has pressed, or nobody of this language.

        The button comes with a person who sees it and with the chat. None means that there is none.
        """
        for languages in (lambda _who: "", language_of):
            found = [
                (who, chat, button)
                for who in people
                if not self.has_blocked_bot(who)
                for chat in ((who.name, "group") if who.is_staff else (who.name,))
                for button in await self._visible(chat)
                if not button.parts <= self._known.get(languages(who), set())
            ]
            inner = [each for each in found if not each[2].data.endswith(forms.WAYS_OUT)]
            if found:
                return self.rng.choice(inner or found)
        return None

    async def press_button(self, found: tuple[Person, str, _Button]) -> Done | None:
        """Press what `find_unseen` has found."""
        return await self._press(*found)

    async def _visible(self, chat: str) -> list[_Button]:
        """Return the buttons of the newest messages of a chat, each with its kind."""
        version = self.market.world.state.chat_version(self.market.chat(chat))
        known = self._seen.get(chat)
        if known is None or known[0] != version:
            found = []
            for each in self._buttons(chat, _RECENT_IN_GROUP if chat == "group" else RECENT):
                kind = await forms.kind_of(self.market, self.market.chat(chat), each.data)
                parts = frozenset(coverage.kinds_of(each.data) or [kind])
                found.append(replace(each, kind=kind, parts=parts))
            known = self._seen[chat] = version, found
        return known[1]

    def _novelty(self, who: Person, kind: str) -> float:
        """Return a weight that falls with the times that a kind of button was pressed."""
        ever, by_role = self.pressed["", kind], self.pressed[who.role, kind]
        if kind.removesuffix(":bread") in _LEADS_ON:
            return 3.0
        return (12.0 if ever == 0 else 1.0) * (4.0 if by_role == 0 else 1 / by_role**0.7)

    async def press_again(self, who: Person, chat: str) -> Done | None:
        """Press a button of any old message, perhaps for the second time."""
        found = self._buttons(chat, recent=1_000)
        return await self._press(who, chat, self.rng.choice(found)) if found else None

    async def press_others(self, who: Person, chat: str) -> Done | None:
        """Press a button that the bot has sent to another chat, with the data of that button."""
        others = [name for name in self.market.world.ids if name != chat]
        found = [
            button
            for other in self.rng.sample(others, min(6, len(others)))
            for button in self._buttons(other, recent=20)
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
        done = await self._press(who, chat, _Button(message, 0, 0, FORGED, data, 1.0))
        if done is not None:
            done.forged = message
        return done

    async def press_very_old(self, who: Person, chat: str) -> Done | None:
        """Press a button of a message that is too old for Telegram to give its content."""
        found = self._buttons(chat, recent=20)
        if not found:
            return None
        button = self.rng.choice(found)
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
        if button.text != FORGED:
            for language in ("", language_of(who)):
                self._known.setdefault(language, set()).update(button.parts)
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

    def _buttons(self, chat: str, recent: int = RECENT) -> list[_Button]:
        """Return the buttons of the newest messages, without their kinds."""
        rows = self.market.world.state.messages.get(self.market.chat(chat), {})
        found: list[_Button] = []
        shown = 0
        for number in sorted(rows, reverse=True):
            keyboard = rows[number].body.get("reply_markup", {}).get("inline_keyboard", [])
            lines = [
                (row, column, each["text"], each["callback_data"])
                for row, line in enumerate(keyboard)
                for column, each in enumerate(line)
                if "callback_data" in each
            ]
            if not lines:
                continue
            weight = (4.0 if shown == 0 else 1 / (shown + 1)) / len(lines) ** 0.5
            found += [_Button(rows[number], *line, weight) for line in lines]
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


def language_of(who: Person) -> str:
    """Return the language with which a person has begun, `en` or `ru`."""
    return who.name.rpartition("_")[2]
