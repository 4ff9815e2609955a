// Offer what somebody can do with a message: answer, edit, forward, delete, copy.

import { act } from "/api.js";
import { edit, replyTo } from "/composer.js";
import { attempt, choose, confirm, toast } from "/dialogs.js";
import { $ } from "/dom.js";
import { t } from "/i18n.js";
import { openMenu } from "/menu.js";
import { go } from "/router.js";
import {
  created, currentChat, emit, faceId, isIn, manages, mayWrite, place, titleOf, world,
} from "/store.js";

async function forward(messages) {
  const { person } = place;
  const source = currentChat();
  const chats = [...world.chats.values()].filter((chat) => mayWrite(chat, person));
  const answer = await choose(t("forward to"), chats.map((chat) => ({
    id: chat.id, title: titleOf(chat), faceId: faceId(chat),
    detail: t({ private: "bot", channel: "channel", supergroup: "group" }[chat.type]),
  })), { empty: t("no chats") });
  if (answer === null) return;
  const album = messages.length > 1 ? { media_group_id: String(Math.floor(Math.random() * 1e15)) } : {};
  const done = await attempt(async () => {
    for (const { message_id: id } of messages) {
      const body = { forward_from: { chat_id: source.id, message_id: id }, ...album };
      if (world.chats.get(answer).type === "channel") {
        await act(`chats/${answer}/post`, { ...body, user_id: person });
      } else await act(`users/${person}/send`, { ...body, chat_id: answer });
    }
    return true;
  });
  if (!done) return;
  toast(t("forwarded"));
  go(person, answer);
}

async function remove(messages) {
  const { person, chat } = place;
  if (!await confirm(t("delete messages", { count: messages.length }), t("deleted for everybody"), t("delete"),
    { danger: true })) return;
  await attempt(async () => {
    for (const { message_id: id } of messages) {
      await act(`chats/${chat}/delete`, { user_id: person, message_id: id });
    }
  });
}

function linkOf(chat, message) {
  const name = chat.username ?? `c/${-1_000_000_000_000 - chat.id}`;
  return `https://t.me/${name}/${message.message_id}`;
}

export function openMessageMenu(messages, at) {
  const chat = currentChat();
  const { person } = place;
  const main = messages.find((message) => message.caption) ?? messages[0];
  const [first] = messages;
  if (first.isPending) return;
  const isOwn = first.author_id === person;
  const isChannel = chat.type === "channel";
  const text = main.text ?? main.caption;
  const mayEdit = (isOwn || (isChannel && manages(chat, person))) && !main.forward_origin
    && (text !== null || main.media);
  const mayDelete = chat.type === "private" || isOwn || manages(chat, person);
  openMenu(at, [
    !isChannel && isIn(chat, person) && { icon: "reply", text: t("reply"), action: () => replyTo(first) },
    mayEdit && { icon: "edit", text: t("edit"), action: () => edit(main) },
    text && { icon: "copy", text: t("copy the text"), action: () => emit("copy", text) },
    chat.type !== "private" && {
      icon: "link", text: t("copy the link"), action: () => emit("copy", linkOf(chat, first)),
    },
    !chat.protected && { icon: "forward", text: t("forward"), action: () => forward(messages) },
    isChannel && created(chat, person) && {
      icon: "photo", text: t("replace the media"),
      action: () => attempt(() => act(`chats/${chat.id}/replace_media`, {
        user_id: person, message_id: main.message_id, kind: main.media ?? "photo",
      })),
    },
    mayDelete && { icon: "trash", text: t("delete"), danger: true, action: () => remove(messages) },
  ], t("actions of this message"));
}

// A press of the menu key or of Shift and F10 on a focused message opens its menu.
export function begin() {
  $("log").addEventListener("keydown", (event) => {
    const item = event.target;
    if (event.key !== "Enter" || !item.matches?.(".item")) return;
    event.preventDefault();
    item.querySelector(".more")?.click();
  });
}
