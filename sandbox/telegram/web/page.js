// The page: people at the left, their chats below, the chosen chat in the middle.

import { Refused, act, see } from "/api.js";
import { bubble, face, make, rows } from "/chat.js";

const $ = (id) => document.getElementById(id);
const world = { state: null, person: null, chat: null, seen: new Map(), replyTo: null, poll: null };

// --- notices and questions to the person

let toastTimer;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 4000);
}

function alertBox(text) {
  $("alert").querySelector("p").textContent = text;
  $("alert").showModal();
}

function ask(question, value = "") {
  const dialog = $("asker");
  dialog.querySelector("span").textContent = question;
  const field = dialog.querySelector("textarea");
  field.value = value;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const done = () => resolve(dialog.returnValue === "ok" ? field.value.trim() : null);
    dialog.addEventListener("close", done, { once: true });
  });
}

async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    toast(error instanceof Refused ? error.message : "The sandbox does not answer.");
    return null;
  } finally {
    await refresh();
  }
}

// --- people and chats

function chatsOf(person) {
  const inside = (chat) => chat.members.some(
    (member) => member.user_id === person && ["creator", "administrator", "member"].includes(member.status),
  );
  return world.state.chats.filter((chat) => (
    chat.type === "private" ? chat.id === person : inside(chat)
  ));
}

function title(chat) {
  return chat.type === "private" ? world.state.bot.first_name : chat.title;
}

function createdBy(person, chat) {
  return chat.members.some((member) => member.user_id === person && member.status === "creator");
}

function manages(person, chat) {
  return chat.members.some(
    (member) => member.user_id === person && ["creator", "administrator"].includes(member.status),
  );
}

function entry(id, name, detail, current, choose, unread) {
  const item = make("li");
  const button = make("button");
  button.type = "button";
  const label = make("span", "name", name);
  if (detail) label.append(make("small", "", detail));
  button.append(face(id, name), label);
  if (unread) button.append(make("span", "unread"));
  if (current) button.setAttribute("aria-current", "true");
  button.addEventListener("click", choose);
  item.append(button);
  return item;
}

function drawSide() {
  const { people, chats, bot } = world.state;
  $("people").replaceChildren(...people.map((person) => entry(
    person.id, person.first_name, "", person.id === world.person,
    () => choosePerson(person.id),
    chats.some((chat) => chat.id === person.id && unread(chat)),
  )));
  $("chats").replaceChildren(...chatsOf(world.person).map((chat) => entry(
    chat.type === "private" ? bot.id : chat.id, title(chat), kind(chat), chat.id === world.chat,
    () => chooseChat(chat.id), unread(chat),
  )));
  $("now").textContent = new Date(world.state.now * 1000).toLocaleString();
}

function unread(chat) {
  return chat.id !== world.chat && (world.seen.get(chat.id) ?? 0) < chat.version;
}

function kind(chat) {
  if (chat.type === "private") return "bot";
  return chat.type === "channel" ? `channel · ${chat.subscribers} subscribers` : "group";
}

function drawHeader(chat) {
  $("title").textContent = chat ? title(chat) : "Choose a chat";
  $("subtitle").textContent = chat ? subtitle(chat) : "";
  const buttons = chat ? actions(chat).map(([name, action]) => {
    const button = make("button", "quiet", name);
    button.type = "button";
    button.addEventListener("click", () => attempt(action));
    return button;
  }) : [];
  $("actions").replaceChildren(...buttons);
}

function subtitle(chat) {
  if (chat.type === "private") {
    return { member: "bot", kicked: "bot · blocked", left: "bot · not started: write /start" }[chat.bot_status];
  }
  const rights = chat.bot_rights.length ? ` (${chat.bot_rights.join(", ")})` : "";
  return `${kind(chat)} · the bot: ${chat.bot_status}${rights}`;
}

function actions(chat) {
  const set = (status, more = {}) => () => act(`chats/${chat.id}/members`, { user_id: "bot", status, ...more });
  if (chat.type === "private") {
    if (chat.bot_status === "member") return [["Block the bot", set("kicked")]];
    return chat.bot_status === "kicked" ? [["Unblock the bot", set("member")]] : [];
  }
  if (!createdBy(world.person, chat)) return [];
  const found = [];
  if (!chat.bot_rights.includes("can_post_messages") && chat.type === "channel") {
    found.push(["Make the bot admin", set("administrator", { can_post_messages: true })]);
  }
  if (chat.bot_status !== "administrator" && chat.type !== "channel") {
    found.push(["Make the bot admin", set("administrator")]);
  }
  if (!["left", "kicked"].includes(chat.bot_status)) found.push(["Remove the bot", set("kicked")]);
  if (chat.type === "channel") {
    found.push(["Auto-delete timer", async () => {
      const hours = await ask("After how many hours are new posts deleted? 0 means never", String(chat.auto_delete_seconds / 3600));
      if (hours !== null) await act(`chats/${chat.id}/info`, { user_id: world.person, auto_delete_seconds: Number(hours) * 3600 });
    }]);
  }
  return found;
}

async function refresh() {
  try {
    world.state = await see("state");
  } catch (error) {
    toast(error instanceof Refused ? `${error.message} Open the address that was printed.` : "The sandbox does not answer.");
    return;
  }
  // Changes from before this page was opened do not count as unread.
  if (!world.seen.size) for (const chat of world.state.chats) world.seen.set(chat.id, chat.version);
  world.person ??= world.state.people[0]?.id ?? null;
  if (world.person !== null && world.chat === null) chooseChat(world.person);
  drawSide();
  drawHeader(current());
}

function current() {
  return world.state.chats.find((chat) => chat.id === world.chat);
}

