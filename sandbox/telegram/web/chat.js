// Draw messages. Texts come from unknown authors, so they are set as textContent and never as HTML.

import { picture } from "/api.js";

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined && text !== null) element.textContent = text;
  return element;
}

export function face(id, name) {
  return make("span", `face hue${Math.abs(id) % 6}`, [...name][0]?.toUpperCase() ?? "?");
}

const TAGS = {
  bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote", spoiler: "span",
};

function link(href) {
  const element = make("a");
  if (/^https?:\/\//i.test(href)) {
    element.href = href;
    element.target = "_blank";
    element.rel = "noopener noreferrer";
  }
  element.title = href;
  return element;
}

function wrapper(entity, text) {
  const covered = text.slice(entity.offset, entity.offset + entity.length);
  if (entity.type === "text_link") return link(entity.url);
  if (entity.type === "url") return link(covered);
  const element = make(TAGS[entity.type] ?? "span");
  if (entity.type === "spoiler") element.className = "spoiler";
  return element;
}

// Offsets are UTF-16 units, in which JavaScript counts too.
function words(text, entities) {
  const whole = make("div", "words");
  const edges = new Set([0, text.length]);
  for (const { offset, length } of entities) edges.add(offset).add(offset + length);
  const cuts = [...edges].filter((cut) => cut <= text.length).sort((a, b) => a - b);
  for (let index = 0; index + 1 < cuts.length; index += 1) {
    const [begin, end] = [cuts[index], cuts[index + 1]];
    let node = document.createTextNode(text.slice(begin, end));
    const covering = entities.filter(
      (entity) => entity.offset <= begin && entity.offset + entity.length >= end,
    );
    for (const entity of covering.reverse()) {
      const outside = wrapper(entity, text);
      outside.append(node);
      node = outside;
    }
    whole.append(node);
  }
  return whole;
}

const FILES = { animation: "GIF", video: "▶ Video" };

function media(message) {
  const hidden = message.has_media_spoiler ? " hidden" : "";
  if (message.media === "document") {
    return make("div", "media file", `📎 ${message.file_name ?? "File"}`);
  }
  if (message.media !== "photo") {
    return make("div", `media film${hidden}`, FILES[message.media]);
  }
  const image = make("img", `media${hidden}`);
  image.alt = "Picture";
  picture(message.file_id).then((address) => { image.src = address; });
  return image;
}

// The card of a link. What Telegram would read from the page is not known here.
function preview(message) {
  const options = message.link_preview_options ?? {};
  const first = message.entities.find(({ type }) => type === "url" || type === "text_link");
  if (message.text === null || options.is_disabled || !(options.url || first)) return null;
  const covered = first && message.text.slice(first.offset, first.offset + first.length);
  const size = options.prefer_large_media ? " large" : "";
  return make("div", `preview${size}`, `🔗 ${options.url ?? first.url ?? covered}`);
}

function money(amount, currency) {
  if (currency === "XTR") return `⭐ ${amount}`;
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function invoice(shown) {
  const box = make("div", "invoice");
  box.append(make("strong", "", shown.title), make("span", "", shown.description));
  box.append(make("b", "", money(shown.total_amount, shown.currency)));
  return box;
}

function service(message) {
  const details = message.details ?? {};
  switch (message.service) {
    case "successful_payment": return `Paid ${money(details.total_amount, details.currency)}`;
    case "refunded_payment": return `Refunded ${money(details.total_amount, details.currency)}`;
    case "chat_shared": return "Channel chosen";
    case "new_chat_members": return "Somebody joined";
    case "left_chat_member": return "Somebody left";
    case "pinned_message": return "A message was pinned";
    case "new_chat_title": return `The title is now ${details}`;
    case "new_chat_photo": return "The picture was changed";
    case "delete_chat_photo": return "The picture was removed";
    case "message_auto_delete_timer_changed": {
      const hours = details.message_auto_delete_time / 3600;
      return hours ? `New posts are deleted after ${hours} hours` : "New posts are not deleted any more";
    }
    case "channel_chat_created": return "Channel created";
    case "group_chat_created": return "Group created";
    default: return "Service message";
  }
}

export function rows(buttons, press) {
  return buttons.map((row, rowIndex) => {
    const line = make("div", "row");
    row.forEach((button, column) => {
      const element = make("button", "", button.text + (button.kind === "url" ? " ↗" : ""));
      element.type = "button";
      element.addEventListener("click", () => press(button, rowIndex, column, element));
      line.append(element);
    });
    return line;
  });
}

function meta(message, tools) {
  const line = make("div", "meta");
  for (const [name, action] of tools) {
    const button = make("button", "quiet", name);
    button.type = "button";
    button.addEventListener("click", () => action(message));
    line.append(button, " ");
  }
  const time = new Date(message.date * 1000).toLocaleString([], {
    month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
  });
  line.append(`${message.edited ? "edited · " : ""}${time} · #${message.message_id}`);
  return line;
}

// Draw one message. `own` means that the person of this page wrote it, and `joined` that it is in the
// album of the message before.
export function bubble(message, { own, joined, named, tools, press }) {
  const item = make("li", `message${own ? " own" : ""}${joined ? " joined" : ""}`);
  item.dataset.id = message.message_id;
  const box = make("div", "bubble");
  item.append(box);
  if (message.service) {
    item.className = "message service";
    box.textContent = service(message);
    return item;
  }
  if (named && !joined) box.append(make("div", "who", message.from_name));
  if (message.media_group_id && !joined) box.append(make("div", "who", "Album"));
  if (message.forward_origin && !joined) box.append(make("div", "who", "Forwarded"));
  if (message.invoice) box.append(invoice(message.invoice));
  const text = message.text ?? message.caption;
  const shown = text ? [words(text, message.entities)] : [];
  const card = message.media ? media(message) : preview(message);
  if (card) {
    const above = message.media
      ? !message.show_caption_above_media
      : message.link_preview_options?.show_above_text;
    shown.splice(above ? 0 : shown.length, 0, card);
  }
  box.append(...shown);
  box.append(meta(message, tools));
  if (message.buttons.length) {
    const grid = make("div", "buttons");
    grid.append(...rows(message.buttons, (...pressed) => press(message, ...pressed)));
    item.append(grid);
  }
  return item;
}
