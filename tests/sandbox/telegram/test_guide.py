"""Test that the steps of a guide are ticked off as they happen."""

from pathlib import Path

from sandbox.telegram.guide import GuideStep, MessageShown
from tests.sandbox.telegram.raw_world import SandboxClient, begin


def steps(person: int) -> list[GuideStep]:
    """Return three steps of a person, the last one with any message of the person."""
    conditions = {
        "start": MessageShown(person, ("Welcome", "Hello")),
        "pin": MessageShown(person, ("pinned_message",)),
        "write": MessageShown(person, by_bot=False),
    }
    return [
        GuideStep(name, {"en": name}, {"en": f"{name} it"}, person, person, condition)
        for name, condition in conditions.items()
    ]


async def done(world: SandboxClient) -> list[str]:
    """Return the names of the steps that are done."""
    guide = (await world.see("page"))["guide"]
    return [step["name"] for step in guide if step["done"]]


async def test_steps_are_done_when_their_message_is_shown(tmp_path: Path) -> None:
    async with begin(tmp_path) as world:
        person = (await world.control("users", first_name="Reader"))["id"]
    async with begin(tmp_path, guide=steps(person)) as world:
        world.ids["reader"] = person
        [first, *_] = (await world.see("page"))["guide"]
        assert (first["title"], first["text"]) == ({"en": "start"}, {"en": "start it"})
        assert (first["person_id"], first["chat_id"], first["done"]) == (person, person, False)
        sent = await world.say("Welcome", who="reader")
        assert await done(world) == ["write"]
        await world.call("sendMessage", chat_id=person, text="Good day")
        assert await done(world) == ["write"]
        answer = await world.call("sendMessage", chat_id=person, text="Hello, reader")
        assert await done(world) == ["start", "write"]
        # A step that is done stays done.
        for message_id in (sent["message_id"], answer["message_id"]):
            await world.call("deleteMessage", chat_id=person, message_id=message_id)
        assert await done(world) == ["start", "write"]
    async with begin(tmp_path, guide=steps(person)) as world:
        assert await done(world) == ["start", "write"]


async def test_a_service_message_ends_a_step(tmp_path: Path) -> None:
    async with begin(tmp_path) as world:
        person = (await world.control("users", first_name="Reader"))["id"]
    async with begin(tmp_path, guide=steps(person)) as world:
        world.ids["reader"] = person
        await world.say("/start", who="reader")
        sent = await world.call("sendMessage", chat_id=person, text="terms")
        assert await done(world) == ["write"]
        await world.call("pinChatMessage", chat_id=person, message_id=sent["message_id"])
        assert await done(world) == ["pin", "write"]
