// Show the bot's reply keyboard below the message field.

import { $, make } from "/dom.js";
import { keyboardOf } from "/history.js";
import { icon } from "/icons.js";
import { pressKeyboard } from "/press.js";

let isFolded = false;
let drawn = null;

function toggle() {
  isFolded = !isFolded;
  drawKeyboard();
}

export function drawKeyboard() {
  const keyboard = keyboardOf();
  const box = $("keyboard");
  const button = $("show-keyboard");
  button.hidden = !keyboard;
  button.setAttribute("aria-expanded", String(!isFolded));
  box.hidden = !keyboard || isFolded || $("composer").hidden;
  const wanted = JSON.stringify(keyboard?.buttons ?? null);
  if (wanted === drawn) return;
  drawn = wanted;
  if (keyboard) isFolded = false;
  box.hidden = !keyboard || $("composer").hidden;
  box.replaceChildren(...(keyboard?.buttons ?? []).map((row) => make("div", { class: "row" },
    row.map((one) => make("button", { onclick: () => pressKeyboard(one) }, one.text)))));
}

export function begin() {
  $("show-keyboard").append(icon("keyboard"));
  $("show-keyboard").addEventListener("click", toggle);
}
