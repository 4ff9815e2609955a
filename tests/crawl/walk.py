"""Walk through the bot step by step, and check after each step what it has done."""

import hashlib
import sys
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from sqlalchemy import text

from db.models.operations import Switch
from db.models.users import Role
from sandbox.telegram.control import buttons
from sandbox.telegram.entities import Message
from tests.crawl import acts, checks, forms, inputs
from tests.crawl.acts import Done
from tests.crawl.cast import Person
from tests.crawl.coverage import NOT_IN_A_WALK, Coverage, all_kinds, all_states
from tests.crawl.messages import Messages
from tests.crawl.observer import Observer
from tests.crawl.presses import FORGED, Presses
from tests.crawl.surroundings import Surroundings
from tests.crawl.ticks import Scheduler
from tests.factories import books
from tests.handlers.marketplace import Marketplace

REMEMBERED = 12
"""How many of a person's last acts the report of a fault has."""
BOOKS_EVERY = 250
LONGEST_LINE = 2_500
REPAIR_EVERY = 60
"""After this many steps, all kill switches run again, and the staff have their roles again."""
_WEIGHTS = {
    "newcomer": 4,
    "advertiser": 16,
    "poor": 6,
    "owner": 14,
    "manager": 5,
    "admin": 14,
    "super": 8,
    "blocked": 2,
    "stranger": 2,
}
_ACTS = {
    "press": 50,
    "answer": 40,
    "write_oddly": 7,
    "command": 7,
    "press_again": 4,
    "press_others": 3,
    "press_very_old": 2,
    "forward": 2,
    "album": 1,
    "edit": 1,
    "pay": 5,
    "choose_channel": 6,
    "change_channel": 5,
    "block_bot": 0.4,
    "ask_in_shell": 1,
    "click": 2,
    "give_channel_away": 0.7,
    "lose_draft": 1,
}
_UNSEEN_SHARE = 0.5
"""The share of the steps that press a button of a new kind, if somebody sees one."""
_COMMAND_SHARE = 0.35
"""The share of these steps in which the staff write a command, if nobody sees a new button."""
_STAY_SHARE = 0.4
"""The share of the other steps that the person of the step before takes."""
_FORM_SHARE = 0.65
"""The share of the steps after one that left a form open in which its person goes on with it."""
_TYPED_SHARE = 0.6
"""The share of these answers that are typed, if the step takes a text."""
_HOURS = {0: 3, 0.2: 3, 0.6: 2, 1: 3, 3: 2, 7: 1, 26: 1}
"""The hours that pass at once, with their weights. An owner has 24 hours for an answer."""
_TIME_SHARE = 0.05


@dataclass
class Fault:
    """A fault that one step has shown."""

    step: int
    what: str
    act: str
    before: list[str]
    """The last acts of the person."""
    chat: list[str]
    """The newest messages of the chat."""

    def __str__(self) -> str:
        lines = [f"step {self.step}: {self.what}", f"  act: {self.act}"]
        lines += [f"  before: {each}" for each in self.before]
        return "\n".join([*lines, *(f"  chat: {each}" for each in self.chat)])


