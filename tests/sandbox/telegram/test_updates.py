"""Test that the sandbox delivers updates by polling and by webhook, and loses none."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.sandbox.telegram.raw_world import BOT_TOKEN, WOKEN_SECONDS, SandboxClient, begin

SERVE_UNTIL_KILLED = """
import asyncio, sys
from aiohttp import web
from sandbox.telegram.server import create_app
from sandbox.telegram.state import State

async def main():
    app = create_app(State.load(sys.argv[1]), bot_token=sys.argv[2], control_token="control-token")
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_update_stays_until_its_offset_is_passed(world: SandboxClient) -> None:
    await world.say("one")
    await world.say("two")
    first, second = await world.updates(confirm=False)
    assert second["update_id"] == first["update_id"] + 1
    assert [update["message"]["text"] for update in (first, second)] == ["one", "two"]
    assert await world.call("getUpdates", limit=1) == [first]
    assert await world.call("getUpdates", offset=second["update_id"]) == [second]
    assert await world.call("getUpdates") == [second]
    assert await world.call("getUpdates", offset=second["update_id"] + 1) == []
    assert await world.call("getUpdates") == []


async def test_negative_offset_keeps_the_newest(world: SandboxClient) -> None:
    for text in ("one", "two", "three"):
        await world.say(text)
    kept = await world.call("getUpdates", offset=-1)
    assert [update["message"]["text"] for update in kept] == ["three"]
    assert len(await world.call("getUpdates")) == 1


async def test_long_poll_is_answered_when_something_happens(world: SandboxClient) -> None:
    poll = asyncio.create_task(world.call("getUpdates", timeout=20))
    await asyncio.sleep(0.1)
    assert not poll.done()
    await world.say("now")
    found = await asyncio.wait_for(poll, WOKEN_SECONDS)
    assert found[0]["message"]["text"] == "now"


async def test_second_poll_ends_the_first_with_a_conflict(world: SandboxClient) -> None:
    first = asyncio.create_task(world.refused("getUpdates", timeout=20))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(world.call("getUpdates", timeout=20))
    assert await asyncio.wait_for(first, WOKEN_SECONDS) == (
        409,
        (
            "Conflict: terminated by other getUpdates request; make sure that only one bot "
            "instance is running"
        ),
    )
    await world.say("for the second")
    assert len(await asyncio.wait_for(second, WOKEN_SECONDS)) == 1


async def test_allowed_updates_leave_the_others_out(world: SandboxClient) -> None:
    await world.call("getUpdates", allowed_updates=["callback_query"])
    await world.say("unheard")
    assert await world.call("getUpdates") == []
    await world.call("getUpdates", allowed_updates=[])
    await world.say("heard")
    assert len(await world.call("getUpdates")) == 1


async def test_chat_member_comes_only_to_an_administrator_who_names_it(
    world: SandboxClient,
) -> None:
    member = {"user_id": world.ids["admin"], "status": "member"}
    channel = world.ids["channel"]
    await world.control(f"chats/{channel}/members", **member)
    assert await world.updates() == []
    await world.call("getUpdates", allowed_updates=["chat_member"])
    await world.control(f"chats/{channel}/members", **{**member, "status": "left"})
    [update] = await world.updates()
    assert update["chat_member"]["old_chat_member"]["status"] == "member"
    assert update["chat_member"]["new_chat_member"]["status"] == "left"


async def test_my_chat_member_tells_of_rights(world: SandboxClient) -> None:
    await world.promote(can_post_messages=False)
    [update] = await world.updates()
    changed = update["my_chat_member"]
    assert changed["chat"]["id"] == world.ids["channel"]
    assert changed["from"]["id"] == world.ids["owner"]
    assert changed["old_chat_member"]["can_post_messages"] is True
    assert changed["new_chat_member"]["can_post_messages"] is False


