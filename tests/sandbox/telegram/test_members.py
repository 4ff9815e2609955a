"""Test the methods with which a bot changes members and the data of a chat."""

import time

import aiohttp
import pytest

from sandbox.telegram.serializers import ALL_RIGHTS
from tests.factories import pictures
from tests.sandbox.telegram.raw_world import BOT_TOKEN, Json, SandboxClient

WITHOUT_RIGHTS = "not enough rights to restrict/unrestrict chat member"


@pytest.fixture
async def group(world: SandboxClient) -> int:
    """Return a group with the advertiser, in which the bot has all rights."""
    chat_id = world.ids["group"]
    await world.control(
        f"chats/{chat_id}/members", user_id=world.ids["advertiser"], status="member"
    )
    rights = dict.fromkeys(ALL_RIGHTS, True)
    await world.control(f"chats/{chat_id}/members", user_id="bot", status="administrator", **rights)
    await world.call("getUpdates", allowed_updates=["message", "chat_member", "chat_join_request"])
    await world.updates()
    return chat_id


async def member(world: SandboxClient, chat_id: int) -> Json:
    """Return the advertiser's membership."""
    found: Json = await world.call("getChatMember", chat_id=chat_id, user_id=who(world))
    return found


def who(world: SandboxClient) -> int:
    """Return the id of the member whom the bot changes."""
    return world.ids["advertiser"]


async def test_a_banned_member_is_out_until_the_time_is_over(
    world: SandboxClient, group: int
) -> None:
    until = int(time.time()) + 3_600
    await world.call("banChatMember", chat_id=group, user_id=who(world), until_date=until)
    assert (await member(world, group))["until_date"] == until
    left, changed = await world.updates()
    assert left["message"]["left_chat_member"]["id"] == who(world)
    assert changed["chat_member"]["new_chat_member"]["status"] == "kicked"
    refused = await world.control(f"users/{who(world)}/send", 403, chat_id=group, text="Hello")
    assert refused["error"] == "this person is not in the chat"
    world.state.set("clock_shift", 3_601.0)
    assert (await member(world, group))["status"] == "left"


@pytest.mark.parametrize(("only_if_banned", "status"), [(True, "member"), (False, "left")])
async def test_unban_removes_a_member_unless_it_is_told_not_to(
    world: SandboxClient, group: int, *, only_if_banned: bool, status: str
) -> None:
    fields = {"chat_id": group, "user_id": who(world), "only_if_banned": only_if_banned}
    await world.call("unbanChatMember", **fields)
    assert (await member(world, group))["status"] == status
    await world.call("banChatMember", chat_id=group, user_id=who(world))
    await world.call("unbanChatMember", **fields)
    assert (await member(world, group))["status"] == "left"


async def test_the_messages_of_a_banned_member_are_deleted_if_the_bot_wants_it(
    world: SandboxClient, group: int
) -> None:
    await world.control(f"users/{who(world)}/send", chat_id=group, text="Advertising")
    await world.call("banChatMember", chat_id=group, user_id=who(world), revoke_messages=True)
    found = (await world.see(f"chats/{group}/messages"))["messages"]
    assert "Advertising" not in [message["text"] for message in found]


async def test_a_restricted_member_stays_and_may_not_write(
    world: SandboxClient, group: int
) -> None:
    fields = {"chat_id": group, "user_id": who(world)}
    await world.call("restrictChatMember", permissions={"can_send_photos": True}, **fields)
    found = await member(world, group)
    assert (found["status"], found["is_member"]) == ("restricted", True)
    assert (found["can_send_messages"], found["can_send_photos"]) == (False, True)
    await world.control(f"users/{who(world)}/send", 403, chat_id=group, text="Hello")
    everything = dict.fromkeys([name for name in found if name.startswith("can_")], True)
    await world.call("restrictChatMember", permissions=everything, **fields)
    assert (await member(world, group))["status"] == "member"
    await world.control(f"users/{who(world)}/send", chat_id=group, text="Hello")


async def test_the_permissions_of_a_group_hold_for_all_members(
    world: SandboxClient, group: int
) -> None:
    await world.call("setChatPermissions", chat_id=group, permissions={"can_send_polls": True})
    shown = (await world.call("getChat", chat_id=group))["permissions"]
    assert (shown["can_send_messages"], shown["can_send_polls"]) == (False, True)
    await world.control(f"users/{who(world)}/send", 403, chat_id=group, text="Hello")
    await world.control(f"users/{world.ids['admin']}/send", chat_id=group, text="I may")


async def test_a_promoted_member_has_rights_and_a_title(world: SandboxClient, group: int) -> None:
    fields = {"chat_id": group, "user_id": who(world)}
    method = "setChatAdministratorCustomTitle"
    _, text = await world.refused(method, custom_title="Baker", **fields)
    assert text == "Bad Request: user is not an administrator"
    await world.call("promoteChatMember", can_pin_messages=True, **fields)
    await world.call(method, custom_title="Baker", **fields)
    found = await member(world, group)
    assert (found["status"], found["custom_title"]) == ("administrator", "Baker")
    assert (found["can_pin_messages"], found["can_delete_messages"]) == (True, False)
    await world.call("promoteChatMember", **fields)
    assert (await member(world, group))["status"] == "member"