@dataclass
class Walk:
    """One walk of all people, which its seed repeats."""

    market: Marketplace
    people: list[Person]
    seed: int
    observer: Observer
    faults: list[Fault] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    done: Counter[str] = field(default_factory=Counter)
    scheduler: Scheduler = field(init=False)
    _now: int = 0
    _last: Person | None = None
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _tick_faults: list[str] = field(default_factory=list)
    _languages: dict[int, str] = field(default_factory=dict)
    _history: dict[str, deque[str]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=REMEMBERED))
    )

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.presses = Presses(self.market, self.rng)
        self.messages = Messages(self.market, self.rng)
        self.surroundings = Surroundings(self.market, self.rng)
        self.scheduler = Scheduler(self.market, self._tick_failed)
        self.observer.watch(self.market.bot, is_notice=False)
        self.observer.watch(self.scheduler.outbox.bot, is_notice=True)

    async def run(self, steps: int, most_faults: int = 30) -> None:
        """Walk this many steps, but end after `most_faults` different faults."""
        self._languages = await self._read_languages()
        for self._now in range(1, steps + 1):
            await self.step()
            if self._now % REPAIR_EVERY == 0:
                await self._repair()
            if self._now % BOOKS_EVERY == 0:
                await self._check_books()
            if len(self.faults) >= most_faults:
                break
        await self._check_books()

    def report(self) -> str:
        """Return what the walk has done, and what it has not reached."""
        buttons_left, states_left = self.coverage.missing_buttons(), self.coverage.missing_states()
        lines = [
            f"seed {self.seed}: {self._now} steps, {len(self.faults)} faults",
            f"digest of all acts: {self._digest.hexdigest()[:12]}",
            "acts: " + ", ".join(f"{name} {count}" for name, count in self.done.most_common()),
            *_left("kinds of buttons were not pressed", buttons_left, len(all_kinds())),
            *_left("steps of forms were not seen", states_left, len(all_states())),
        ]
        return "\n".join(lines)

    async def step(self) -> None:
        """Let one person do one thing, or let time pass, and check what happens."""
        self.observer.clear()
        if self.rng.random() < _TIME_SHARE:
            await self._pass_time()
            return
        name, who, chat, done = await self._next_act()
        if done is None:
            return
        self.done[name] += 1
        try:
            await self.market.settle()
        except TimeoutError:
            self._report(who, chat, done, "an update was not handled within a minute")
        await self.scheduler.deliver()
        before, self._languages = self._languages, await self._read_languages()
        await self._check(who, chat, done, before)
        self._history[who.name].append(f"{self._now}: {done.words}")
        self._digest.update(f"{who.name} {done.words}\n".encode())
        if done.forged is not None:
            self._remove(done.forged)

    async def _next_act(self) -> tuple[str, Person, str, Done | None]:
        """Let somebody do something: press what nobody has pressed, or anything else."""
        if self._last is not None and self.rng.random() < _FORM_SHARE:
            going_on = await self._go_on(self._last)
            if going_on is not None:
                return going_on
        if self.rng.random() < _UNSEEN_SHARE:
            unseen = await self.presses.find_unseen(self.people)
            if unseen is not None:
                self._last = unseen[0]
                return "press_unseen", *unseen[:2], await self.presses.press_button(unseen)
            if self.rng.random() < _COMMAND_SHARE:
                staff = self.rng.choice([who for who in self.people if who.is_staff])
                return "staff_command", staff, "group", await self.messages.staff_command(staff)
        who = self._choose_person()
        name, chat = self.rng.choices(list(_ACTS), list(_ACTS.values()))[0], self._choose_chat(who)
        if self.messages.has_blocked_bot(who):
            # Telegram shows no button then, only "Restart".
            name, chat = "restart", who.name
        done = await self._act(name, who, chat)
        for instead in ("press", "command"):
            if done is None:
                name, done = instead, await self._act(instead, who, chat)
        return name, who, chat, done

    async def _go_on(self, who: Person) -> tuple[str, Person, str, Done | None] | None:
        """Let a person answer their open form. Return None if none is open, or Telegram refuses."""
        form = await forms.find_open(self.market, self.market.chat(who.name))
        if form is None or self.messages.has_blocked_bot(who):
            return None
        types = inputs.takes_text(form.state) and self.rng.random() < _TYPED_SHARE
        name = "answer" if types else "fill_in"
        done = await self._act(name, who, who.name)
        return (name, who, who.name, done) if done else None

    def _choose_person(self) -> Person:
        """Return the person of the step before, or another one."""
        if self._last is None or self.rng.random() >= _STAY_SHARE:
            self._last = self.rng.choices(self.people, [_WEIGHTS[one.role] for one in self.people])[
                0
            ]
        return self._last

    def _remove(self, message: Message) -> None:
        """Delete a message of which only the walk knows, unless the bot shows something in it."""
        state = self.market.world.state
        present = state.find_message(message.chat_id, message.message_id)
        if present is not None and present.body["text"] == FORGED:
            state.delete_message(present)

    async def _act(self, name: str, who: Person, chat: str) -> Done | None:
        """Let a person do something. Return None if it is not possible now."""
        acts_of = (self.presses, self.messages, self.surroundings)
        kind = next(each for each in acts_of if hasattr(each, name))
        done: Done | None = await getattr(kind, name)(who, chat)
        return done

    def _choose_chat(self, who: Person) -> str:
        if who.is_staff:
            return "group" if self.rng.random() < 0.8 else who.name
        if who.role == "stranger" and self.rng.random() < 0.5:
            return "talk"
        return who.name

    # --- checks

    async def _check(
        self, who: Person, chat: str, done: Done, languages_before: dict[int, str]
    ) -> None:
        actor = self.market.chat(who.name)
        for fault in self._tick_faults:
            self._report(who, chat, done, fault)
        self._tick_faults.clear()
        for line in self.observer.lines:
            self._report(who, chat, done, f"the log has {_shortened(line)}")
        for call in self.observer.calls:
            language = self._language_of(call.chat_id or actor, actor, is_notice=call.is_notice)
            reader = call.chat_id if call.chat_id in self._languages else actor
            if languages_before.get(reader or 0, language) != self._languages.get(reader or 0):
                language = None
            for fault in checks.call_faults(call, language):
                self._report(who, chat, done, fault)
        self._check_reaction(who, chat, done)
        await self._check_ways_on(who, chat, done)
        self.coverage.note(done)

    def _language_of(self, chat_id: int, actor: int, *, is_notice: bool) -> str | None:
        if chat_id in self._languages:
            return self._languages[chat_id]
        return "en" if is_notice else self._languages.get(actor)

    def _check_reaction(self, who: Person, chat: str, done: Done) -> None:
        calls = [call for call in self.observer.calls if not call.is_notice]
        if done.query_id is not None:
            answers = self.observer.answers(done.query_id)
            if len(answers) != 1:
                self._report(who, chat, done, f"a press was answered {len(answers)} times")
            alert = any(getattr(call.method, "text", None) for call in answers)
            seen = any(call.is_shown or "not modified" in call.error for call in calls)
            if not alert and not seen and chat != "talk":
                self._report(who, chat, done, "nobody sees that a press did anything")
        elif done.chat_id is not None and not any(
            call.is_shown and call.chat_id == done.chat_id for call in self.observer.calls
        ):
            self._report(who, chat, done, "there is no reaction to a message")

    async def _check_ways_on(self, who: Person, chat: str, done: Done) -> None:
        actor = self.market.chat(who.name)
        state = self.market.world.state
        form = await forms.find_open(self.market, actor)
        if form is not None:
            self.coverage.states.add(form.state)
            shown = form.message_id and state.find_message(actor, form.message_id)
            data = (
                [each.get("callback_data", "") for each in buttons.inline_buttons(shown)]
                if shown
                else []
            )
            if not any(each.endswith(forms.WAYS_OUT) for each in data):
                self._report(who, chat, done, f"{form.state} has no way out")
        pressed = done.message_id and state.find_message(actor, done.message_id)
        stays = pressed and buttons.inline_buttons(pressed)
        own = [
            call
            for call in self.observer.calls
            if call.chat_id == actor and call.is_shown and not call.is_notice and call.texts
        ]
        leads_on = any(checks.leads_on(call) for call in own)
        if own and not (form or stays or done.is_command or leads_on):
            self._report(who, chat, done, f"a dead end: {own[-1].texts[0][:200]!r}")

    async def _check_books(self) -> None:
        async with self.market.database.sessions.begin() as session:
            try:
                await books.assert_invariants(session)
            except AssertionError as error:
                self._fault(f"invariants: {error}", "", [], [])
        parked = await self.market.rows(
            "SELECT update_id, last_error, payload FROM inbox WHERE failed_at IS NOT NULL"
        )
        for row in parked:
            self._fault(f"a parked update: {row}", "", [], [])

    # --- what happens around the people

    async def _pass_time(self) -> None:
        hours = self.rng.choices(list(_HOURS), list(_HOURS.values()))[0]
        await self.scheduler.forward(timedelta(hours=hours))
        await self.scheduler.work()
        done = Done(f"{hours} hours pass")
        self.done["time"] += 1
        who = Person("admin_en", "admin")
        for fault in self._tick_faults:
            self._report(who, "group", done, fault)
        self._tick_faults.clear()
        for line in self.observer.lines:
            self._report(who, "group", done, f"the log has {_shortened(line)}")
        for call in self.observer.calls:
            language = self._language_of(call.chat_id or 0, 0, is_notice=True)
            for fault in checks.call_faults(call, language):
                self._report(who, "group", done, fault)

    async def _repair(self) -> None:
        """Let all kill switches run again, and give the staff their roles again."""
        for key in Switch:
            await self.market.set_switch(key, enabled=True)
        async with self.market.database.sessions.begin() as session:
            for who, role in (("admin", Role.ADMIN), ("super", Role.SUPER_ADMIN)):
                for language in ("en", "ru"):
                    await session.execute(
                        text(
                            "INSERT INTO user_roles (user_id, role) SELECT id, :role FROM users"
                            " WHERE telegram_id = :id ON CONFLICT DO NOTHING"
                        ),
                        {"role": role.value, "id": self.market.chat(f"{who}_{language}")},
                    )

    async def _read_languages(self) -> dict[int, str]:
        found = await self.market.rows("SELECT telegram_id, language FROM users")
        return {row["telegram_id"]: row["language"] for row in found}

    def _tick_failed(self, name: str, error: Exception) -> None:
        self._tick_faults.append(f"tick {name}: {type(error).__name__}: {error}")

    def _report(self, who: Person, chat: str, done: Done, what: str) -> None:
        before = list(self._history[who.name])
        shown = acts.last_messages(self.market, chat)
        self._fault(what, f"{who.name} {done.words}", before, shown)

    def _fault(self, what: str, act: str, before: list[str], chat: list[str]) -> None:
        if _signature(what) not in {_signature(fault.what) for fault in self.faults}:
            fault = Fault(self._now, what, act, before, chat)
            self.faults.append(fault)
            sys.stdout.write(f"seed {self.seed}, {fault}\n\n")
            sys.stdout.flush()


def _left(what: str, names: list[str], number: int) -> list[str]:
    """Return lines about what was not reached, with the reason if it cannot be."""
    could = [name for name in names if name not in NOT_IN_A_WALK]
    cannot = [name for name in names if name in NOT_IN_A_WALK]
    return [
        f"{len(names)} of {number} {what}: {', '.join(could) or 'none'}",
        *(f"  cannot be reached: {name}: {NOT_IN_A_WALK[name]}" for name in cannot),
    ]


def _shortened(line: str) -> str:
    """Return a line of the log without the middle of a traceback."""
    return line if len(line) < LONGEST_LINE else f"{line[:300]} [...] {line[-LONGEST_LINE:]}"


def _signature(what: str) -> str:
    """Return a fault without its numbers, so that the same fault is reported once."""
    return "".join(letter for letter in what if not letter.isdigit())[:120]
