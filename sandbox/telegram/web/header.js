// Show the open chat's head: who it is, its pinned message, and what stands in place of the writing.

import { join, chatEntries, unblock } from "/chat_actions.js";
import { drawPlaceholder, sendText } from "/composer.js";
import { $, face, make, setText } from "/dom.js";
import { number, t } from "/i18n.js";
import { icon } from "/icons.js";
import { drawKeyboard } from "/keyboard.js";
import { openMenu } from "/menu.js";
import { goToList } from "/router.js";
import { previewText } from "/service.js";
import {
  currentChat, emit, faceId, isIn, mayWrite, nameOf, place, titleOf, world,
} from "/store.js";

let drawn = null;

function subtitle(chat) {
  if (chat.action) return t("typing");
  if (chat.type === "private") {
    const state = { member: "bot", kicked: "bot blocked", left: "bot not started" }[chat.bot_status];
    return t("bot of person", { state: t(state), name: nameOf(chat.id) });
  }
  const people = chat.members.filter(({ user_id: id }) => isIn(chat, id)).length;
  const isBotIn = !["left", "kicked"].includes(chat.bot_status);
  const count = chat.type === "channel"
    ? t("subscribers", { count: chat.subscribers, number: number(chat.subscribers) })
    : t("members", { count: people + (isBotIn ? 1 : 0) });
  return `${count} · ${t(`bot ${chat.bot_status}`)}`;
}

function drawPinned(chat) {
  const box = $("pinned");
  box.hidden = !chat?.pinned;
  if (!chat?.pinned) return;
  const wanted = `${chat.id} ${chat.pinned.message_id} ${chat.pinned.text}`;
  if (box.dataset.wanted === wanted) return;
  box.dataset.wanted = wanted;
  box.replaceChildren(make("button", { onclick: () => emit("jump", chat.pinned.message_id) }, icon("pin"),
    make("span", {}, make("b", {}, t("pinned message")), make("span", {}, previewText(chat.pinned)))));
}

function replacement(chat) {
  if (chat.type === "private") {
    if (chat.bot_status === "left") return ["START", () => sendText("/start")];
    if (chat.bot_status === "kicked") return [t("unblock the bot"), () => unblock(chat)];
    return null;
  }
  if (mayWrite(chat, place.person)) return null;
  if (!isIn(chat, place.person)) return [t("join"), () => join(chat)];
  return [t("only admins post"), null];
}

// Show the composer, or what Telegram shows in its place: START, Unblock or Join.
function drawInstead(chat) {
  const found = chat && replacement(chat);
  $("composer").hidden = !chat || Boolean(found);
  const box = $("instead");
  box.hidden = !found;
  const wanted = found ? `${place.person} ${chat.id} ${found[0]}` : "";
  if (box.dataset.wanted === wanted) return;
  const hadFocus = box.contains(document.activeElement);
  box.dataset.wanted = wanted;
  const [text, action] = found ?? [];
  box.replaceChildren(...(found ? [action
    ? make("button", { id: "start", onclick: action }, text)
    : make("p", {}, text)] : []));
  if (hadFocus && !$("composer").hidden) $("text").focus();
}

function drawEmpty(chat) {
  const { bot } = world;
  const isStart = chat.type === "private";
  const text = isStart ? bot.description ?? bot.short_description ?? t("start to begin") : t("no messages");
  const wanted = `${isStart} ${text}`;
  if ($("empty").dataset.wanted === wanted) return;
  $("empty").dataset.wanted = wanted;
  $("empty").replaceChildren(make("div", { class: "card" },
    isStart ? make("b", {}, t("what can this bot do")) : null, make("p", {}, text)));
}

export function drawHeader() {
  const chat = currentChat();
  const wanted = chat ? `${chat.id} ${titleOf(chat)}` : "";
  if (wanted !== drawn) {
    drawn = wanted;
    $("chat-face").replaceChildren(...(chat ? [face(faceId(chat), titleOf(chat))] : []));
    setText($("chat-title"), chat ? titleOf(chat) : t("choose a chat"));
  }
  setText($("chat-subtitle"), chat ? subtitle(chat) : "");
  $("chat-subtitle").classList.toggle("typing", Boolean(chat?.action));
  $("chat-menu").hidden = chatEntries().length === 0;
  document.title = chat ? `${titleOf(chat)} · ${nameOf(place.person)}` : t("page title");
  drawPinned(chat);
  drawInstead(chat);
  drawPlaceholder();
  drawKeyboard();
  if (chat) drawEmpty(chat);
}

export function begin() {
  $("back").append(icon("back"));
  $("back").addEventListener("click", goToList);
  $("chat-menu").append(icon("more"));
  $("chat-menu").addEventListener("click", () => openMenu($("chat-menu"), chatEntries(), t("actions of this chat")));
  $("panel-toggle").append(icon("panel"));
}
