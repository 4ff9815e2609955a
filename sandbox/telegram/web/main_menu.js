// Offer what concerns the whole page: new people and chats, the clock, the language and the colours.

import { act } from "/api.js";
import { ask, attempt, confirm, toast } from "/dialogs.js";
import { $, make, setText } from "/dom.js";
import { setGuideClosed } from "/guide.js";
import { LANGUAGES, chooseLanguage, fullTime, language, t } from "/i18n.js";
import { icon } from "/icons.js";
import { openMenu } from "/menu.js";
import { chooseFolder, go } from "/router.js";
import { place, sandboxTime, whenKnown, world } from "/store.js";

const { theme } = globalThis; // of theme.js, which runs before the first paint
const HOURS = [1, 24];

async function newPerson() {
  const answer = await ask(t("new person"), [
    { name: "first_name", label: t("first name"), required: "", maxlength: 64 },
    { name: "username", label: t("username"), maxlength: 32 },
  ], t("create"));
  if (!answer?.first_name) return;
  const person = await attempt(() => act("users", {
    first_name: answer.first_name, language_code: language, ...(answer.username ? { username: answer.username } : {}),
  }));
  if (person) goWhenKnown(person.id, person.id);
}

const goWhenKnown = (person, chat) => whenKnown(person, chat, () => go(person, chat));

export async function newChannel() {
  const answer = await ask(t("new channel"), [
    { name: "title", label: t("title"), required: "", maxlength: 128 },
    { name: "username", label: t("username"), placeholder: t("private channel"), maxlength: 32 },
    { name: "subscribers", label: t("subscriber count"), type: "number", min: 0, value: 1000 },
  ], t("create"));
  if (!answer?.title) return;
  const { person } = place;
  const made = await attempt(() => act("channels", {
    owner_id: person, title: answer.title, subscribers: Number(answer.subscribers),
    ...(answer.username ? { username: answer.username.replace(/^@/, "") } : {}),
  }));
  if (made) goWhenKnown(person, made.id);
}

async function newGroup() {
  const { person } = place;
  const answer = await ask(t("new group"), [
    { name: "title", label: t("title"), required: "", maxlength: 128 },
    ...[...world.people.values()].filter(({ id }) => id !== person).map(({ id, first_name: name }) => (
      { name: String(id), label: name, type: "checkbox", value: false }
    )),
    { name: "bot", label: world.bot.first_name, type: "checkbox", value: true },
  ], t("create"));
  if (!answer?.title) return;
  const { title, bot, ...chosen } = answer;
  const members = Object.keys(chosen).filter((id) => chosen[id]).map(Number);
  const made = await attempt(() => act("groups", {
    owner_id: person, title, member_ids: [...members, ...(bot ? ["bot"] : [])],
  }));
  if (made) goWhenKnown(person, made.id);
}

async function startOver() {
  if (!await confirm(t("start over"), t("start over text"), t("start over"), { danger: true })) return;
  if (!await attempt(() => act("start_over"))) return;
  chooseFolder("all");
  toast(t("started over"));
}

async function moveClock(hours) {
  const moved = await attempt(() => act("clock", { seconds: hours * 3600 }));
  if (moved) toast(t("clock moved", { time: fullTime(moved.now) }));
}

function openSettings() {
  const themes = theme.NAMES.map((name) => ({
    text: t(`theme ${name}`), checked: name === theme.chosen(), action: () => theme.choose(name),
  }));
  const languages = Object.entries(LANGUAGES).map(([code, name]) => (
    { text: name, checked: code === language, action: () => chooseLanguage(code) }
  ));
  openMenu($("main-menu"), [...themes, ...languages], t("settings"));
}

function entries() {
  return [
    place.person !== null && { icon: "channel", text: t("new channel"), action: newChannel },
    place.person !== null && { icon: "group", text: t("new group"), action: newGroup },
    { icon: "user", text: t("new person"), action: newPerson },
    world.guide.length > 0 && { icon: "check", text: t("guide"), action: () => setGuideClosed(false) },
    { icon: "gear", text: t("settings"), action: openSettings },
    world.offers.start_over && { icon: "restart", text: t("start over"), danger: true, action: startOver },
  ];
}

export function drawClock() {
  $("clock").hidden = !world.offers.clock;
  setText($("clock").querySelector("time"), fullTime(sandboxTime()));
}

export function begin() {
  const button = $("main-menu");
  button.append(icon("menu"));
  button.addEventListener("click", () => openMenu(button, entries(), t("main menu")));
  $("clock").append(make("span", {}, icon("clock"), make("span", { class: "sr" }, t("sandbox clock")), make("time")),
    make("span", {}, HOURS.map((hours) => make("button", {
      class: "small", title: t("move the clock", { count: hours }), onclick: () => moveClock(hours),
    }, t("hours short", { hours })))));
  setInterval(drawClock, 10_000);
}
