"""Test that the journal survives values that cannot be stored, and a full disk."""

import resource
import signal
from pathlib import Path

from sandbox.telegram.persistence import Journal
from tests.sandbox.telegram.raw_world import begin


def test_half_of_a_character_is_stored(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.put("users", 1, {"name": "a\ud83d"})
    assert journal.commit()
    journal.close()
    assert Journal(tmp_path / "journal").tables["users"]["1"] == {"name": "a\ud83d"}


def test_row_that_is_no_json_is_left_out_of_its_commit(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.put("users", 1, {"name": {1, 2}})
    journal.put("users", 2, {"name": "kept"})
    assert journal.commit()
    journal.put("users", 3, {"name": "later"})
    assert journal.commit()
    journal.close()
    stored = Journal(tmp_path / "journal").tables["users"]
    assert stored == {"2": {"name": "kept"}, "3": {"name": "later"}}


async def test_changes_of_a_failed_commit_are_in_the_next_one(tmp_path: Path) -> None:
    async with begin(tmp_path) as world:
        await world.populate()
        person = world.ids["advertiser"]
        size = (tmp_path / "world.jsonl").stat().st_size
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # The next line fits only in part, as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, limits[1]))
        try:
            answer = await world.answer("sendMessage", chat_id=person, text="on a full disk")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        assert answer["error_code"] == 500
        assert (tmp_path / "world.jsonl").stat().st_size == size
        await world.call("sendMessage", chat_id=person, text="later")
    async with begin(tmp_path) as world:
        shown = (await world.see(f"chats/{person}/messages"))["messages"]
        assert [each["text"] for each in shown[-2:]] == ["on a full disk", "later"]
