"""Show the texts of the files that the bot sends, for a page of a tour."""

from html.parser import HTMLParser

from sandbox.telegram.entities import Message
from sandbox.telegram.state import State

_SILENT = {"style", "title"}
_LINES = {"h1", "h2", "p", "tr", "pre", "div", "br"}
_CELLS = {("td", "td"), ("th", "th"), ("dt", "dd")}


class _Text(HTMLParser):
    """The words of a page as lines, with the cells of a table beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._tags: list[str] = []
        self._last = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tags.append(tag)
        if tag in _LINES:
            self.parts.append("\n")
        elif (self._last, tag) in _CELLS:
            self.parts.append(" | ")
        elif tag == "img":
            self.parts.append(f"\n[picture: {dict(attrs)['alt']}]")
        self._last = tag

    def handle_endtag(self, tag: str) -> None:
        while self._tags and self._tags.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not _SILENT & set(self._tags):
            self.parts.append(data if "pre" in self._tags else " ".join(data.split()))


def shown(state: State, message: Message) -> str:
    """Return the name and the words of a message's CSV or HTML file, or an empty text."""
    document = message.body.get("document") or {}
    name = document.get("file_name", "")
    if not name.endswith((".csv", ".html")):
        return ""
    stored = state.file_path(state.files[document["file_id"]]).read_bytes()
    text = stored.decode("utf-8-sig")
    if name.endswith(".html"):
        page = _Text()
        page.feed(text)
        text = "".join(page.parts)
    lines = [line.rstrip() for line in text.splitlines()]
    return "\n".join([f"[{name}]", *(line for line in lines if line)])
