// Write, answer and edit messages. What is not sent yet stays as the draft of its person and chat.

import { act, Refused } from "/api.js";
import { attempt, ask, toast } from "/dialogs.js";
import { $, make, setAttribute } from "/dom.js";
import { readDraft, writeDraft } from "/drafts.js";
import * as editor from "/editor.js";
import { addPending, goToEnd, keyboardOf, newestOwn, shownMessages } from "/history.js";
import { t } from "/i18n.js";
import { icon } from "/icons.js";
import { mediaName } from "/service.js";
import { currentChat, emit, place } from "/store.js";
import { takeSuggestionKey, updateSuggestions } from "/suggestions.js";

const field = $("text");
let reference = null; // {kind: "reply" or "edit", message}
let owner = { person: null, chat: null };

// --- what the message answers or replaces

function drawReference() {
  const box = $("reference");
  box.hidden = reference === null;
  if (!reference) return;
  const { kind, message } = reference;
  const text = message.text ?? message.caption ?? (message.media ? mediaName(message.media) : t("message"));
  box.replaceChildren(icon(kind), make("div", {},
    make("b", {}, kind === "edit" ? t("editing") : t("reply to", { name: message.from_name ?? "" })),
    make("span", {}, text.replaceAll("\n", " "))),
  make("button", { class: "round", "aria-label": t("cancel"), onclick: cancelReference }, icon("close")));
}

function cancelReference() {
  const wasEdit = reference?.kind === "edit";
  reference = null;
  if (wasEdit) editor.write(readDraft(owner.person, owner.chat) ?? { text: "" });
  drawReference();
  update();
  field.focus();
}

export function replyTo(message) {
  if (reference?.kind === "edit") cancelReference();
  reference = { kind: "reply", message };
  drawReference();
  saveDraft();
  editor.focusAtEnd();
}

export function edit(message) {
  reference = { kind: "edit", message };
  editor.write({ text: message.text ?? message.caption ?? "", entities: message.entities });
  drawReference();
  update();
  editor.focusAtEnd();
}

// --- drafts

function saveDraft() {
  if (owner.chat === null || reference?.kind === "edit") return;
  const reply = reference?.message.message_id ?? null;
  writeDraft(owner.person, owner.chat, { ...editor.read(), reply });
}

// Show the draft of the chat that is open now.
export function changePlace() {
  if (owner.person === place.person && owner.chat === place.chat) return;
  owner = { person: place.person, chat: place.chat };
  reference = null;
  editor.write(readDraft(owner.person, owner.chat) ?? { text: "" });
  drawReference();
  update();
}

// The answered message is known only after the history is there.
export function restoreReply() {
  const id = readDraft(owner.person, owner.chat)?.reply;
  const message = id && !reference && shownMessages().find((one) => one.message_id === id);
  if (!message) return;
  reference = { kind: "reply", message };
  drawReference();
}

function update() {
  const isEmpty = editor.isEmpty();
  if (isEmpty && field.childNodes.length && field.textContent === "") field.replaceChildren();
  field.classList.toggle("is-empty", isEmpty && field.textContent === "");
  setAttribute($("send"), "aria-disabled", isEmpty ? "true" : null);
  $("composer").classList.toggle("is-ready", !isEmpty);
  updateSuggestions();
}

export function drawPlaceholder() {
  const chat = currentChat();
  if (!chat) return;
  const given = keyboardOf()?.placeholder;
  const text = given ?? t(chat.type === "channel" ? "broadcast" : "message");
  setAttribute(field, "aria-label", text);
  setAttribute(field, "data-placeholder", text);
}

// --- sending

// Carry out a request that adds a message, and show the message before it is sent.
export async function sendMessage(body, shown = { text: body.text, entities: body.entities ?? [] }) {
  const chat = currentChat();
  const person = place.person;
  await goToEnd();
  const pending = addPending(shown);
  try {
    const sent = chat.type === "channel"
      ? await act(`chats/${chat.id}/post`, { ...body, user_id: person })
      : await act(`users/${person}/send`, { ...body, chat_id: chat.id });
    pending.sent(sent.message_id);
    return true;
  } catch (error) {
    pending.failed();
    toast(error instanceof Refused ? error.message : t("the sandbox does not answer"));
    return false;
  }
}