async def test_a_bot_gives_no_right_that_it_does_not_have(world: SandboxClient, group: int) -> None:
    path = f"chats/{group}/members"
    rights = {"can_promote_members": True, "can_restrict_members": False}
    await world.control(path, user_id="bot", status="administrator", **rights)
    fields = {"chat_id": group, "user_id": who(world)}
    assert (await world.refused("promoteChatMember", can_pin_messages=True, **fields))[1] == (
        "Bad Request: RIGHT_FORBIDDEN"
    )
    assert WITHOUT_RIGHTS in (await world.refused("banChatMember", **fields))[1]


@pytest.mark.parametrize(
    ("who_is_it", "reason"),
    [("admin", "can't remove chat owner"), ("bot", "can't restrict self"), ("nobody", "INVALID")],
)
async def test_some_members_stay(
    world: SandboxClient, group: int, who_is_it: str, reason: str
) -> None:
    ids = {**world.ids, "bot": world.state.bot_id, "nobody": 77}
    _, text = await world.refused("banChatMember", chat_id=group, user_id=ids[who_is_it])
    assert reason in text


async def test_the_title_the_description_and_the_picture_change(
    world: SandboxClient, group: int
) -> None:
    await world.call("setChatTitle", chat_id=group, title="Bakers")
    await world.call("setChatDescription", chat_id=group, description="Bread")
    form = aiohttp.FormData({"chat_id": str(group)})
    form.add_field("photo", pictures.png(), filename="file")
    async with world.http.post(f"{world.url}/bot{BOT_TOKEN}/setChatPhoto", data=form) as response:
        assert (await response.json()) == {"ok": True, "result": True}
    chat = await world.call("getChat", chat_id=group)
    assert (chat["title"], chat["description"], "photo" in chat) == ("Bakers", "Bread", True)
    await world.call("deleteChatPhoto", chat_id=group)
    assert "photo" not in await world.call("getChat", chat_id=group)
    told = [
        message["service"] for message in (await world.see(f"chats/{group}/messages"))["messages"]
    ]
    assert told[-3:] == ["new_chat_title", "new_chat_photo", "delete_chat_photo"]
    for method, fields in (
        ("setChatTitle", {"title": "Bakers"}),
        ("setChatDescription", {"description": "Bread"}),
    ):
        _, text = await world.refused(method, chat_id=group, **fields)
        assert "is not modified" in text


async def test_several_messages_are_pinned_and_unpinned(world: SandboxClient, group: int) -> None:
    first, second = [
        (await world.call("sendMessage", chat_id=group, text=text))["message_id"]
        for text in ("First", "Second")
    ]
    for message_id in (first, second):
        await world.call("pinChatMessage", chat_id=group, message_id=message_id)
    assert await pinned(world, group) == "Second"
    await world.call("unpinChatMessage", chat_id=group)
    assert await pinned(world, group) == "First"
    await world.call("pinChatMessage", chat_id=group, message_id=second)
    await world.call("unpinChatMessage", chat_id=group, message_id=first)
    assert await pinned(world, group) == "Second"
    await world.call("unpinAllChatMessages", chat_id=group)
    assert await pinned(world, group) is None


async def pinned(world: SandboxClient, group: int) -> str | None:
    """Return the text of the pinned message that the chat shows."""
    found = (await world.call("getChat", chat_id=group)).get("pinned_message")
    return found["text"] if found else None


async def test_a_link_lets_people_join_until_it_is_full_or_revoked(
    world: SandboxClient, group: int
) -> None:
    await world.control(f"chats/{group}/members", user_id=who(world), status="left")
    await world.updates()
    link = await world.call("createChatInviteLink", chat_id=group, name="Bakers", member_limit=1)
    url = link["invite_link"]
    assert await world.control(f"users/{who(world)}/join", invite_link=url) == {
        "chat_id": group,
        "joined": True,
    }
    changed = (await world.updates())[0]["chat_member"]
    assert changed["invite_link"]["name"] == "Bakers"
    await world.control(f"users/{world.ids['owner']}/join", 404, invite_link=url)
    edited = await world.call("editChatInviteLink", chat_id=group, invite_link=url, member_limit=9)
    assert (edited["member_limit"], "name" in edited) == (9, False)
    revoked = await world.call("revokeChatInviteLink", chat_id=group, invite_link=url)
    assert revoked["is_revoked"]
    await world.control(f"users/{world.ids['owner']}/join", 404, invite_link=url)


async def test_an_exported_link_replaces_the_one_before(world: SandboxClient, group: int) -> None:
    first = await world.call("exportChatInviteLink", chat_id=group)
    second = await world.call("exportChatInviteLink", chat_id=group)
    assert (await world.call("getChat", chat_id=group))["invite_link"] == second
    await world.control(f"users/{world.ids['owner']}/join", 404, invite_link=first)


async def test_a_request_to_join_waits_for_the_bot(world: SandboxClient, group: int) -> None:
    link = await world.call("createChatInviteLink", chat_id=group, creates_join_request=True)
    owner = world.ids["owner"]
    for method, status in (
        ("declineChatJoinRequest", "left"),
        ("approveChatJoinRequest", "member"),
    ):
        asked = await world.control(f"users/{owner}/join", invite_link=link["invite_link"])
        assert asked["joined"] is False
        assert (await world.updates())[0]["chat_join_request"]["from"]["id"] == owner
        await world.call(method, chat_id=group, user_id=owner)
        found = await world.call("getChatMember", chat_id=group, user_id=owner)
        assert found["status"] == status
        assert (await world.refused(method, chat_id=group, user_id=owner))[1] == (
            "Bad Request: HIDE_REQUESTER_MISSING"
        )
