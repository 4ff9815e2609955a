"""Test that the versions of the world and of chats grow, and which changes are remembered."""

from sandbox.telegram.changes import REMEMBERED, ChangeLog

FIRST = 1000
CHAT, OTHER = 1, 2


def test_changed_chats_are_those_after_a_version() -> None:
    log = ChangeLog(FIRST)
    assert log.chat_version(CHAT) == FIRST
    log.record(CHAT)
    between = log.record(OTHER)
    assert log.changed_chats(FIRST) == [OTHER, CHAT]
    assert log.changed_chats(between) == []
    log.record(CHAT)
    assert log.changed_chats(between) == [CHAT]
    assert log.changed_chats(FIRST) == [CHAT, OTHER]


def test_changed_messages_are_those_after_a_version() -> None:
    log = ChangeLog(FIRST)
    first = log.record(CHAT, 10)
    log.record(CHAT, 11)
    log.record(OTHER, 12)
    log.record(CHAT, 10)
    assert log.changed_messages(CHAT, FIRST) == {10, 11}
    assert log.changed_messages(CHAT, first) == {10, 11}
    assert log.changed_messages(CHAT, log.version) == set()
    assert log.changed_messages(3, FIRST) == set()


def test_changes_that_are_not_remembered_are_unknown() -> None:
    log = ChangeLog(FIRST)
    assert log.changed_messages(CHAT, FIRST - 1) is None
    for message_id in range(REMEMBERED):
        log.record(CHAT, message_id)
    assert log.changed_messages(CHAT, FIRST) == set(range(REMEMBERED))
    log.record(CHAT, REMEMBERED)
    assert log.changed_messages(CHAT, FIRST) is None
    assert log.changed_messages(CHAT, FIRST + 1) == set(range(1, REMEMBERED + 1))


def test_a_new_person_changes_the_people() -> None:
    log = ChangeLog(FIRST)
    log.record(CHAT)
    assert log.people_version == FIRST
    log.record_people()
    assert log.people_version == log.version