export const sendText = (text) => sendMessage({ text });

// Return the id of the answered message for a request, and end the answer.
export function takeReply() {
  if (reference?.kind !== "reply") return {};
  const id = reference.message.message_id;
  reference = null;
  drawReference();
  saveDraft();
  return { reply_to_message_id: id };
}

async function submit() {
  const content = editor.read();
  if (!content.text) return;
  if (reference?.kind === "edit") {
    const { message } = reference;
    const done = await attempt(() => act(`chats/${place.chat}/edit`, {
      user_id: place.person, message_id: message.message_id, ...content,
    }));
    if (done && reference?.message === message) cancelReference();
    return;
  }
  const mine = { ...owner };
  const reply = takeReply();
  editor.write({ text: "" });
  saveDraft();
  update();
  const wasSent = await sendMessage({ ...content, ...reply }, content);
  // A refused text comes back, if nothing else was written in the meantime.
  if (wasSent || readDraft(mine.person, mine.chat)) return;
  writeDraft(mine.person, mine.chat, content);
  if (mine.person === owner.person && mine.chat === owner.chat && editor.isEmpty()) {
    editor.write(content);
    update();
  }
}

// --- formats

const FORMATS = [
  ["bold", "B", "Ctrl+B"], ["italic", "I", "Ctrl+I"], ["underline", "U", "Ctrl+U"],
  ["strikethrough", "S", "Ctrl+Shift+X"], ["code", "</>", "Ctrl+Shift+M"],
  ["spoiler", "▒", "Ctrl+Shift+P"], ["text_link", "🔗", "Ctrl+K"],
];

async function apply(type) {
  const range = editor.selectedRange()?.cloneRange();
  if (!range) {
    toast(t("select a text first"));
    return;
  }
  if (type !== "text_link") {
    editor.toggle(type);
    return;
  }
  const answer = await ask(t("link"), [{
    name: "url", label: t("address"), value: editor.linkAt(range), inputmode: "url", placeholder: "https://",
  }]);
  field.focus();
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  if (!answer) return;
  const url = answer.url && !/^[a-z][a-z0-9+.-]*:/i.test(answer.url) ? `https://${answer.url}` : answer.url;
  editor.setLink(range, url);
}

function shortcut(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return null;
  const keys = `Ctrl+${event.shiftKey ? "Shift+" : ""}${event.key.toUpperCase()}`;
  return FORMATS.find(([, , wanted]) => wanted === keys)?.[0] ?? null;
}

function buildFormats() {
  $("formats").replaceChildren(...FORMATS.map(([type, glyph, keys]) => make("button", {
    class: `format-${type}`, "aria-label": t(`format ${type}`), title: `${t(`format ${type}`)} (${keys})`,
    // The text must stay selected.
    onpointerdown: (event) => event.preventDefault(),
    onclick: () => apply(type),
  }, glyph)));
}

function showFormats(isShown) {
  $("formats").hidden = !isShown;
  $("format").setAttribute("aria-expanded", String(isShown));
}

// --- keys

function keydown(event) {
  if (event.isComposing || takeSuggestionKey(event)) return;
  const type = shortcut(event);
  if (type) {
    event.preventDefault();
    apply(type);
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (event.shiftKey) document.execCommand("insertLineBreak");
    else submit();
  } else if (event.key === "Escape" && reference) {
    event.stopPropagation();
    cancelReference();
  } else if (event.key === "ArrowUp" && editor.isEmpty()) {
    const own = newestOwn(place.person);
    if (!own || (own.text ?? own.caption) === null || own.forward_origin) return;
    event.preventDefault();
    edit(own);
  }
}

export function begin() {
  buildFormats();
  $("format").append(icon("format"));
  $("send").append(icon("send"));
  $("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
    field.focus();
  });
  field.addEventListener("keydown", keydown);
  field.addEventListener("input", () => {
    saveDraft();
    update();
  });
  field.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) emit("files", event.clipboardData.files);
  });
  let isAsked = false;
  $("format").addEventListener("click", () => {
    isAsked = $("formats").hidden;
    showFormats(isAsked);
  });
  document.addEventListener("selectionchange", () => {
    if (editor.selectedRange()) showFormats(true);
    else if (document.activeElement === field) showFormats(isAsked);
  });
}
