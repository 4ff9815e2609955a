// Offer what somebody can do with the open chat: block or promote the bot, name the channel, join.

import { act } from "/api.js";
import { ask, attempt, confirm, toast } from "/dialogs.js";
import { t } from "/i18n.js";
import { go } from "/router.js";
import { created, currentChat, isIn, manages, place, whenKnown } from "/store.js";

const setBot = (chat, status, rights = {}) => () => attempt(
  () => act(`chats/${chat.id}/members`, { user_id: "bot", status, by: place.person, ...rights }),
);

export const unblock = (chat) => attempt(
  () => act(`chats/${chat.id}/members`, { user_id: "bot", status: "member" }),
);

export const join = (chat) => attempt(
  () => act(`chats/${chat.id}/members`, { user_id: place.person, status: "member", by: place.person }),
);

// Join the chat of an invite link, and show it.
export async function joinByLink(link) {
  const { person } = place;
  const answer = await attempt(() => act(`users/${person}/join`, { invite_link: link }));
  if (answer?.joined) whenKnown(person, answer.chat_id, () => go(person, answer.chat_id));
  else if (answer) toast(t("join requested"));
}

async function leave(chat) {
  if (!await confirm(t("leave"), t("leave this chat", { title: chat.title }), t("leave"), { danger: true })) return;
  await attempt(() => act(`chats/${chat.id}/members`, { user_id: place.person, status: "left", by: place.person }));
}

async function editInfo(chat) {
  const answer = await ask(t("channel data"), [
    { name: "title", label: t("title"), value: chat.title, required: "", maxlength: 128 },
    { name: "username", label: t("username"), value: chat.username ?? "", placeholder: t("private channel") },
    { name: "description", label: t("description"), type: "textarea", value: chat.description ?? "" },
    { name: "subscribers", label: t("subscriber count"), type: "number", min: 0, value: chat.subscribers },
    { name: "hours", label: t("timer hours"), type: "number", min: 0, value: chat.auto_delete_seconds / 3600 },
    { name: "protected", label: t("no forwarding"), type: "checkbox", value: chat.protected },
  ], t("save"));
  if (!answer) return;
  const wanted = {
    title: answer.title, username: answer.username.replace(/^@/, ""), description: answer.description,
    subscribers: Number(answer.subscribers), protected: answer.protected,
    auto_delete_seconds: Math.round(Number(answer.hours) * 3600),
  };
  const old = { ...chat, username: chat.username ?? "", description: chat.description ?? "" };
  const changed = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => value !== old[name]));
  if (Object.keys(changed).length) {
    await attempt(() => act(`chats/${chat.id}/info`, { user_id: place.person, ...changed }));
  }
}

function botEntries(chat) {
  if (chat.type === "private") {
    return [
      chat.bot_status === "kicked" && { icon: "check", text: t("unblock the bot"), action: () => unblock(chat) },
      chat.bot_status === "member" && {
        icon: "block", text: t("block the bot"), danger: true, action: setBot(chat, "kicked"),
      },
    ];
  }
  if (!created(chat, place.person)) return [];
  const isAdmin = chat.bot_status === "administrator";
  const mayPost = chat.bot_rights.includes("can_post_messages");
  const rights = chat.type === "channel"
    ? { can_post_messages: true, can_edit_messages: true, can_delete_messages: true }
    : { can_manage_chat: true };
  return [
    (!isAdmin || (chat.type === "channel" && !mayPost)) && {
      icon: "plus", text: t("make the bot admin"), action: setBot(chat, "administrator", rights),
    },
    isAdmin && chat.type === "channel" && mayPost && {
      icon: "edit", text: t("take the right to post"), action: setBot(chat, "administrator", { can_manage_chat: true }),
    },
    !["left", "kicked"].includes(chat.bot_status) && {
      icon: "trash", text: t("remove the bot"), danger: true, action: setBot(chat, "kicked"),
    },
  ];
}

export function chatEntries() {
  const chat = currentChat();
  if (!chat) return [];
  const { person } = place;
  return [
    chat.type === "channel" && manages(chat, person) && {
      icon: "edit", text: t("channel data"), action: () => editInfo(chat),
    },
    ...botEntries(chat),
    chat.type !== "private" && isIn(chat, person) && !created(chat, person) && {
      icon: "close", text: t("leave"), danger: true, action: () => leave(chat),
    },
    chat.type !== "private" && !isIn(chat, person) && { icon: "plus", text: t("join"), action: () => join(chat) },
  ].filter(Boolean);
}
