// Hold what the page knows of the simulated Telegram, and answer questions about it.

export const world = {
  version: 0, now: 0, receivedAt: 0, bot: null,
  people: new Map(), chats: new Map(), guide: [], offers: {},
};

// Whose chat is open. `folder` is the id of a person, or "all".
export const place = { person: null, chat: null, folder: "all" };

const listeners = new Map();

export function on(name, listener) {
  if (!listeners.has(name)) listeners.set(name, []);
  listeners.get(name).push(listener);
}

export function emit(name, detail) {
  for (const listener of listeners.get(name) ?? []) listener(detail);
}

const PRESENT = ["creator", "administrator", "member"];

export function statusOf(chat, person) {
  if (chat.type === "private") return chat.id === person ? "member" : "left";
  return chat.members.find(({ user_id: id }) => id === person)?.status ?? "left";
}

export const isIn = (chat, person) => PRESENT.includes(statusOf(chat, person));
export const manages = (chat, person) => ["creator", "administrator"].includes(statusOf(chat, person));
export const created = (chat, person) => statusOf(chat, person) === "creator";
export const mayWrite = (chat, person) => (
  chat.type === "channel" ? manages(chat, person) : isIn(chat, person)
);

export const currentChat = () => world.chats.get(place.chat) ?? null;
export const nameOf = (person) => world.people.get(person)?.first_name ?? "?";
export const titleOf = (chat) => (chat.type === "private" ? world.bot.first_name : chat.title ?? "");
export const faceId = (chat) => (chat.type === "private" ? world.bot.id : chat.id);
export const unreadOf = (chat, person) => chat.unread[person] ?? 0;

// Call `action` as soon as the server has told of a new person and a new chat.
export function whenKnown(person, chat, action) {
  if (world.people.has(person) && world.chats.has(chat)) action();
  else setTimeout(() => whenKnown(person, chat, action), 30);
}

// The rows of the chat list, [person, chat], the newest first. The list of everybody has each
// channel and group once, for its creator.
export function listRows(folder) {
  const rows = [];
  for (const chat of world.chats.values()) {
    if (folder !== "all") {
      if (isIn(chat, folder)) rows.push([folder, chat]);
    } else if (chat.type === "private") {
      rows.push([chat.id, chat]);
    } else {
      const keeper = chat.members.find(({ status }) => status === "creator")
        ?? chat.members.find(({ status }) => PRESENT.includes(status));
      if (keeper) rows.push([keeper.user_id, chat]);
    }
  }
  const newest = ([, chat]) => chat.last?.date ?? 0;
  return rows.sort((a, b) => newest(b) - newest(a) || b[1].version - a[1].version);
}

export function unreadOfPerson(person) {
  let count = 0;
  for (const chat of world.chats.values()) count += unreadOf(chat, person);
  return count;
}

// The time of the sandbox's clock now, in seconds since 1970.
export const sandboxTime = () => world.now + (performance.now() - world.receivedAt) / 1000;
