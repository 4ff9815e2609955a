"""Split and merge overlapping formats, for example bold (`split_entities` of TDLib)."""

from collections import deque

from sandbox.telegram.formatting.entity import PRE, SPLITTABLE, Entity, in_order


class _Splitter:
    """The state of the splitting. `spans` has the begin and the end of each format that is open."""

    def __init__(self, entities: list[Entity]) -> None:
        self.waiting = deque(entities)
        self.spans: dict[str, tuple[int, int]] = {}
        self.pieces: list[Entity] = []

    def read_until(self, offset: float) -> None:
        """Read the entities that begin before `offset`, and cut all formats there."""
        while self.waiting and self.waiting[0].offset < offset:
            entity = self.waiting.popleft()
            begin, end = self.spans.get(entity.type, (0, -1))
            if entity.offset <= end:
                self.spans[entity.type] = (begin, max(end, entity.end))
            else:
                self._cut(entity.offset)
                self.spans[entity.type] = (entity.offset, entity.end)
        self._cut(offset)

    def _cut(self, offset: float) -> None:
        for kind in SPLITTABLE:
            begin, end = self.spans.get(kind, (0, 0))
            if begin < min(offset, end):
                piece_end = int(min(offset, end))
                self.pieces.append(Entity(kind, begin, piece_end - begin))
                self.spans[kind] = (piece_end, end)
                if piece_end == end:
                    del self.spans[kind]


def split(splittable: list[Entity], others: list[Entity]) -> list[Entity]:
    """Return the splittable entities, cut where one of the others begins or ends.

    Parts of the same format that touch are merged before. Inside of code nothing is left. Both
    lists are in Telegram's order.
    """
    splitter = _Splitter(splittable)
    parents: list[Entity] = []
    for other in [*others, None]:
        begin = float("inf") if other is None else other.offset
        while parents and begin >= parents[-1].end:
            parent = parents.pop()
            kept = len(splitter.pieces)
            splitter.read_until(parent.end)
            if parent.type in PRE:
                del splitter.pieces[kept:]
        splitter.read_until(begin)
        if other is not None:
            parents.append(other)
    return in_order(splitter.pieces)
