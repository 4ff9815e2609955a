// Show the people at the left edge, and beside them the chats of the chosen one, or of everybody.

import { draftOf } from "/drafts.js";
import { $, face, make, reconcile, setAttribute, setText, whenReleased } from "/dom.js";
import { listTime, number, t } from "/i18n.js";
import { chooseFolder, go } from "/router.js";
import { previewAuthor, previewText } from "/service.js";
import {
  faceId, listRows, nameOf, place, sandboxTime, titleOf, unreadOf, unreadOfPerson, world,
} from "/store.js";

const knownPeople = new Map();
const knownChats = new Map();
let filter = "";

const badge = (count) => (count > 99 ? "99+" : count ? String(count) : "");

function setBadge(element, count) {
  setText(element, badge(count));
  element.hidden = !count;
}

function personRow(id, name) {
  return {
    key: id, signature: name,
    build() {
      return make("li", {}, make("button", { "data-key": `person ${id}`, onclick: () => chooseFolder(id) },
        id === "all" ? make("span", { class: "face all", "aria-hidden": "true" }, "∗") : face(id, name),
        make("span", { class: "name" }, name),
        make("span", { class: "badge", hidden: true, "aria-hidden": "true" }), make("span", { class: "sr note" })));
    },
    update(element) {
      const count = id === "all" ? 0 : unreadOfPerson(id);
      const button = element.firstElementChild;
      setBadge(button.querySelector(".badge"), count);
      setText(button.querySelector(".note"), count ? t("unread", { count }) : "");
      setAttribute(button, "aria-current", place.folder === id ? "true" : null);
    },
  };
}

function kindMark(chat) {
  return { channel: "📢", supergroup: "👥", private: "" }[chat.type];
}

function chatRow(person, chat) {
  const key = `${person} ${chat.id}`;
  // In the list of everybody, the chats with the bot have the names of the people.
  const isOfPerson = place.folder === "all" && chat.type === "private";
  const name = isOfPerson ? nameOf(person) : titleOf(chat);
  return {
    key, signature: `${name} ${place.folder}`,
    build() {
      const button = make("button", { "data-key": key, onclick: () => go(person, chat.id) },
        face(isOfPerson ? person : faceId(chat), name, "large"),
        make("span", { class: "lines" },
          make("span", { class: "top" },
            make("span", { class: "title" }), make("span", { class: "as" }), make("time")),
          make("span", { class: "bottom" },
            make("span", { class: "preview" }),
            make("span", { class: "badge", "aria-hidden": "true" }), make("span", { class: "sr note" }))));
      return make("li", {}, button);
    },
    update(element) {
      const now = world.chats.get(chat.id);
      const find = (name) => element.querySelector(name);
      setText(find(".title"), `${kindMark(now)} ${name}`.trim());
      setText(find(".as"), isOfPerson ? t("bot") : "");
      setText(find("time"), now.last ? listTime(now.last.date, sandboxTime()) : "");
      const draft = place.person === person && place.chat === now.id ? "" : draftOf(person, now.id);
      const preview = find(".preview");
      const author = now.last ? previewAuthor(now.last, now, person) : "";
      const line = now.last ? previewText(now.last) : t(now.type === "private" ? "not started" : "no messages");
      const [mark, text] = now.action ? ["", t("typing")] : draft ? [t("draft"), draft] : [author, line];
      const wanted = mark ? `${mark}: ${text}` : text;
      if (preview.dataset.wanted !== wanted) {
        preview.dataset.wanted = wanted;
        preview.replaceChildren(...(mark ? [make("b", {}, `${mark}: `)] : []), text);
      }
      preview.classList.toggle("typing", Boolean(now.action));
      preview.classList.toggle("draft", Boolean(draft) && !now.action);
      const count = unreadOf(now, person);
      setBadge(find(".badge"), count);
      setText(find(".note"), count ? t("unread", { count }) : "");
      const isOpen = place.chat === now.id && (place.person === person || place.folder === "all" && now.type !== "private");
      setAttribute(element.firstElementChild, "aria-current", isOpen ? "true" : null);
    },
  };
}

function draw() {
  const people = [...world.people.values()];
  reconcile($("people"), knownPeople, [personRow("all", t("everybody")),
    ...people.map((person) => personRow(person.id, person.first_name))]);
  const rows = listRows(place.folder).filter(([person, chat]) => (
    !filter || `${titleOf(chat)} ${nameOf(person)} ${chat.username ?? ""}`.toLowerCase().includes(filter)
  ));
  reconcile($("chats"), knownChats, rows.map(([person, chat]) => chatRow(person, chat)));
  $("no-chats").hidden = rows.length > 0;
  setText($("list-title"), place.folder === "all" ? t("all chats") : t("chats of", { name: nameOf(place.folder) }));
}

export const drawList = () => whenReleased(draw);

function moveFocus(event, list) {
  if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  const buttons = [...list.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  if (at === -1) return;
  event.preventDefault();
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  buttons[Math.min(Math.max(next, 0), buttons.length - 1)].focus();
}

for (const id of ["people", "chats"]) {
  $(id).addEventListener("keydown", (event) => moveFocus(event, $(id)));
}
$("search").addEventListener("input", () => {
  filter = $("search").value.trim().toLowerCase();
  draw();
});

export function subscribers(chat) {
  return t("subscribers", { count: chat.subscribers, number: number(chat.subscribers) });
}
