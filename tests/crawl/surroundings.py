"""Let people change what is around the bot: their channels, a block of the bot, a shell."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from db.models.corrections import CorrectionKind
from db.models.users import RequestKind
from services.market import link_clicks, staff_requests
from services.market.link_clicks import Clicks
from services.money import wallets
from services.platform.actors import Actor
from services.platform.errors import AccessDenied
from tests.crawl import cast, forms
from tests.crawl.acts import Acts, Done
from tests.crawl.cast import Person
from tests.crawl.inputs import Content

TITLES = (
    *("Weekly", "Weekly", "bread " * 21, "\N{CROISSANT}" * 64, "<b>bread</b> & crumbs"),
    "\N{RIGHT-TO-LEFT OVERRIDE}daerb \N{ARABIC LETTER ALEF}",
)
"""The titles that people give to their channels."""


@dataclass
class Surroundings(Acts):
    """The acts about which the bot only reads or hears later."""

    async def change_channel(self, who: Person, _chat: str) -> Done | None:
        """Change something in one's own channel: a post, the rights of the bot, or its data."""
        own = cast.channel_names(self.market, who.name)
        if not own:
            return None
        name, acts = self.rng.choice(own), self._channel_acts()
        chosen = self.rng.choice(sorted(acts))
        rows = self.rows(name)
        message_id = self.rng.choice(sorted(rows)[-4:]) if rows else 1
        changed = await acts[chosen](self.market.chat(name), self.market.chat(who.name), message_id)
        return Done(f"does {chosen} with {name}") if changed else None

    def _channel_acts(self) -> dict[str, Callable[[int, int, int], Awaitable[Any]]]:
        async def change(path: str, **body: Any) -> Any:
            return await self.attempt(f"chats/{path}", **body)

        return {
            "post": lambda chat, who, _: change(f"{chat}/post", user_id=who, text="Fresh crumbs"),
            "edit": lambda chat, who, number: change(
                f"{chat}/edit", user_id=who, message_id=number, text="Crumbs"
            ),
            "delete": lambda chat, who, number: change(
                f"{chat}/delete", user_id=who, message_id=number
            ),
            "react": lambda chat, _, number: change(
                f"{chat}/react", message_id=number, reactions={"\N{THUMBS UP SIGN}": 7}
            ),
            "demote": lambda chat, _, __: change(
                f"{chat}/members", user_id="bot", status=self.rng.choice(("left", "kicked"))
            ),
            "promote": lambda chat, _, __: change(
                f"{chat}/members", user_id="bot", status="administrator", **cast.RIGHTS
            ),
            "promote again": lambda chat, _, __: change(
                f"{chat}/members", user_id="bot", status="administrator", **cast.RIGHTS
            ),
            "cut": lambda chat, _, __: self.attempt(
                "faults", method="sendMessage", kind="cut_after", chat_id=chat
            ),
            "grow": lambda chat, who, _: change(
                f"{chat}/info", user_id=who, subscribers=self.rng.randrange(50, 100_000)
            ),
            "retitle": lambda chat, who, _: change(
                f"{chat}/info",
                user_id=who,
                title=self.rng.choice(TITLES),
                description="bread " * 40,
            ),
        }

    async def click(self, _who: Person, _chat: str) -> Done | None:
        """Let readers click on a tracked link that leads to its target now."""
        links = await self.market.rows(
            "SELECT DISTINCT campaign_target_id AS id, clock() AS now FROM tracked_links"
            " WHERE works_until > clock() ORDER BY id"
        )
        if not links:
            return None
        link, count = self.rng.choice(links), self.rng.randint(1, 9)
        readers = [hashlib.sha256(self.rng.randbytes(8)).digest() for _ in range(count)]
        clicks = [Clicks(link["id"], link["now"].date(), reader, 1) for reader in readers]
        async with self.market.database.sessions.begin() as session:
            await link_clicks.record(session, clicks)
        return Done(f"{count} readers click on the ad of placement {link['id']}")

    async def give_channel_away(self, who: Person, _chat: str) -> Done | None:
        """Make another person the creator of one's own channel, or take the channel back."""
        own = cast.channel_names(self.market, who.name)
        if not own:
            return None
        name = self.rng.choice(own)
        to = self.rng.choice((who.name, who.name.replace("owner", "manager")))
        given = await self.attempt(
            f"chats/{self.market.chat(name)}/transfer", user_id=self.market.chat(to)
        )
        return Done(f"gives {name} to {to}") if given else None

    async def block_bot(self, who: Person, _chat: str) -> Done | None:
        """Block the bot. The next message ends the block."""
        await self.attempt(
            f"chats/{self.market.chat(who.name)}/members", user_id="bot", status="kicked"
        )
        return Done("blocks the bot")

    async def lose_draft(self, who: Person, _chat: str) -> Done | None:
        """Lose the draft of the open form, as Redis does when its memory is full."""
        chat_id = self.market.chat(who.name)
        if await forms.find_open(self.market, chat_id) is None:
            return None
        await forms.lose(self.market, chat_id)
        return Done("loses a draft")

    async def ask_in_shell(self, who: Person, _chat: str) -> Done | None:
        """Request an operation with `adtech`, as it waits for "That was me" in the admin chat."""
        if not who.is_staff:
            return None
        subject = self.rng.choice(("poor_en", "stranger_ru"))
        kind = self.rng.choice((RequestKind.BLOCK, RequestKind.UNBLOCK, RequestKind.CORRECTION))
        asks = Actor(await self._user_id(who.name), cast.roles_of(who), in_admin_chat=True)
        try:
            await self._ask(asks, kind, subject)
        except AccessDenied:
            # Only a super admin may ask for the end of a staff member's block.
            return None
        return Done(f"asks for {kind} in a shell")

    async def _ask(self, asks: Actor, kind: RequestKind, subject: str) -> None:
        async with self.market.database.sessions.begin() as session:
            if kind == RequestKind.CORRECTION:
                wallets_of = [
                    (await wallets.of_user(session, await self._user_id(name))).id
                    for name in self.rng.sample(("poor_en", "poor_ru", "advertiser_en"), 2)
                ]
                arguments: Content = {
                    "correction": CorrectionKind.ADJUSTMENT.value,
                    "from_wallet": wallets_of[0],
                    "to_wallet": wallets_of[1],
                    "amount": 1,
                }
                about = {}
            else:
                arguments, about = {}, {"subject_telegram_id": self.market.chat(subject)}
            await staff_requests.create(
                session,
                actor=asks,
                kind=kind,
                arguments=arguments,
                reason="bread",
                from_shell=True,
                **about,
            )

    async def _user_id(self, name: str) -> int:
        found: int = await self.market.value(
            "SELECT id FROM users WHERE telegram_id = :id", id=self.market.chat(name)
        )
        return found
