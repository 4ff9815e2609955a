// Draw one item of a chat: a message, an album, or a service message.

import { face, make } from "/dom.js";
import { words } from "/entities.js";
import { clockTime, fullTime, money, shortNumber, t } from "/i18n.js";
import { icon } from "/icons.js";
import { openLink, target } from "/links.js";
import { album, contents, isVisual, media } from "/media.js";
import { mediaName, serviceText } from "/service.js";
import { emit } from "/store.js";

function forwardName({ type, chat, sender_chat: sender, sender_user: user, sender_user_name: hidden }) {
  if (type === "channel") return chat.title;
  return sender?.title ?? user?.first_name ?? hidden ?? "?";
}

function replyLine(shown) {
  return make("button", {
    class: "reply-to", "data-key": "reply", onclick: () => emit("jump", shown.message_id),
  }, make("b", {}, shown.from_name ?? ""),
  make("span", {}, shown.text || (shown.media ? mediaName(shown.media) : t("message"))));
}

// The card of a link. What Telegram would read from a foreign page is not known here.
function linkCard(message) {
  const options = message.link_preview_options ?? {};
  const first = message.entities.find(({ type }) => type === "url" || type === "text_link");
  if (message.text === null || options.is_disabled || !(options.url || first)) return null;
  const covered = first && message.text.slice(first.offset, first.offset + first.length);
  const address = options.url ?? first.url ?? covered;
  const found = target(address);
  let [site, title, detail] = [address, "", ""];
  if (found?.chat) {
    [site, title] = ["Telegram", found.chat.title];
    detail = t(found.message ? "a post of this channel" : "a channel");
  } else if (found?.bot) {
    [site, title, detail] = ["Telegram", t("this bot"), ""];
  } else {
    try {
      const url = new URL(/^[a-z]+:/i.test(address) ? address : `https://${address}`);
      site = url.hostname.replace(/^www\./, "");
      title = decodeURIComponent(url.pathname === "/" ? site : url.pathname.slice(1));
      detail = t("preview is not loaded");
    } catch { /* the address stays the name of the site */ }
  }
  const size = options.prefer_large_media ? " large" : "";
  return make("button", {
    class: `link-card${size}`, "data-key": "card", onclick: () => openLink(address),
  }, make("b", { class: "site" }, site), make("b", {}, title), make("span", {}, detail));
}

function invoice(shown) {
  return make("div", { class: "invoice" },
    make("b", {}, shown.title), make("p", {}, shown.description),
    make("span", { class: "price" }, money(shown.total_amount, shown.currency)));
}

function meta(message, { isOut, isPending }) {
  const line = make("span", { class: "meta", title: fullTime(message.date) });
  line.append(make("span", { class: "views" }));
  if (message.edited) line.append(`${t("edited")} `);
  line.append(make("time", {}, clockTime(message.date)));
  if (isOut) {
    const [name, label] = isPending ? ["clock", "sending"] : ["check", "sent"];
    line.append(make("span", { class: "sr" }, t(label)), icon(name));
  }
  return line;
}

// Views grow all the time, so they change in place: a video goes on, and a spoiler stays open.
export function showViews(element, { views }) {
  const place = element.querySelector(".views");
  const wanted = views ? shortNumber(views) : "";
  if (!place || (place.dataset.wanted ?? "") === wanted) return;
  place.dataset.wanted = wanted;
  place.replaceChildren(icon("eye"), make("span", {}, wanted), make("span", { class: "sr" }, t("views", { count: views })));
}

const GLYPHS = { url: () => "↗", pay: () => "💳", copy_text: () => icon("copy"), web_app: () => icon("panel") };

