// Press the buttons of messages and of reply keyboards.

import { act } from "/api.js";
import { alertBox, attempt, choose, toast } from "/dialogs.js";
import { number, t } from "/i18n.js";
import { openLink } from "/links.js";
import { showPaySheet } from "/pay.js";
import { emit, isIn, created, currentChat, manages, place, world } from "/store.js";

const RIGHTS = [
  "can_post_messages", "can_edit_messages", "can_delete_messages", "can_manage_chat", "can_invite_users",
  "can_pin_messages", "can_change_info", "can_promote_members",
];

function showAnswer(answer) {
  if (answer.url) openLink(answer.url);
  else if (!answer.answered) toast(t("the bot has not answered"));
  else if (answer.text && answer.show_alert) alertBox(answer.text, world.bot.first_name);
  else if (answer.text) toast(answer.text);
}

// Press a button of a message. `element` shows until the answer that somebody waits.
export async function pressInline(message, button, row, column, element) {
  if (button.kind === "url") {
    openLink(button.url);
    return;
  }
  if (button.kind === "copy_text") {
    emit("copy", button.copy_text.text);
    return;
  }
  if (button.kind === "pay") {
    showPaySheet(message);
    return;
  }
  if (element.getAttribute("aria-busy") === "true") return;
  element.setAttribute("aria-busy", "true");
  const person = place.person;
  const answer = await attempt(() => act(`users/${person}/press`, {
    chat_id: place.chat, message_id: message.message_id, button: button.text, row, column,
  }));
  element.removeAttribute("aria-busy");
  if (answer) showAnswer(answer);
}

function offered(channel, wanted) {
  const person = place.person;
  if (wanted.chat_is_created && !created(channel, person)) return false;
  if ("chat_has_username" in wanted && wanted.chat_has_username !== Boolean(channel.username)) return false;
  if (wanted.bot_is_member && !isIn({ ...channel, members: [{ user_id: 0, status: channel.bot_status }] }, 0)) return false;
  return manages(channel, person);
}

async function chooseChat(button) {
  const wanted = button.request_chat;
  const type = wanted.chat_is_channel ? "channel" : "supergroup";
  const chats = [...world.chats.values()].filter((chat) => chat.type === type && offered(chat, wanted));
  const rights = Object.entries(wanted.bot_administrator_rights ?? {})
    .filter(([, isNeeded]) => isNeeded).map(([name]) => (RIGHTS.includes(name) ? t(`right ${name}`) : name));
  const answer = await choose(t("choose a channel"), chats.map((chat) => ({
    id: chat.id, title: chat.title,
    detail: [chat.username ? `@${chat.username}` : null,
      t("subscribers", { count: chat.subscribers, number: number(chat.subscribers) })].filter(Boolean).join(" · "),
  })), {
    intro: rights.length ? t("the bot will be admin", { rights: rights.join(", ") }) : null,
    empty: t("no channel to choose"),
    extra: type === "channel" ? [["new", t("new channel")]] : [],
  });
  if (answer === "new") emit("new channel");
  else if (answer !== null) {
    await attempt(() => act(`users/${place.person}/choose_channel`, { button: button.text, channel_id: answer }));
  }
}

// Press a button of the reply keyboard.
export function pressKeyboard(button) {
  if (button.kind === "request_chat") return chooseChat(button);
  return attempt(() => act(`users/${place.person}/press`, { chat_id: currentChat().id, button: button.text }));
}
