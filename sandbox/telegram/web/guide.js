// Show the steps of the guide: which are done, and whose turn it is now.

import { $, face, make } from "/dom.js";
import { pick, t } from "/i18n.js";
import { icon } from "/icons.js";
import { go } from "/router.js";
import { nameOf, place, titleOf, world } from "/store.js";

let isOpen = false;
let drawn = "";

const isClosed = () => localStorage.getItem("guide closed") === "true";

export function setGuideClosed(closed) {
  localStorage.setItem("guide closed", String(closed));
  isOpen = !closed && isOpen;
  drawGuide();
}

const isHere = (step) => place.person === step.person_id && place.chat === step.chat_id;

function goButton(step) {
  return make("button", { class: "go", "data-key": `go ${step.name}`, onclick: () => go(step.person_id, step.chat_id) },
    t("go as", { name: nameOf(step.person_id) }));
}

function stepRow(step, index, current) {
  const isCurrent = step === current;
  const state = step.done ? "done" : isCurrent ? "current" : "later";
  return make("li", { class: state, "aria-current": isCurrent ? "step" : null },
    make("span", { class: "tick" }, step.done ? icon("check") : String(index + 1),
      make("span", { class: "sr" }, step.done ? t("done") : "")),
    make("div", {}, make("b", {}, pick(step.title)), make("p", {}, pick(step.text)),
      make("small", {}, t("acts in", {
        name: nameOf(step.person_id),
        chat: world.chats.has(step.chat_id) ? titleOf(world.chats.get(step.chat_id)) : "",
      }))),
    isCurrent && !isHere(step) ? goButton(step) : null);
}

function headline(steps, current) {
  const done = steps.filter((step) => step.done).length;
  const progress = make("span", { class: "progress" }, `${done}/${steps.length}`,
    make("span", { class: "sr" }, t("steps done")));
  if (!current) {
    return [progress, make("span", { class: "now" },
      make("b", {}, t("guide finished")), make("span", {}, t("guide finished text")))];
  }
  return [progress, face(current.person_id, nameOf(current.person_id)),
    make("span", { class: "now" },
      make("b", {}, `${t("turn of", { name: nameOf(current.person_id) })} ${pick(current.title)}`),
      make("span", {}, pick(current.text))),
    isHere(current) ? make("span", { class: "here" }, t("you are here")) : goButton(current)];
}

export function drawGuide() {
  const steps = world.guide;
  const box = $("guide");
  box.hidden = steps.length === 0 || isClosed();
  if (box.hidden) return;
  const wanted = JSON.stringify([steps, isOpen, place.person, place.chat]);
  if (wanted === drawn) return;
  drawn = wanted;
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const current = steps.find((step) => !step.done);
  const unfold = make("button", {
    class: "round", "aria-label": t("all steps"), "aria-expanded": String(isOpen), "data-key": "unfold",
    onclick: () => {
      isOpen = !isOpen;
      drawGuide();
    },
  }, icon("down"));
  const close = make("button", {
    class: "round", "aria-label": t("close the guide"), "data-key": "close", onclick: () => setGuideClosed(true),
  }, icon("close"));
  box.replaceChildren(make("div", { class: "headline" }, headline(steps, current), unfold, close),
    ...(isOpen ? [make("ol", {}, steps.map((step, index) => stepRow(step, index, current)))] : []));
  if (focused) (box.querySelector(`[data-key="${CSS.escape(focused)}"]`) ?? unfold).focus();
}

export function begin() {
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !isOpen) return;
    isOpen = false;
    drawGuide();
  });
}
