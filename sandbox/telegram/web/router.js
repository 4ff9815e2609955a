// Remember in the address which chat is open: #/PERSON/CHAT or #/PERSON/CHAT/MESSAGE. A reload and
// the browser's "back" return there.

import { emit, isIn, listRows, place, world } from "/store.js";

export const isNarrow = () => matchMedia("(max-width: 760px)").matches;

function parse() {
  const [, person, chat, message] = location.hash.match(/^#\/(-?\d+)(?:\/(-?\d+)(?:\/(\d+))?)?$/) ?? [];
  return [person, chat, message].map((part) => (part === undefined ? null : Number(part)));
}

export function hashOf(person, chat = null, message = null) {
  return `#/${[person, chat, message].filter((part) => part !== null).join("/")}`;
}

export function go(person, chat = null, message = null) {
  const hash = hashOf(person, chat, message);
  if (location.hash === hash) follow();
  else location.hash = hash;
}

// On a narrow screen, the list of chats is a screen of its own.
export function goToList() {
  go(place.person);
}

export function chooseFolder(folder) {
  place.folder = folder;
  sessionStorage.setItem("folder", folder);
  const [first] = listRows(folder);
  if (folder === "all") emit("place");
  else if (isNarrow()) go(folder);
  else if (first && !(place.person === folder && place.chat !== null)) {
    const own = world.chats.get(folder);
    go(folder, (own ?? first[1]).id);
  } else emit("place");
}

// Show what the address names. `byPerson` is false for the page's first view.
function follow(byPerson = true) {
  let [person, chat, message] = parse();
  if (!world.people.has(person)) {
    const step = world.guide.find(({ done }) => !done);
    person = step?.person_id ?? world.people.keys().next().value ?? null;
    chat = isNarrow() ? null : step?.chat_id ?? null;
  }
  if (chat !== null && !world.chats.has(chat)) chat = null;
  if (chat === null && person !== null && !isNarrow()) {
    chat = world.chats.has(person) ? person : null;
  }
  const isOther = person !== place.person || chat !== place.chat;
  place.person = person;
  place.chat = chat;
  if (place.folder !== "all" && person !== null && place.folder !== person) {
    place.folder = person;
    sessionStorage.setItem("folder", person);
  }
  document.body.classList.toggle("in-chat", chat !== null);
  emit("place", { message, isOther, byPerson });
}

// Leave a chat that does not exist any more.
export function leave() {
  history.replaceState(null, "", location.pathname);
  follow();
}

// Show a chat as this person, or as somebody who is in it if this person cannot see it.
export function goAsMember(person, chat, message = null) {
  const insider = isIn(chat, person) || chat.username
    ? person
    : chat.members.find(({ user_id: id }) => isIn(chat, id))?.user_id ?? person;
  go(chat.type === "private" ? chat.id : insider, chat.id, message);
}

export function begin() {
  const stored = sessionStorage.getItem("folder");
  const folder = stored === "all" || stored === null ? "all" : Number(stored);
  place.folder = folder === "all" || world.people.has(folder) ? folder : "all";
  addEventListener("hashchange", () => follow());
  follow(false);
}
