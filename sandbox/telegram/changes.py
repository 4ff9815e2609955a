"""Remember what has changed since a version, so that readers get only the differences."""

from collections import deque

REMEMBERED = 500
"""The changed messages that are remembered for each chat."""


class ChangeLog:
    """The versions of the whole world and of each chat, and the newest changes.

    A version is a number that grows with every visible change. Versions below `first` belong to an
    earlier run of the server.
    """

    def __init__(self, first: int) -> None:
        self.first = self.version = first
        self.people_version = first
        self._chats: dict[int, int] = {}
        self._messages: dict[int, deque[tuple[int, int]]] = {}

    def record(self, chat_id: int | None = None, message_id: int | None = None) -> int:
        """Record a change of the world, of a chat or of a message, and return the new version."""
        self.version += 1
        if chat_id is not None:
            # The order of this dictionary is the order of the chats' last changes.
            self._chats.pop(chat_id, None)
            self._chats[chat_id] = self.version
        if chat_id is not None and message_id is not None:
            rows = self._messages.setdefault(chat_id, deque(maxlen=REMEMBERED))
            rows.append((self.version, message_id))
        return self.version

    def record_people(self) -> None:
        """Record that a person is new or has changed."""
        self.people_version = self.record()

    def chat_version(self, chat_id: int) -> int:
        """Return the version of a chat's last change, or `first` if it has not changed."""
        return self._chats.get(chat_id, self.first)

    def changed_chats(self, since: int) -> list[int]:
        """Return the chats that have changed after a version, the newest change first."""
        changed = []
        for chat_id in reversed(self._chats):
            if self._chats[chat_id] <= since:
                break
            changed.append(chat_id)
        return changed

    def changed_messages(self, chat_id: int, since: int) -> set[int] | None:
        """Return the ids of the messages that are new, changed or deleted after a version.

        Returns None if this is too long ago to know.
        """
        rows = self._messages.get(chat_id) or deque[tuple[int, int]]()
        if since < self.first or (len(rows) == REMEMBERED and rows[0][0] > since + 1):
            return None
        changed = set()
        for version, message_id in reversed(rows):
            if version <= since:
                break
            changed.add(message_id)
        return changed
