// Write a text with formats, and read it as Telegram's text and entities.

import { $, make } from "/dom.js";
import { build } from "/entities.js";

const field = $("text");
const MARKS = {
  B: "bold", STRONG: "bold", I: "italic", EM: "italic", U: "underline", S: "strikethrough",
  STRIKE: "strikethrough", DEL: "strikethrough", CODE: "code",
};
const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code" };
const COMMANDS = {
  bold: "bold", italic: "italic", underline: "underline", strikethrough: "strikeThrough",
};

function kindOf(element) {
  if (element.dataset.url) return { type: "text_link", url: element.dataset.url };
  if (element.classList.contains("spoiler-mark")) return { type: "spoiler" };
  return MARKS[element.tagName] ? { type: MARKS[element.tagName] } : null;
}

function trimmed(text, entities) {
  const start = text.length - text.trimStart().length;
  const end = text.trimEnd().length;
  const kept = entities.map((entity) => {
    const from = Math.max(entity.offset, start);
    const to = Math.min(entity.offset + entity.length, end);
    return { ...entity, offset: from - start, length: to - from };
  });
  return { text: text.trim(), entities: kept.filter(({ length }) => length > 0) };
}

// Return the written {text, entities}. Offsets are UTF-16 units.
export function read() {
  let text = "";
  const entities = [];
  function walk(node) {
    if (node.nodeType === Node.TEXT_NODE) {
      text += node.data;
      return;
    }
    if (node.tagName === "BR") {
      text += "\n";
      return;
    }
    if (["DIV", "P"].includes(node.tagName) && node !== field && text && !text.endsWith("\n")) text += "\n";
    const kind = kindOf(node);
    const offset = text.length;
    node.childNodes.forEach(walk);
    if (kind && text.length > offset) entities.push({ ...kind, offset, length: text.length - offset });
  }
  walk(field);
  return trimmed(text, entities);
}

function mark(entity, children) {
  if (entity.type === "text_link") return make("a", { "data-url": entity.url, title: entity.url }, children);
  if (entity.type === "spoiler") return make("span", { class: "spoiler-mark" }, children);
  return TAGS[entity.type] ? make(TAGS[entity.type], {}, children) : make("span", {}, children);
}

export function write({ text, entities }) {
  field.replaceChildren(...build(text, entities ?? [], mark));
}

export const isEmpty = () => read().text === "";

export function focusAtEnd() {
  field.focus();
  const selection = getSelection();
  selection.selectAllChildren(field);
  selection.collapseToEnd();
}

const changed = () => field.dispatchEvent(new InputEvent("input", { bubbles: true }));

// Return the selected part of the field, or null if nothing in it is selected.
export function selectedRange() {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  return field.contains(range.commonAncestorContainer) ? range : null;
}

function surrounding(range, isWanted) {
  let node = range.commonAncestorContainer;
  while (node && node !== field) {
    if (node.nodeType === Node.ELEMENT_NODE && isWanted(node)) return node;
    node = node.parentNode;
  }
  return null;
}

function wrap(range, element) {
  element.append(range.extractContents());
  range.insertNode(element);
  getSelection().selectAllChildren(element);
  changed();
}

// Give the selected text a format, or take the format away. Returns false if nothing is selected.
export function toggle(type) {
  const range = selectedRange();
  if (!range) return false;
  if (COMMANDS[type]) {
    document.execCommand(COMMANDS[type]);
    return true;
  }
  const old = surrounding(range, (node) => kindOf(node)?.type === type);
  if (old) {
    old.replaceWith(...old.childNodes);
    changed();
  } else wrap(range, mark({ type }, []));
  return true;
}

export function setLink(range, url) {
  const old = surrounding(range, (node) => node.dataset.url);
  if (old) old.replaceWith(...old.childNodes);
  if (url) wrap(range, mark({ type: "text_link", url }, []));
  else changed();
}

export const linkAt = (range) => surrounding(range, (node) => node.dataset.url)?.dataset.url ?? "";

field.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text/plain");
  if (!text) return;
  event.preventDefault();
  document.execCommand("insertText", false, text.replaceAll("\r\n", "\n"));
});
field.addEventListener("drop", (event) => event.preventDefault());
