// Remember over a reload which message stood at the top of the open chat.

const NAME = "position";

// `message` is the id of the topmost message, or null at the chat's end. `offset` is how many pixels
// of it are above the edge.
export function storePosition(person, chat, message, offset) {
  sessionStorage.setItem(NAME, JSON.stringify({ person, chat, message, offset }));
}

// Return what was stored for this chat before the reload, once.
export function takePosition(person, chat) {
  const stored = JSON.parse(sessionStorage.getItem(NAME) ?? "null");
  sessionStorage.removeItem(NAME);
  return stored?.message && stored.person === person && stored.chat === chat ? stored : null;
}
