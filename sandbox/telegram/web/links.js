// Open links. Links to known channels and to the bot are followed inside the page.

import { emit, place, world } from "/store.js";
import { go, goAsMember } from "/router.js";

const CHANNEL_BASE = -1_000_000_000_000;

function chatByName(name) {
  const wanted = name.toLowerCase();
  return [...world.chats.values()].find(({ type, username }) => (
    type !== "private" && username?.toLowerCase() === wanted
  ));
}

const isBot = (name) => name.toLowerCase() === world.bot?.username?.toLowerCase();

// Return where a link of Telegram leads: {chat, message}, {bot: true, start} or {invite}, or null.
export function target(address) {
  let url;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:/i.test(address) ? address : `https://${address}`);
  } catch {
    return null;
  }
  let [name, ...rest] = url.pathname.split("/").filter(Boolean);
  if (url.protocol === "tg:") {
    const query = url.searchParams;
    if (url.hostname === "privatepost") [name, rest] = ["c", [query.get("channel"), query.get("post")]];
    else if (url.hostname === "resolve") [name, rest] = [query.get("domain"), [query.get("post")]];
    else return null;
  } else if (!/^(www\.)?(t|telegram)\.me$/i.test(url.hostname)) return null;
  if (!name) return null;
  if (name.startsWith("+")) return { invite: address };
  if (name === "c") {
    const chat = world.chats.get(CHANNEL_BASE - Number(rest[0]));
    return chat ? { chat, message: Number(rest.at(-1)) || null } : null;
  }
  if (isBot(name)) return { bot: true, start: url.searchParams.get("start") };
  const chat = chatByName(name);
  return chat ? { chat, message: rest.length ? Number(rest.at(-1)) || null : null } : null;
}

export function openLink(address) {
  const found = target(address);
  if (found?.bot) {
    go(place.person, place.person);
    if (found.start) emit("start", found.start);
    return;
  }
  if (found?.invite) {
    emit("invite", found.invite);
    return;
  }
  if (found) {
    goAsMember(place.person, found.chat, found.message);
    return;
  }
  const whole = /^[a-z][a-z0-9+.-]*:/i.test(address) ? address : `http://${address}`;
  if (/^(https?|mailto|tel):/i.test(whole)) window.open(whole, "_blank", "noopener,noreferrer");
  else emit("toast", whole);
}