function choosePerson(id) {
  world.person = id;
  chooseChat(id);
}

// --- the chosen chat

function chooseChat(id) {
  world.chat = id;
  world.replyTo = null;
  world.poll?.abort();
  world.poll = new AbortController();
  $("messages").replaceChildren();
  $("keyboard").replaceChildren();
  follow(id, world.poll.signal);
  drawSide();
  drawHeader(current());
  drawComposer();
}

// Keep the chat on the screen up to date, with one long poll after the other.
async function follow(id, signal) {
  let query = "";
  while (!signal.aborted) {
    try {
      const seen = await see(`chats/${id}/messages?wait=25${query}`, signal);
      query = `&version=${seen.version}`;
      world.seen.set(id, seen.version);
      if (!signal.aborted) drawMessages(seen);
    } catch (error) {
      if (signal.aborted) return;
      await new Promise((resolve) => { setTimeout(resolve, 1500); });
    }
  }
}

function drawMessages({ messages, keyboard }) {
  const chat = current();
  if (!chat) return;
  const list = $("messages");
  const atEnd = !list.childElementCount
    || list.scrollHeight - list.scrollTop - list.clientHeight < 120
    || messages.at(-1)?.author_id === world.person;
  list.replaceChildren(...messages.map((message, index) => bubble(message, {
    joined: message.media_group_id && messages[index - 1]?.media_group_id === message.media_group_id,
    own: message.author_id === world.person && chat.type !== "channel",
    named: chat.type !== "private",
    tools: tools(chat, message),
    press,
  })));
  if (atEnd) list.scrollTop = list.scrollHeight;
  const pressed = (button) => attempt(() => pressKeyboard(button));
  $("keyboard").replaceChildren(...(keyboard ? rows(keyboard.buttons, pressed) : []));
}

function tools(chat, message) {
  const at = { user_id: world.person, message_id: message.message_id };
  if (chat.type === "supergroup") {
    return [["Reply", () => { world.replyTo = message.message_id; drawComposer(); $("text").focus(); }]];
  }
  if (chat.type !== "channel" || !createdBy(world.person, chat)) return [];
  return [
    ["Edit", () => attempt(async () => {
      const text = await ask("The post's new text", message.text ?? message.caption ?? "");
      if (text !== null) await act(`chats/${chat.id}/edit`, { ...at, text });
    })],
    ["Replace media", () => attempt(
      () => act(`chats/${chat.id}/replace_media`, { ...at, kind: message.media ?? "photo" }),
    )],
    ["Delete", () => attempt(() => act(`chats/${chat.id}/delete`, at))],
  ];
}

async function press(message, button, row, column, element) {
  if (button.kind === "url") {
    if (/^https?:\/\//i.test(button.url)) window.open(button.url, "_blank", "noopener,noreferrer");
    return;
  }
  element.disabled = true;
  await attempt(async () => {
    if (button.kind === "pay") {
      const paid = await act(`users/${world.person}/pay`, { message_id: message.message_id });
      toast(paid.ok ? "Paid" : paid.error_message);
      return;
    }
    const answer = await act(`users/${world.person}/press`, {
      chat_id: world.chat, message_id: message.message_id, button: button.text, row, column,
    });
    if (answer.text) (answer.show_alert ? alertBox : toast)(answer.text);
    else if (!answer.answered) toast("The bot has not answered this press.");
  });
  element.disabled = false;
}

async function pressKeyboard(button) {
  if (button.kind !== "request_chat") {
    await act(`users/${world.person}/press`, { chat_id: world.chat, button: button.text });
    return;
  }
  const channels = world.state.chats.filter(
    (chat) => chat.type === "channel" && manages(world.person, chat),
  );
  const dialog = $("chooser");
  dialog.querySelector("ul").replaceChildren(...channels.map((chat) => {
    const item = make("li");
    const choice = make("button", "quiet", chat.title);
    choice.type = "button";
    choice.addEventListener("click", () => {
      dialog.close();
      attempt(() => act(`users/${world.person}/choose_channel`, {
        button: button.text, channel_id: chat.id,
      }));
    });
    item.append(choice);
    return item;
  }));
  if (!channels.length) toast("This person has no channel yet: make one at the left.");
  else dialog.showModal();
}

// --- writing

function drawComposer() {
  $("composer").hidden = world.chat === null;
  $("replying").hidden = world.replyTo === null;
  $("replying").textContent = world.replyTo === null ? "" : `Answering message #${world.replyTo}`;
}

function write(more) {
  const text = $("text").value;
  if (!text.trim() && !more.photo) return;
  attempt(async () => {
    const body = { text, ...more };
    if (world.replyTo !== null) body.reply_to_message_id = world.replyTo;
    if (current().type === "channel") {
      await act(`chats/${world.chat}/post`, { ...body, user_id: world.person });
    } else {
      await act(`users/${world.person}/send`, { ...body, chat_id: world.chat });
    }
    $("text").value = "";
    world.replyTo = null;
    drawComposer();
  });
}

$("composer").addEventListener("submit", (event) => { event.preventDefault(); write({}); });
$("picture").addEventListener("click", () => write({ photo: true }));
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  write({});
});
$("new-channel").addEventListener("click", () => attempt(async () => {
  const name = await ask("The channel's title");
  if (!name) return;
  const made = await act("channels", { owner_id: world.person, title: name });
  await refresh();
  chooseChat(made.id);
}));
for (const button of document.querySelectorAll("[data-hours]")) {
  button.addEventListener("click", () => attempt(
    () => act("clock", { seconds: Number(button.dataset.hours) * 3600 }),
  ));
}

await refresh();
setInterval(refresh, 3000);
