"""Test that aiogram's models behave the same if they are built on first use."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ["bot.__main__", "scheduler.__main__", "bot.cli.app", "sandbox.__main__"]

BEHAVIOUR = """
import json
{first}
import aiogram_dialog, aiogram_i18n.types
from aiogram import Bot, methods, types
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram_dialog.api.entities import DialogAction, DialogUpdate, DialogUpdateEvent
from pydantic import ValidationError

def memory():
    status = open("/proc/self/status").read()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024

bot = Bot("42:secret")
seen = {{"imported": memory()}}
person = {{"id": 5, "is_bot": False, "first_name": "Owner"}}
channel = {{"id": -1001, "type": "channel", "title": "Channel"}}
message = {{
    "message_id": 3, "date": 1700000000, "chat": channel, "from": person, "text": "hello",
    "entities": [{{"type": "bold", "offset": 0, "length": 5}}],
    "reply_to_message": {{"message_id": 2, "date": 1, "chat": channel, "photo": [
        {{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}}]}},
    "field_of_tomorrow": {{"x": 1}},
}}
updates = [
    {{"update_id": 1, "message": message}},
    {{"update_id": 2, "callback_query": {{
        "id": "7", "from": person, "chat_instance": "1", "data": "x", "message": message}}}},
    {{"update_id": 3, "my_chat_member": {{
        "chat": channel, "from": person, "date": 1,
        "old_chat_member": {{"status": "left", "user": person}},
        "new_chat_member": {{"status": "administrator", "user": person, **{{
            name: True for name, field in types.ChatMemberAdministrator.model_fields.items()
            if name.startswith(("can_", "is_")) and field.is_required()}}}}}}}},
]
parsed = [types.Update.model_validate(update, context={{"bot": bot}}) for update in updates]
seen["updates"] = [update.model_dump(mode="json", exclude_none=True) for update in parsed]
seen["kinds"] = [
    type(parsed[1].callback_query.message).__name__,
    type(parsed[2].my_chat_member.new_chat_member).__name__,
    parsed[0].message.reply_to_message.bot is bot,
]
button = types.InlineKeyboardButton(text="Open", url="https://ads.example/")
send = methods.SendMessage(
    chat_id=-1001, text="hello", entities=[types.MessageEntity(type="bold", offset=0, length=5)],
    reply_markup=types.InlineKeyboardMarkup(inline_keyboard=[[button]]),
)
session = AiohttpSession()
seen["sent"] = {{
    key: session.prepare_value(value, bot=bot, files={{}})
    for key, value in send.model_dump(warnings=False).items()
}}
answer = session.check_response(bot, send, 200, json.dumps({{"ok": True, "result": message}}))
seen["answer"] = answer.result.model_dump(mode="json", exclude_none=True)
try:
    types.Message.model_validate({{"message_id": "three"}})
except ValidationError as error:
    seen["refused"] = sorted(str(e["loc"]) + e["type"] for e in error.errors())
event = DialogUpdateEvent(
    from_user=types.User(**person), chat=types.Chat(**channel), action=DialogAction.UPDATE,
    data=None, intent_id=None, stack_id=None, thread_id=None, business_connection_id=None,
)
seen["dialog"] = DialogUpdate(event).model_dump(mode="json", exclude_none=True)
seen["used"] = memory()
seen["fields"] = {{}}
for module in (types, methods, aiogram_i18n.types):
    for name in module.__all__:
        model = getattr(module, name)
        if hasattr(model, "model_rebuild"):
            model.model_rebuild()
            seen["fields"][module.__name__ + "." + name] = {{
                # A serializer's representation ends in its address.
                field: repr(info).partition(" at 0x")[0]
                for field, info in model.model_fields.items()
            }}
print(json.dumps(seen))
"""


def run(first: str) -> dict[str, Any]:
    """Start a process with `first` as its first import, and return its results."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEHAVIOUR.format(first=first)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    seen: dict[str, Any] = json.loads(ended.stdout)
    return seen


@pytest.fixture(scope="module")
def deferred() -> dict[str, Any]:
    """Return the results of a process that builds models on first use."""
    return run("import bot")


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    """Return the results of a process that builds models at import."""
    return run("import aiogram")


@pytest.mark.parametrize("what", ["updates", "kinds", "sent", "answer", "refused", "dialog"])
def test_same_behaviour(what: str, deferred: dict[str, Any], plain: dict[str, Any]) -> None:
    assert deferred[what] == plain[what]


def test_same_fields_of_all_models(deferred: dict[str, Any], plain: dict[str, Any]) -> None:
    assert len(deferred["fields"]) > 500
    assert deferred["fields"] == plain["fields"]


def test_much_less_memory(deferred: dict[str, Any], plain: dict[str, Any]) -> None:
    for moment in ("imported", "used"):
        assert deferred[moment] < plain[moment] - 60_000_000


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_programs_use_it(program: str) -> None:
    """Check that importing a program leaves one unused model unbuilt."""
    code = (
        f"import {program}; from aiogram.methods import SendDice;"
        "print(SendDice.__pydantic_complete__)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.stdout == "False\n", ended.stderr
