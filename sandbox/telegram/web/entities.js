// Draw a text with Telegram's entities: bold, links, quotes and so on.

import { make } from "/dom.js";
import { t } from "/i18n.js";
import { openLink } from "/links.js";
import { emit } from "/store.js";

const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code" };

// Call `wrap(entity, children, covered text)` for each entity, the inner ones first, and return the
// nodes of the whole text. Offsets are UTF-16 units, in which JavaScript counts too.
export function build(text, entities, wrap) {
  const sorted = entities.map((entity, index) => ({ ...entity, index }))
    .filter(({ offset, length }) => offset >= 0 && length > 0 && offset + length <= text.length)
    .sort((a, b) => a.offset - b.offset || b.length - a.length || a.index - b.index);

  function range(begin, end, inside) {
    const nodes = [];
    let at = begin;
    let rest = inside;
    while (rest.length) {
      const [entity, ...others] = rest;
      const stop = Math.min(entity.offset + entity.length, end);
      if (entity.offset < at || stop <= entity.offset) {
        rest = others;
        continue;
      }
      if (entity.offset > at) nodes.push(document.createTextNode(text.slice(at, entity.offset)));
      const inner = others.filter(({ offset }) => offset < stop);
      const children = range(entity.offset, stop, inner);
      nodes.push(wrap(entity, children, text.slice(entity.offset, stop)));
      at = stop;
      rest = others.filter(({ offset }) => offset >= stop);
    }
    if (at < end) nodes.push(document.createTextNode(text.slice(at, end)));
    return nodes;
  }
  return range(0, text.length, sorted);
}

function link(address, children) {
  const element = make("a", { href: "#", title: address, "data-key": `link ${address}` }, children);
  element.addEventListener("click", (event) => {
    event.preventDefault();
    openLink(address);
  });
  return element;
}

export function spoiler(element) {
  const reveal = (event) => {
    if (element.classList.contains("revealed")) return;
    event.preventDefault();
    event.stopPropagation();
    element.classList.add("revealed");
    element.removeAttribute("role");
    element.removeAttribute("tabindex");
    element.replaceChildren(...hidden.childNodes);
  };
  const hidden = make("span", { "aria-hidden": "true" }, ...element.childNodes);
  element.append(make("span", { class: "sr" }, t("show the spoiler")), hidden);
  element.setAttribute("role", "button");
  element.setAttribute("tabindex", "0");
  element.addEventListener("click", reveal, true);
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") reveal(event);
  });
  return element;
}

function quote(children, isLong) {
  const element = make("blockquote", { class: isLong ? "folded" : null }, children);
  if (!isLong) return element;
  const button = make("button", { class: "unfold", "aria-expanded": "false", "data-key": "unfold" },
    t("more"));
  button.addEventListener("click", () => {
    const isFolded = element.classList.toggle("folded");
    button.setAttribute("aria-expanded", String(!isFolded));
    button.textContent = t(isFolded ? "more" : "less");
  });
  element.append(button);
  return element;
}

function code(children, covered, language) {
  const copy = make("button", { class: "copy", "data-key": `copy ${covered.slice(0, 20)}` }, t("copy"));
  copy.addEventListener("click", () => emit("copy", covered));
  return make("div", { class: "code" },
    make("div", { class: "code-head" }, make("span", {}, language ?? t("code")), copy),
    make("pre", { tabIndex: 0 }, make("code", {}, children)));
}

function draw(entity, children, covered) {
  switch (entity.type) {
    case "bold": case "italic": case "underline": case "strikethrough": case "code":
      return make(TAGS[entity.type], {}, children);
    case "spoiler": return spoiler(make("span", { class: "spoiler" }, children));
    case "blockquote": return quote(children, false);
    case "expandable_blockquote": return quote(children, covered.split("\n").length > 3 || covered.length > 160);
    case "pre": return code(children, covered, entity.language);
    case "text_link": return link(entity.url, children);
    case "url": return link(covered, children);
    case "email": return link(`mailto:${covered}`, children);
    case "phone_number": return link(`tel:${covered}`, children);
    case "mention": return link(`https://t.me/${covered.slice(1)}`, children);
    case "text_mention": return make("span", { class: "mention" }, children);
    case "hashtag": case "cashtag": return make("span", { class: "tag" }, children);
    case "bot_command": return make("button", {
      class: "command", "data-key": `command ${covered}`, onclick: () => emit("command", covered),
    }, children);
    case "custom_emoji": return make("span", { class: "custom-emoji", title: t("custom emoji") }, children);
    default: return make("span", {}, children);
  }
}

const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}(?:\u200d\p{Extended_Pictographic}|\ufe0f|[\u{1f3fb}-\u{1f3ff}])*){1,3}$/u;

// A block begins a new line by itself, so the line break after it is not shown.
function withoutBreaksAfterBlocks(nodes) {
  nodes.forEach((node, index) => {
    const before = nodes[index - 1];
    if (node.nodeType !== Node.TEXT_NODE || !before?.matches?.("blockquote, .code")) return;
    node.data = node.data.replace(/^\n/, "");
  });
  return nodes;
}

export function words(text, entities) {
  const isBig = ONLY_EMOJI.test(text) && !entities.some(({ type }) => type !== "custom_emoji");
  return make("div", { class: `words${isBig ? " big" : ""}`, dir: "auto" },
    withoutBreaksAfterBlocks(build(text, entities, draw)));
}
