// Draw photos, videos, files and the other contents of messages.

import { fileAddress } from "/api.js";
import { make } from "/dom.js";
import { spoiler } from "/entities.js";
import { fileSize, t } from "/i18n.js";
import { icon } from "/icons.js";
import { emit } from "/store.js";

const VISUAL = ["photo", "video", "animation"];
export const isVisual = (message) => VISUAL.includes(message.media);

function frame(message, ...children) {
  const box = make("div", { class: `media ${message.media}` }, ...children);
  if (message.width && message.height) box.style.aspectRatio = `${message.width} / ${message.height}`;
  return message.has_media_spoiler ? spoiler(box) : box;
}

function photo(message) {
  const image = make("img", { alt: message.caption ? "" : t("photo"), decoding: "async" });
  const open = make("button", {
    class: "open", "aria-label": t("open the photo"), "data-key": `photo ${message.message_id}`,
    onclick: () => emit("photo", message),
  }, image);
  fileAddress(message.file_id).then((address) => { image.src = address; }, () => {});
  return frame(message, open);
}

// Replace a button by a player of its file, which is only loaded now.
async function play(button, tag, shown, more = {}) {
  const player = make(tag, { controls: "", playsinline: "", "aria-label": t("player"), ...more });
  player.addEventListener("error", () => emit("toast", t("this file cannot be played")));
  const address = await fileAddress(shown.file_id, shown.mime_type).catch(() => null);
  if (address === null) {
    emit("toast", t("this file cannot be played"));
    return;
  }
  player.src = address;
  button.replaceWith(player);
  player.focus();
  player.play().catch(() => {});
}

function video(message) {
  const isGif = message.media === "animation";
  const button = make("button", {
    class: "play", "aria-label": t(isGif ? "play the GIF" : "play the video"),
    "data-key": `play ${message.message_id}`,
    onclick: () => play(button, "video", message, { loop: isGif ? "" : null }),
  }, make("span", { "aria-hidden": "true" }, isGif ? "GIF" : "▶"));
  return frame(message, button);
}

function document_(message) {
  const name = message.file_name ?? t("file");
  return make("button", {
    class: "document", "data-key": `file ${message.message_id}`,
    onclick: async () => {
      const link = make("a", { href: await fileAddress(message.file_id), download: name });
      link.click();
    },
  }, make("span", { class: "disc" }, icon("file")),
  make("span", {}, make("b", {}, name), make("small", {}, fileSize(message.file_size ?? 0))));
}

export function media(message) {
  if (message.media === "photo") return photo(message);
  if (message.media === "video" || message.media === "animation") return video(message);
  return document_(message);
}

export function album(messages) {
  const columns = messages.length === 1 ? 1 : Math.min(messages.length === 4 ? 2 : 3, messages.length);
  const grid = make("div", { class: "album" }, messages.map(media));
  grid.dataset.columns = columns;
  return grid;
}

const seconds = (count = 0) => `${Math.floor(count / 60)}:${String(count % 60).padStart(2, "0")}`;

function card(name, title, detail) {
  return make("div", { class: "card" }, make("span", { class: "disc" }, icon(name)),
    make("span", {}, make("b", {}, title), make("small", {}, detail)));
}

function sound(shown, title, detail) {
  const button = make("button", {
    class: "card", "data-key": `sound ${shown.file_id}`, onclick: () => play(button, "audio", shown),
  }, make("span", { class: "disc" }, icon("play")),
  make("span", {}, make("b", {}, title), make("small", {}, detail)));
  return button;
}

function videoNote(shown) {
  const box = make("div", { class: "video-note" });
  const button = make("button", {
    "aria-label": t("play the video"), "data-key": `note ${shown.file_id}`, onclick: () => play(button, "video", shown),
  }, `▶ ${seconds(shown.duration)}`);
  box.append(button);
  return box;
}

function picture(fileId, className, name, instead) {
  const image = make("img", { class: className, alt: name });
  fileAddress(fileId).then((address) => { image.src = address; }, () => {
    image.replaceWith(make("span", { class: `${className} missing`, role: "img", "aria-label": name }, instead));
  });
  return image;
}

function poll(shown) {
  return make("div", { class: "poll" }, make("b", {}, shown.question),
    make("small", {}, t(shown.type === "quiz" ? "quiz" : "poll")),
    make("ul", {}, shown.options.map((option) => make("li", {}, option.text,
      make("span", {}, ` ${option.voter_count}`)))));
}

const CONTENTS = {
  sticker: (shown) => picture(shown.file_id, "sticker", `${t("sticker")} ${shown.emoji ?? ""}`, shown.emoji ?? "🏷"),
  voice: (shown) => sound(shown, t("voice message"), seconds(shown.duration)),
  audio: (shown) => sound(shown, shown.title ?? shown.file_name ?? t("audio"),
    [shown.performer, seconds(shown.duration)].filter(Boolean).join(" · ")),
  video_note: videoNote,
  contact: (shown) => card("user", [shown.first_name, shown.last_name].filter(Boolean).join(" "), shown.phone_number),
  location: (shown) => card("place", t("location"), `${shown.latitude}, ${shown.longitude}`),
  venue: (shown) => card("place", shown.title, shown.address),
  dice: (shown) => make("div", { class: "words big" }, `${shown.emoji} ${shown.value}`),
  poll,
};

// Draw what a message has besides a text and a file, for example a sticker.
export function contents(message) {
  return Object.entries(message.contents)
    .filter(([kind]) => !(kind === "location" && message.contents.venue))
    .map(([kind, shown]) => CONTENTS[kind]?.(shown) ?? card("star", kind.replaceAll("_", " "), ""));
}
