// Say in words what a service message or a preview of a message shows.

import { money, t } from "/i18n.js";
import { nameOf, world } from "/store.js";

const names = (users) => users.map((user) => user.first_name).join(", ");

const SENTENCES = {
  successful_payment: (paid) => t("paid", { money: money(paid.total_amount, paid.currency) }),
  refunded_payment: (paid) => t("refunded", { money: money(paid.total_amount, paid.currency) }),
  chat_shared: (shared) => t("channel chosen", {
    title: shared.title ?? world.chats.get(shared.chat_id)?.title ?? "",
  }),
  new_chat_members: (users) => t("joined", { names: names(users) }),
  left_chat_member: (user) => t("left", { name: user.first_name }),
  pinned_message: () => t("pinned a message"),
  new_chat_title: (title) => t("new title", { title }),
  new_chat_photo: () => t("new picture"),
  delete_chat_photo: () => t("picture removed"),
  message_auto_delete_timer_changed: ({ message_auto_delete_time: seconds }) => (
    seconds ? t("timer set", { count: Math.round(seconds / 3600) }) : t("timer off")
  ),
  chat_owner_changed: ({ new_owner: owner }) => t("new owner", { name: owner.first_name }),
  chat_owner_left: () => t("owner left"),
  channel_chat_created: () => t("channel created"),
  group_chat_created: () => t("group created"),
};

export function serviceText(message) {
  return SENTENCES[message.service]?.(message.details ?? {}) ?? t("service message");
}

const MEDIA = {
  photo: "🖼", video: "📹", animation: "🎞", document: "📎", sticker: "🏷", voice: "🎤", audio: "🎵",
  video_note: "📹", contact: "👤", location: "📍", venue: "📍", poll: "📊", dice: "🎲", invoice: "💳",
};

export function mediaName(kind) {
  return MEDIA[kind] ? `${MEDIA[kind]} ${t(`kind ${kind}`)}` : t("message");
}

// One line about a message, for the chat list and for the pinned message.
export function previewText(shown) {
  if (shown.service) return serviceText(shown);
  const kind = shown.media ?? shown.content;
  const text = shown.text.replaceAll("\n", " ");
  if (!kind) return text;
  return text ? `${MEDIA[kind] ?? ""} ${text}`.trim() : mediaName(kind);
}

// Whose message it is, for a group's line in the list: "You", a name, or nothing.
export function previewAuthor(shown, chat, person) {
  if (shown.service || chat.type === "channel") return "";
  if (shown.author_id === person) return t("you");
  return chat.type === "private" ? "" : world.people.has(shown.author_id)
    ? nameOf(shown.author_id) : shown.from_name ?? "";
}
