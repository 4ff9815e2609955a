// Begin the page: connect its parts, and keep them up to date.

import { act, fileAddress } from "/api.js";
import * as attach from "/attach.js";
import { joinByLink } from "/chat_actions.js";
import * as composer from "/composer.js";
import { attempt, show, toast } from "/dialogs.js";
import { $, make } from "/dom.js";
import * as guide from "/guide.js";
import * as header from "/header.js";
import * as history from "/history.js";
import { t } from "/i18n.js";
import { icon } from "/icons.js";
import * as keyboard from "/keyboard.js";
import { drawList } from "/list.js";
import * as mainMenu from "/main_menu.js";
import * as messageActions from "/message_actions.js";
import { closeMenu } from "/menu.js";
import { pressInline } from "/press.js";
import * as router from "/router.js";
import { currentChat, isIn, on, place, unreadOf, world } from "/store.js";
import * as suggestions from "/suggestions.js";
import * as sync from "/sync.js";

const ACTION_MILLISECONDS = 5000;
let isReady = false;

function showTexts() {
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
    if (element.tagName === "BUTTON") element.title = t(element.dataset.label);
  }
  for (const element of document.querySelectorAll("[data-placeholder]")) {
    element.placeholder = t(element.dataset.placeholder);
  }
}

function drawAround() {
  drawList();
  header.drawHeader();
  guide.drawGuide();
  mainMenu.drawClock();
}

function focusChat() {
  if (router.isNarrow()) $("chat-title").focus({ preventScroll: true });
  else ($("composer").hidden ? $("start") ?? $("chat-title") : $("text")).focus({ preventScroll: true });
}

async function changePlace(detail = {}) {
  closeMenu();
  drawAround();
  composer.changePlace();
  if (!detail.isOther) {
    if (detail.message) await history.jump(detail.message);
    return;
  }
  history.close();
  if (place.chat === null) return;
  await attempt(() => history.open(place.chat, detail.message));
  composer.restoreReply();
  if (detail.byPerson && detail.message === null) focusChat();
}

// An action such as "typing" ends by itself, and the server does not tell when.
function endActionLater(chat) {
  setTimeout(() => {
    if (world.chats.get(chat.id) !== chat) return;
    chat.action = null;
    drawAround();
  }, ACTION_MILLISECONDS);
}

function takeWorld(answer) {
  answer.chats.filter(({ action }) => action).forEach(endActionLater);
  const isGone = place.chat !== null && !world.chats.has(place.chat);
  if (!isReady || isGone) {
    const isFirst = !isReady;
    isReady = true;
    if (isFirst) router.begin();
    else router.leave();
  } else if (answer.reset && place.chat !== null) attempt(() => history.open(place.chat));
  drawAround();
}

let sentMark = "";

// Tell the server what the person has read, once for each new message.
function markRead({ chat, newest }) {
  const mark = `${place.person} ${chat} ${newest}`;
  const shown = world.chats.get(chat);
  if (mark === sentMark || !newest || document.hidden || !isIn(shown, place.person)) return;
  if (!unreadOf(shown, place.person)) return;
  sentMark = mark;
  act(`chats/${chat}/read`, { user_id: place.person, message_id: newest }).catch(() => { sentMark = ""; });
}

function showBanner(text) {
  $("banner").hidden = text === "";
  $("banner").textContent = text;
}

async function copy(text) {
  await navigator.clipboard.writeText(text).then(() => toast(t("copied")), () => toast(text));
}

async function showPhoto(message) {
  const image = make("img", { alt: message.caption ?? t("photo") });
  image.src = await fileAddress(message.file_id);
  show(message.from_name ?? t("photo"), image, [["", t("close"), "quiet"]], { name: "viewer" });
}

function listen() {
  on("world", takeWorld);
  on("place", changePlace);
  on("open", history.takeChanges);
  on("controls", () => {
    header.drawHeader();
    suggestions.drawCommands();
  });
  on("read", markRead);
  on("online", (isOnline) => {
    showBanner(isOnline ? "" : t("the sandbox is away", { address: location.origin }));
  });
  on("wrong token", () => {
    document.body.classList.add("locked");
    showBanner(t("wrong token"));
  });
  on("toast", toast);
  on("copy", copy);
  on("photo", showPhoto);
  on("files", attach.offerFiles);
  on("jump", (id) => attempt(() => history.jump(id)));
  on("command", (command) => {
    if (!$("composer").hidden || currentChat()?.type === "private") composer.sendText(command);
  });
  on("start", (parameter) => attempt(() => act(`users/${place.person}/send`, {
    chat_id: place.person, text: `/start ${parameter}`,
  })));
  on("invite", joinByLink);
  on("new channel", mainMenu.newChannel);
  document.addEventListener("visibilitychange", () => history.refresh());
}

function begin() {
  showTexts();
  history.setHandlers({ press: pressInline, openMenu: messageActions.openMessageMenu });
  for (const part of [attach, composer, guide, header, keyboard, mainMenu, messageActions, suggestions]) part.begin();
  $("to-end").append(icon("down"), make("span", { class: "sr" }, t("to the newest message")), make("span", { class: "badge" }));
  $("to-end").addEventListener("click", () => attempt(history.goToEnd));
  $("skip").addEventListener("click", focusChat);
  listen();
  sync.run();
}

begin();
