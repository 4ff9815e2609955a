// Show a window of the open chat's messages: load older and newer ones while the reader scrolls, and
// change the shown ones by difference.

import { see } from "/api.js";
import { $, reconcile, whenReleased } from "/dom.js";
import { dayKey, dayName, t } from "/i18n.js";
import { item, separator, showViews } from "/message.js";
import { emit, place, sandboxTime, unreadOf, world } from "/store.js";
import { storePosition, takePosition } from "/position.js";
import { followChat } from "/sync.js";

const LIMIT = 60;
const MOST = 240; // messages in the document at once
const NEAR = 600; // pixels from an edge at which more messages are loaded
const TOGETHER = 300; // seconds within which messages of one author stand together

const log = $("log");
const list = $("messages");
let view = null;
let opening = 0;
let keeping;
let hasOpened = false;
let handlers = {};

export function setHandlers(given) {
  handlers = given;
}

const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 60;

// The end stays in view when the room for the messages changes, for example by a longer draft.
let wasAtEnd = true;
new ResizeObserver(() => { if (wasAtEnd) scrollToEnd(); }).observe(log);

export function scrollToEnd() {
  log.scrollTop = log.scrollHeight;
}

export const shownMessages = () => (view ? [...view.messages.values()] : []);
export const newestOwn = (person) => shownMessages().reverse()
  .find((message) => message.author_id === person && !message.service);
export const keyboardOf = () => view?.keyboard ?? null;
export const commandsOf = () => view?.commands ?? [];

// --- what is shown

function groups() {
  const found = [];
  for (const message of view.messages.values()) {
    const last = found.at(-1);
    if (message.media_group_id && last?.[0].media_group_id === message.media_group_id) last.push(message);
    else found.push([message]);
  }
  return found;
}

const signatures = new WeakMap();

// A message whose number of views alone has changed is not drawn again.
function signatureOf(message) {
  if (!signatures.has(message)) signatures.set(message, JSON.stringify({ ...message, version: 0, views: 0 }));
  return signatures.get(message);
}

function rows() {
  const chat = world.chats.get(view.id);
  const found = [];
  let [day, before] = [null, null];
  for (const messages of [...groups(), ...view.pending.map((message) => [message])]) {
    const [first] = messages;
    if (dayKey(first.date) !== day) {
      day = dayKey(first.date);
      const name = dayName(first.date, sandboxTime());
      found.push({ key: `day ${day}`, signature: name, build: () => separator(name, "day") });
      before = null;
    }
    if (view.unreadFrom !== null && first.message_id >= view.unreadFrom && !view.hasUnreadMark) {
      view.hasUnreadMark = true;
      found.push({ key: "unread", signature: "", build: () => separator(t("unread messages"), "unread") });
      before = null;
    }
    const isOut = first.author_id === place.person && chat.type !== "channel";
    const isJoined = before !== null && !first.service && !before.service
      && before.author_id === first.author_id && first.date - before.date < TOGETHER;
    const named = chat.type === "supergroup" && !isOut && !first.service;
    const shown = { isOut, named, isPending: first.isPending, ...handlers };
    found.push({
      key: first.key ?? `message ${first.message_id}`,
      signature: messages.map(signatureOf).join(),
      build: () => item(messages, shown),
      isJoined, isOut, isService: Boolean(first.service),
      update(element) {
        const classes = ["item", this.isService ? "service" : isOut ? "out" : "in"];
        if (isJoined) classes.push("joined");
        if (!this.isFollowed) classes.push("tail");
        if (named) classes.push("named");
        const name = classes.join(" ");
        if (element.className !== name) element.className = name;
        showViews(element, messages.at(-1));
      },
    });
    before = first;
  }
  found.forEach((row, index) => { row.isFollowed = Boolean(found[index + 1]?.isJoined); });
  return found;
}

function draw() {
  if (!view || !world.chats.has(view.id)) return;
  const stays = isAtEnd() && !view.hasNewer;
  view.hasUnreadMark = false;
  reconcile(list, view.items, rows());
  if (stays) scrollToEnd();
  $("empty").hidden = view.messages.size > 0 || view.pending.length > 0;
  updateEnd();
}

