// Tell people something, and ask them: toasts, alerts, questions and choices.

import { Refused } from "/api.js";
import { $, face, make } from "/dom.js";
import { t } from "/i18n.js";
import { icon } from "/icons.js";

let toastTimer;

export function toast(text) {
  const box = $("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    box.hidden = true;
    box.textContent = "";
  }, Math.max(3500, text.length * 60));
}

// Carry out an action, and say why it is not possible. Returns null if it is not.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Refused || error instanceof TypeError)) console.error(error);
    toast(error instanceof Refused ? error.message : t("the sandbox does not answer"));
    return null;
  }
}

// Show a dialog, and return the value of the button that closed it, or null.
export function show(title, content, buttons, { name = "" } = {}) {
  const heading = make("h2", { id: "dialog-title" }, title);
  const close = make("button", { class: "round", "aria-label": t("close"), onclick: () => dialog.close("") },
    icon("close"));
  const form = make("form", { method: "dialog" });
  const dialog = make("dialog", { class: name, "aria-labelledby": "dialog-title" }, form);
  form.append(make("header", {}, heading, close), make("div", { class: "content" }, content),
    make("footer", {}, buttons.map(([value, text, kind = ""]) => (
      // The Enter key presses the first button that submits, and that must not be "Cancel".
      value === "" ? make("button", { class: kind, onclick: () => dialog.close("") }, text)
        : make("button", { type: "submit", value, class: kind }, text)
    ))));
  document.body.append(dialog);
  dialog.returnValue = "";
  dialog.showModal();
  const field = dialog.querySelector("[autofocus], input:not([type=hidden]), textarea")
    ?? form.querySelector("footer button:last-child");
  field?.focus();
  field?.select?.();
  const closed = new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    }, { once: true });
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(""); });
  return Object.assign(closed, { dialog });
}

export function alertBox(text, title) {
  return show(title, make("p", { class: "alert-text" }, text), [["ok", t("ok")]], { name: "alert" });
}

export async function confirm(title, text, action, { danger = false } = {}) {
  const answer = await show(title, make("p", {}, text),
    [["", t("cancel"), "quiet"], ["ok", action, danger ? "danger" : ""]]);
  return answer === "ok";
}

// Ask for the values of fields, {name, label, value, type, required, …}. Returns them by name, or null.
export async function ask(title, fields, action = t("ok")) {
  const inputs = new Map();
  const content = fields.map(({ name, label, value = "", type = "text", ...more }) => {
    const isCheck = type === "checkbox";
    const input = type === "textarea"
      ? make("textarea", { name, rows: 3, value, ...more })
      : make("input", { name, type, ...(isCheck ? { checked: value } : { value }), ...more });
    inputs.set(name, input);
    return make("label", { class: isCheck ? "check" : "field" },
      isCheck ? [input, make("span", {}, label)] : [make("span", {}, label), input]);
  });
  const answer = await show(title, content, [["", t("cancel"), "quiet"], ["ok", action]]);
  if (answer !== "ok") return null;
  return Object.fromEntries([...inputs].map(([name, input]) => (
    [name, input.type === "checkbox" ? input.checked : input.value.trim()]
  )));
}

// Let somebody choose one of some rows, {id, title, detail}. Returns the id, or null.
export async function choose(title, rows, { intro = null, empty = "", extra = [] } = {}) {
  const content = [
    intro ? make("p", {}, intro) : null,
    rows.length ? make("ul", { class: "choices" }, rows.map(({ id, title: name, detail, faceId }) => (
      make("li", {}, make("button", { type: "submit", value: String(id), class: "choice" },
        face(faceId ?? id, name), make("span", {}, make("b", {}, name), detail ? make("small", {}, detail) : null)))
    ))) : make("p", {}, empty),
  ];
  const answer = await show(title, content.filter(Boolean), [["", t("cancel"), "quiet"], ...extra]);
  return answer === null || Number.isNaN(Number(answer)) ? answer : Number(answer);
}
