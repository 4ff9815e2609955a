"""The control API's levers, the page's files, and the log of publications."""

from pathlib import Path

import pytest

from tests.sandbox.raw_world import RawWorld, begin


class Supervised:
    """Stands where the launcher stands: notes what it is told."""

    def __init__(self) -> None:
        self.running = {"bot": 10, "scheduler": 11}

    async def kill(self, name: str, signal: int) -> None:
        """As the launcher."""
        assert signal == 9
        del self.running[name]

    async def start(self, name: str) -> None:
        """As the launcher."""
        if name not in {"bot", "scheduler"}:
            raise KeyError(name)
        self.running[name] = 12

    def pids(self) -> dict[str, int]:
        """As the launcher."""
        return self.running


async def test_clock_moves_telegram_and_the_database_together(tmp_path: Path) -> None:
    moved: list[float] = []

    async def move(seconds: float) -> float:
        moved.append(seconds)
        return sum(moved)

    async with begin(tmp_path, move_clock=move) as world:
        await world.populate()
        before = await world.call("sendMessage", chat_id=world.ids["channel"], text="a")
        await world.control("clock", seconds=3600)
        answered = await world.control("clock", seconds=0.5)
        assert answered["clock_shift"] == 3600.5
        after = await world.call("sendMessage", chat_id=world.ids["channel"], text="a")
        assert 3600 <= after["date"] - before["date"] < 3660
        assert "forward" in (await world.control("clock", 400, seconds=-1))["error"]
    assert moved == [3600.0, 0.5]


async def test_processes_are_killed_and_started(tmp_path: Path) -> None:
    async with begin(tmp_path, processes=Supervised()) as world:
        assert (await world.control("processes/bot/kill"))["processes"] == {"scheduler": 11}
        started = await world.control("processes/bot/start")
        assert started["processes"] == {"bot": 12, "scheduler": 11}
        await world.control("processes/nothing/kill", 404)
        await world.control("processes/bot/kill", 400, signal=0)


async def test_levers_that_are_not_there_say_so(world: RawWorld) -> None:
    await world.control("clock", 409, seconds=1)
    await world.control("processes/bot/kill", 409)


async def test_publications_keep_what_was_deleted(world: RawWorld) -> None:
    channel = world.ids["channel"]
    sent = await world.call("sendMessage", chat_id=channel, text="ad")
    await world.call("sendMessage", chat_id=world.ids["advertiser"], text="private")
    await world.call("deleteMessage", chat_id=channel, message_id=sent["message_id"])
    [entry] = (await world.see("published"))["published"]
    assert (entry["chat_id"], entry["message_id"], entry["text"]) == (
        channel,
        sent["message_id"],
        "ad",
    )
    on_disk = (world.state.folder / "published.jsonl").read_text()
    assert on_disk.count("\n") == 1


async def test_state_shows_the_bots_standing(world: RawWorld) -> None:
    seen = await world.see("state")
    assert [person["first_name"] for person in seen["people"]] == ["Advertiser", "Owner", "Admin"]
    by_id = {chat["id"]: chat for chat in seen["chats"]}
    channel = by_id[world.ids["channel"]]
    assert (channel["bot_status"], channel["bot_rights"]) == (
        "administrator",
        ["can_post_messages"],
    )
    assert by_id[world.ids["group"]]["bot_status"] == "member"
    assert by_id[world.ids["owner"]]["bot_status"] == "left"


async def test_people_change_channels_within_their_rights(world: RawWorld) -> None:
    channel, stranger = world.ids["channel"], world.ids["advertiser"]
    sent = await world.call("sendMessage", chat_id=channel, text="ad")
    order = {"user_id": stranger, "message_id": sent["message_id"]}
    await world.control(f"chats/{channel}/post", 403, user_id=stranger, text="x")
    await world.control(f"chats/{channel}/edit", 403, text="x", **order)
    await world.control(f"chats/{channel}/delete", 403, **order)
    order["user_id"] = world.ids["owner"]
    await world.control(f"chats/{channel}/edit", text="changed", **order)
    seen = await world.see(f"chats/{channel}/messages")
    assert seen["messages"][-1]["text"] == "changed"
    await world.control(f"chats/{channel}/delete", **order)
    await world.control(f"chats/{channel}/delete", 404, **order)


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/api.js", "/chat.js"])
async def test_page_loads_nothing_from_elsewhere(world: RawWorld, path: str) -> None:
    async with world.http.get(world.url + path) as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
        text = await response.text()
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "https://" not in text
    assert "innerHTML" not in text
    assert len(text) > 500


async def test_unknown_address(world: RawWorld) -> None:
    async with world.http.get(f"{world.url}/nothing") as response:
        assert response.status == 404
        assert response.headers["X-Content-Type-Options"] == "nosniff"