function inlineKeyboard(message, press) {
  return make("div", { class: "inline-keyboard" }, message.buttons.map((row, rowIndex) => (
    make("div", { class: "row" }, row.map((button, column) => {
      const element = make("button", {
        "data-key": `${rowIndex}:${column}`,
        class: button.style ? `style-${button.style}` : null,
        title: button.kind === "url" ? button.url : null,
      }, make("span", { class: "label" }, button.kind === "pay" && message.receipt ? t("receipt") : button.text));
      const isPost = button.kind === "url" && target(button.url);
      if (GLYPHS[button.kind]) {
        element.append(make("span", { class: "glyph", "aria-hidden": "true" }, isPost ? "➜" : GLYPHS[button.kind]()));
      }
      element.addEventListener("click", () => press(message, button, rowIndex, column, element));
      return element;
    }))
  )));
}

function reactions(message) {
  const counts = Object.entries(message.reactions ?? {});
  if (!counts.length) return null;
  return make("div", { class: "reactions" }, counts.map(([emoji, count]) => make("span", {}, `${emoji} ${count}`)));
}

export function serviceItem(message) {
  return make("li", { class: "item service", "data-id": message.message_id, tabIndex: -1 },
    make("span", { class: "pill" }, serviceText(message)));
}

export const separator = (text, kind) => make("li", { class: `separator ${kind}` }, make("span", { class: "pill" }, text));

// Draw the messages of an item, more than one for an album. `context` says how the reader sees it.
export function item(messages, context) {
  const main = messages.find((message) => message.caption) ?? messages[0];
  const [first] = messages;
  if (first.service) return serviceItem(first);
  const { isOut, named, openMenu, press } = context;
  const visual = messages.filter(isVisual);
  const files = messages.filter((message) => message.media && !isVisual(message));
  const bubble = make("div", { class: "bubble" });
  const element = make("li", { "data-id": first.message_id, tabIndex: -1 });
  if (named) element.append(face(first.from ?? 0, first.from_name));
  element.append(make("div", { class: "column" }, bubble));

  const author = isOut ? t("you") : first.from_name ?? "";
  if (named) bubble.append(make("div", { class: `who ink${Math.abs(first.from ?? 0) % 7}` }, author));
  else bubble.append(make("span", { class: "sr" }, `${author}: `));
  if (first.forward_origin) {
    bubble.append(make("div", { class: "forwarded" },
      t("forwarded from", { name: forwardName(first.forward_origin) })));
  }
  if (first.reply_to) bubble.append(replyLine(first.reply_to));
  if (first.invoice) bubble.append(invoice(first.invoice));

  const text = main.text ?? main.caption;
  const shownText = text ? words(text, main.entities) : null;
  const shownMedia = visual.length ? album(visual) : null;
  const card = linkCard(main);
  const isTextFirst = main.show_caption_above_media;
  if (card && main.link_preview_options?.show_above_text) bubble.append(card);
  if (shownText && isTextFirst) bubble.append(shownText);
  if (shownMedia) bubble.append(shownMedia);
  bubble.append(...files.map(media), ...contents(first));
  if (shownText && !isTextFirst) bubble.append(shownText);
  if (card && !main.link_preview_options?.show_above_text) bubble.append(card);
  const marks = reactions(main);
  if (marks) bubble.append(marks);

  const line = meta(messages.at(-1), context);
  const isLastText = shownText && !isTextFirst && bubble.lastElementChild === shownText;
  (isLastText ? shownText : bubble).append(line);
  if (shownMedia && !shownText && !marks) bubble.classList.add("only-media");
  if (first.contents.sticker || shownText?.classList.contains("big")) bubble.classList.add("bare");

  const more = make("button", { class: "more", "aria-label": t("actions of this message"), "data-key": "more" },
    icon("more"));
  more.addEventListener("click", () => openMenu(messages, more));
  element.lastElementChild.append(more);
  element.addEventListener("contextmenu", (event) => {
    if (event.target.closest("a, video") || getSelection().toString()) return;
    event.preventDefault();
    openMenu(messages, { x: event.clientX, y: event.clientY });
  });
  if (first.buttons.length) element.lastElementChild.append(inlineKeyboard(first, press));
  return element;
}
