// Keep the page up to date with one long poll after the other. A hidden tab asks for nothing, so
// that many tabs do not use up the browser's connections.

import { Refused, WrongToken, see } from "/api.js";
import { emit, world } from "/store.js";

const WAIT = 25;
const PAUSE = 80; // milliseconds between two polls, so that a busy world costs little
const RETRY = 1000;

let opened = null; // the open chat, {id, version}
let controller = null;

const sleep = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

function shown() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true });
  });
}

// Also follow the messages of this chat, from a version on.
export function followChat(id, version) {
  opened = id === null ? null : { id, version };
  controller?.abort();
}

function takeOver(answer) {
  if (answer.reset) {
    world.chats.clear();
    world.people.clear();
  }
  world.version = answer.version;
  world.now = answer.now;
  world.receivedAt = performance.now();
  world.bot = answer.bot;
  world.guide = answer.guide;
  world.offers = answer.offers;
  for (const person of answer.people ?? []) world.people.set(person.id, person);
  for (const chat of answer.chats) world.chats.set(chat.id, chat);
  emit("world", answer);
  if (answer.open && answer.open.chat_id === opened?.id) {
    opened.version = answer.open.version;
    emit("open", answer.open);
  }
}

async function poll(wait) {
  const query = new URLSearchParams({ since: world.version, wait });
  if (opened) {
    query.set("chat", opened.id);
    query.set("chat_since", opened.version);
  }
  controller = new AbortController();
  takeOver(await see(`page?${query}`, controller.signal));
}

export async function run() {
  let wait = 0;
  while (true) {
    await shown();
    try {
      await poll(wait);
      wait = WAIT;
      emit("online", true);
      await sleep(PAUSE);
    } catch (error) {
      if (error.name === "AbortError") continue;
      if (error instanceof WrongToken) {
        emit("wrong token");
        return;
      }
      if (!(error instanceof Refused || error instanceof TypeError)) console.error(error);
      emit("online", false);
      wait = 0;
      await sleep(RETRY);
    }
  }
}