async def test_channel_posts_of_others_come_to_an_administrator(world: SandboxClient) -> None:
    channel, owner = world.ids["channel"], world.ids["owner"]
    post = await world.control(f"chats/{channel}/post", user_id=owner, text="news")
    at = {"user_id": owner, "message_id": post["message_id"]}
    await world.control(f"chats/{channel}/edit", text="newer", **at)
    await world.control(f"chats/{channel}/delete", **at)
    first, second = await world.updates()
    assert first["channel_post"]["sender_chat"]["id"] == channel
    assert "from" not in first["channel_post"]
    assert second["edited_channel_post"]["text"] == "newer"
    await world.control(f"chats/{channel}/members", user_id="bot", status="left")
    await world.updates()
    await world.control(f"chats/{channel}/post", user_id=owner, text="unheard")
    assert await world.updates() == []


async def test_privacy_mode_in_groups(world: SandboxClient) -> None:
    group, admin = world.ids["group"], world.ids["admin"]
    asked = await world.call("sendMessage", chat_id=group, text="Why?")
    say = {"chat_id": group}
    await world.control(f"users/{admin}/send", text="chatter", **say)
    await world.control(f"users/{admin}/send", text="/queue", **say)
    reply = {"reply_to_message_id": asked["message_id"]}
    await world.control(f"users/{admin}/send", text="because", **say, **reply)
    heard = [update["message"]["text"] for update in await world.updates()]
    assert heard == ["/queue", "because"]
    await world.control(f"chats/{group}/members", user_id="bot", status="administrator")
    await world.updates()
    await world.control(f"users/{admin}/send", text="chatter", **say)
    assert [update["message"]["text"] for update in await world.updates()] == ["chatter"]


async def test_world_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with begin(tmp_path) as world:
        await world.populate()
        await world.say("before")
        [old] = await world.updates(confirm=False)
        sent = await world.call("sendMessage", chat_id=world.ids["channel"], text="ad")
        ids = world.ids
    async with begin(tmp_path) as world:
        world.ids = ids
        assert await world.updates() == [old]
        await world.say("after")
        [new] = await world.updates()
        assert new["update_id"] == old["update_id"] + 1
        assert new["message"]["message_id"] == old["message"]["message_id"] + 1
        again = await world.call("sendMessage", chat_id=ids["channel"], text="ad")
        assert again["message_id"] == sent["message_id"] + 1
        log = (await world.see("published"))["published"]
        assert [entry["message_id"] for entry in log] == [sent["message_id"], again["message_id"]]


async def test_world_begun_anew_counts_updates_from_above_the_old_ones(tmp_path: Path) -> None:
    ids = []
    for folder in ("one", "two"):
        async with begin(tmp_path / folder) as world:
            await world.populate()
            await world.say("hello")
            ids.append((await world.updates())[0]["update_id"])
        await asyncio.sleep(1.1)
    # A new sandbox starts at the seconds since 1970. The old one had only a few updates.
    assert ids[1] > ids[0]


async def test_what_was_answered_survives_sigkill(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE_UNTIL_KILLED, str(tmp_path), BOT_TOKEN, stdout=PIPE
    )
    try:
        assert child.stdout is not None
        port = int(await child.stdout.readline())
        async with begin(tmp_path / "unused") as here:
            there = SandboxClient(here.state, f"http://127.0.0.1:{port}", here.http)
            await there.populate()
            await there.say("last words")
            sent = await there.call("sendMessage", chat_id=there.ids["channel"], text="ad")
            child.kill()
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
    # The kill interrupted the write of this commit, so its call was never answered.
    with (tmp_path / "world.jsonl").open("ab") as journal:
        journal.write(b'[["counters","upd')
    async with begin(tmp_path) as world:
        [update] = await world.updates()
        assert update["message"]["text"] == "last words"
        seen = await world.see(f"chats/{there.ids['channel']}/messages")
        assert seen["messages"][-1]["message_id"] == sent["message_id"]
        assert (await world.see("published"))["published"][0]["text"] == "ad"
