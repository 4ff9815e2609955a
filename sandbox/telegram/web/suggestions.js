// Offer the bot's commands: in a menu, and while somebody writes a slash.

import { $, make } from "/dom.js";
import * as editor from "/editor.js";
import { commandsOf } from "/history.js";
import { t } from "/i18n.js";
import { openMenu } from "/menu.js";
import { emit } from "/store.js";

const MOST = 8;
let shown = [];
let chosen = -1;

const box = $("suggestions");

function choose(command) {
  editor.write({ text: "" });
  $("text").dispatchEvent(new InputEvent("input", { bubbles: true }));
  $("text").focus();
  emit("command", `/${command}`);
}

function draw() {
  box.hidden = shown.length === 0;
  $("text").removeAttribute("aria-activedescendant");
  box.replaceChildren(...shown.map(({ command, description }, index) => make("div", {
    role: "option", id: `command-${index}`, "aria-selected": String(index === chosen),
    onpointerdown: (event) => event.preventDefault(),
    onclick: () => choose(command),
  }, make("b", {}, `/${command}`), make("span", {}, description))));
  if (chosen >= 0) $("text").setAttribute("aria-activedescendant", `command-${chosen}`);
}

export function updateSuggestions() {
  const begun = editor.read().text.match(/^\/([a-z0-9_]*)$/i)?.[1];
  const fits = begun === undefined ? [] : commandsOf().filter(({ command }) => command.startsWith(begun.toLowerCase()));
  shown = fits.slice(0, MOST);
  chosen = -1;
  draw();
}

// Handle a key while commands are offered. Returns whether the key was used.
export function takeSuggestionKey(event) {
  if (!shown.length) return false;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    chosen = (chosen + step + shown.length + (chosen < 0 && step < 0 ? 1 : 0)) % shown.length;
    draw();
  } else if ((event.key === "Enter" && chosen >= 0) || event.key === "Tab") {
    choose(shown[Math.max(chosen, 0)].command);
  } else if (event.key === "Escape") {
    shown = [];
    draw();
    event.stopPropagation();
  } else return false;
  event.preventDefault();
  return true;
}

export function drawCommands() {
  $("commands").hidden = commandsOf().length === 0;
}

export function begin() {
  const button = $("commands");
  button.textContent = t("menu");
  button.addEventListener("click", () => openMenu(button, commandsOf().map(({ command, description }) => ({
    text: description, detail: `/${command}`, action: () => emit("command", `/${command}`),
  })), t("commands")));
}