function updateEnd() {
  if (!view) return;
  wasAtEnd = isAtEnd() && !view.hasNewer;
  const away = !wasAtEnd;
  $("to-end").hidden = !away;
  const chat = world.chats.get(view.id);
  const count = chat ? unreadOf(chat, place.person) : 0;
  $("to-end").querySelector(".badge").textContent = away && count ? String(count) : "";
  if (!away) emit("read", { chat: view.id, newest: [...view.messages.keys()].at(-1) ?? 0 });
}

function keep(messages) {
  for (const message of messages) view.messages.set(message.message_id, message);
  const sorted = [...view.messages.entries()].sort(([a], [b]) => a - b);
  view.messages = new Map(sorted);
}

function trim(side) {
  const ids = [...view.messages.keys()];
  const extra = ids.length - MOST;
  if (extra <= 0) return;
  for (const id of side === "older" ? ids.slice(0, extra) : ids.slice(-extra)) view.messages.delete(id);
  if (side === "older") view.hasOlder = true;
  else view.hasNewer = true;
}

function takeControls({ keyboard, commands }) {
  view.keyboard = keyboard;
  view.commands = commands;
  emit("controls");
}

// --- opening and loading

export function close() {
  opening += 1;
  view = null;
  list.replaceChildren();
  followChat(null);
}

export async function open(id, messageId = null) {
  const mine = opening += 1;
  log.setAttribute("aria-busy", "true");
  const chat = world.chats.get(id);
  const unread = unreadOf(chat, place.person);
  const query = new URLSearchParams({ limit: LIMIT });
  const kept = messageId === null && !hasOpened ? takePosition(place.person, id) : null;
  hasOpened = true;
  if (messageId ?? kept) query.set("around", messageId ?? kept.message);
  const seen = await see(`chats/${id}/messages?${query}`);
  if (mine !== opening) return;
  list.replaceChildren();
  view = {
    id, messages: new Map(), items: new Map(), pending: [],
    hasOlder: seen.has_older, hasNewer: seen.has_newer, loading: false,
    unreadFrom: null, hasUnreadMark: false,
  };
  keep(seen.messages);
  if (unread > 0 && !query.has("around") && unread < seen.messages.length) {
    view.unreadFrom = seen.messages.at(-unread).message_id;
  }
  draw();
  takeControls(seen);
  followChat(id, seen.version);
  if (messageId !== null) flash(messageId);
  else if (kept) showAgain(kept);
  else if (view.unreadFrom !== null) showUnread();
  else scrollToEnd();
  updateEnd();
  // The first content of a chat is not news for a screen reader.
  setTimeout(() => { if (mine === opening) log.removeAttribute("aria-busy"); }, 300);
}

function showUnread() {
  const mark = view.items.get("unread")?.element;
  if (mark) log.scrollTop = mark.offsetTop - log.clientHeight / 3;
  else scrollToEnd();
}

function showAgain({ message, offset }) {
  const element = list.querySelector(`[data-id="${message}"]`);
  if (element) log.scrollTop = element.offsetTop + offset;
}

function keepPosition() {
  const top = [...list.children].find((item) => item.dataset.id && item.offsetTop + item.offsetHeight > log.scrollTop);
  if (!top) return;
  const isEnd = isAtEnd() && !view.hasNewer;
  storePosition(place.person, view.id, isEnd ? null : Number(top.dataset.id), log.scrollTop - top.offsetTop);
}

async function load(side) {
  if (view.loading) return;
  const mine = view;
  mine.loading = true;
  const ids = [...mine.messages.keys()];
  const query = side === "older" ? `before=${ids[0]}` : `after=${ids.at(-1)}`;
  try {
    const seen = await see(`chats/${mine.id}/messages?limit=${LIMIT}&${query}`);
    if (mine !== view) return;
    log.setAttribute("aria-busy", "true");
    keep(seen.messages);
    if (side === "older") {
      view.hasOlder = seen.has_older;
      trim("newer");
    } else {
      view.hasNewer = seen.has_newer;
      trim("older");
    }
    const [top, height] = [log.scrollTop, log.scrollHeight];
    const anchor = [...list.children].find((child) => child.offsetTop + child.offsetHeight > top);
    const offset = anchor ? anchor.offsetTop : height;
    draw();
    if (anchor?.isConnected) log.scrollTop = top + anchor.offsetTop - offset;
    setTimeout(() => log.removeAttribute("aria-busy"), 100);
  } finally {
    mine.loading = false;
  }
}

