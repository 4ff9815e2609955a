"""Provide the commands of the staff with arguments that they take, for example the id of an ad."""

import re
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from bot.commands import STAFF
from tests.handlers.marketplace import Marketplace

_ID = re.compile(r"#(\d+)")
_FITTING: dict[str, tuple[str, ...]] = {
    "change": ("{id} fresh bread",),
    "reject": ("{id} bread",),
    "user": ("{person}", "#{id}"),
    "campaign": ("{id}",),
    "placement": ("{id}",),
    "channel": ("{id}", "@daily_owner_en"),
    "watch": ("", "bread", "shop"),
    "paid": ("{id} wire-{id}",),
    "return": ("{id} bread",),
    "there": ("{uncertain}",),
    "payowner": ("{id} bread",),
    "split": ("{id} 40",),
    "stop": ("", "bread"),
    "killswitch": ("", "stop payouts bread", "run payouts bread"),
    "report": ("", "revenue_by_day", "held_by_day"),
    "chainfile": ("", "new"),
    "confirm": ("{id} bread",),
    "refuse": ("{id} bread",),
    "grant": ("{person} operator bread", "{person} admin bread"),
    "revoke": ("{person} operator bread",),
}
"""The arguments of the commands that take some. A command that is not listed takes none."""
_UNCERTAIN = (
    "SELECT target.id, channel.chat_id FROM post_jobs job"
    " JOIN campaign_targets target ON target.id = job.campaign_target_id"
    " JOIN channels channel ON channel.id = target.channel_id"
    " WHERE job.status = 'uncertain' ORDER BY target.id DESC LIMIT 1"
)


@dataclass
class StaffCommands:
    """The commands of the staff, of which the least written one comes next."""

    market: Marketplace
    rng: Random
    _written: Counter[str] = field(default_factory=Counter)

    async def next(self) -> str:
        """Return a command with fitting arguments."""
        fewest = min(self._written[name] for name in STAFF)
        name = self.rng.choice([each for each in STAFF if self._written[each] == fewest])
        self._written[name] += 1
        arguments = self.rng.choice(_FITTING.get(name, ("",)))
        values = {"id": str(self._id()), "person": str(self._person())}
        if "{uncertain}" in arguments:
            values["uncertain"] = await self._uncertain()
        return f"/{name} {arguments.format(**values)}".strip()

    def _id(self) -> int:
        """Return an id that the newest messages of the admin chat name, or a small number."""
        rows = self.market.world.state.messages.get(self.market.chat("group"), {})
        texts = [str(rows[number].body.get("text")) for number in sorted(rows)[-12:]]
        named = [int(number) for text in texts for number in _ID.findall(text)]
        return self.rng.choice([*named, self.rng.randint(1, 15)])

    def _person(self) -> int:
        people = [row.id for row in self.market.world.state.users.values() if not row.is_bot]
        return self.rng.choice(people)

    async def _uncertain(self) -> str:
        """Return the newest placement with an unclear post, and a link to its last message."""
        found = await self.market.rows(_UNCERTAIN)
        if not found:
            return "1 https://t.me/daily_owner_en/1"
        chat_id = found[0]["chat_id"]
        newest = max(self.market.world.state.messages.get(chat_id, {}), default=1)
        return f"{found[0]['id']} https://t.me/c/{str(chat_id).removeprefix('-100')}/{newest}"