log.addEventListener("scroll", () => {
  if (!view) return;
  updateEnd();
  clearTimeout(keeping);
  keeping = setTimeout(() => { if (view) keepPosition(); }, 150);
  if (view.hasOlder && log.scrollTop < NEAR) load("older");
  else if (view.hasNewer && log.scrollHeight - log.scrollTop - log.clientHeight < NEAR) load("newer");
}, { passive: true });

export function goToEnd() {
  if (view?.hasNewer) return open(view.id);
  scrollToEnd();
  return Promise.resolve();
}

// --- jumping to a message

function flash(id) {
  const entry = view.items.get(`message ${id}`)
    ?? view.items.get(`message ${groups().find((group) => group.some((one) => one.message_id === id))?.[0].message_id}`);
  if (!entry) {
    emit("toast", t("the message is gone"));
    return;
  }
  entry.element.scrollIntoView({ block: "center" });
  entry.element.focus({ preventScroll: true });
  entry.element.animate([{ backgroundColor: "rgb(51 144 236 / 45%)" }, { backgroundColor: "transparent" }], 1800);
}

export async function jump(id) {
  if (!view) return;
  if (view.messages.has(id)) flash(id);
  else await open(view.id, id);
}

// --- changes

export function takeChanges(answer) {
  if (!view || answer.chat_id !== view.id) return;
  if (answer.reset) {
    open(view.id);
    return;
  }
  const newest = [...view.messages.keys()].at(-1) ?? 0;
  const oldest = [...view.messages.keys()][0] ?? 0;
  for (const id of answer.deleted) view.messages.delete(id);
  keep(answer.messages.filter(({ message_id: id }) => (
    (id >= oldest && id <= newest) || (id > newest && !view.hasNewer)
  )));
  const arrived = new Set(answer.messages.map(({ message_id: id }) => id));
  view.pending = view.pending.filter(({ sentId }) => !arrived.has(sentId));
  if (isAtEnd()) trim("older");
  if (JSON.stringify([view.keyboard, view.commands]) !== JSON.stringify([answer.keyboard, answer.commands])) {
    takeControls(answer);
  }
  whenReleased(draw);
}

// Show a message that is not sent yet. Returns functions to call when it is, or when it cannot be.
export function addPending(message) {
  const mine = view;
  const pending = {
    key: `pending ${Math.random()}`, message_id: 0, date: sandboxTime(), version: 0, entities: [], buttons: [],
    contents: {}, service: null, media: null, text: null, caption: null, edited: false,
    author_id: place.person, from: place.person, isPending: true, ...message,
  };
  mine.pending.push(pending);
  draw();
  scrollToEnd();
  const remove = () => {
    mine.pending = mine.pending.filter((one) => one !== pending);
    if (mine === view) draw();
  };
  return {
    sent(id) {
      pending.sentId = id;
      if (mine.messages.has(id)) remove();
    },
    failed: remove,
  };
}

export const refresh = () => whenReleased(draw);

// --- keys: up and down go from message to message

log.addEventListener("keydown", (event) => {
  if (!["ArrowUp", "ArrowDown", "End", "Home"].includes(event.key)) return;
  if (event.target.closest("button, a, video, pre") && !event.target.matches(".item")) return;
  const items = [...list.querySelectorAll(".item")];
  if (!items.length) return;
  event.preventDefault();
  const at = items.indexOf(document.activeElement);
  const next = {
    ArrowUp: at === -1 ? items.length - 1 : Math.max(at - 1, 0),
    ArrowDown: at === -1 ? items.length - 1 : Math.min(at + 1, items.length - 1),
    Home: 0, End: items.length - 1,
  }[event.key];
  items[next].focus();
});
