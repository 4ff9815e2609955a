// Show the sheet on which a person pays an invoice.

import { act } from "/api.js";
import { attempt, show, toast } from "/dialogs.js";
import { make } from "/dom.js";
import { money, t } from "/i18n.js";
import { place, world } from "/store.js";

function method(value, title, detail, isChosen) {
  return make("label", { class: "method" },
    make("input", { type: "radio", name: "method", value, checked: isChosen }),
    make("span", {}, make("b", {}, title), make("small", {}, detail)));
}

function bill(invoice) {
  return make("div", { class: "bill" },
    make("b", {}, invoice.title), make("p", {}, invoice.description),
    make("div", { class: "total" }, make("span", {}, t("total")),
      make("b", {}, money(invoice.total_amount, invoice.currency))));
}

function content(invoice) {
  const isStars = invoice.currency === "XTR";
  return [
    bill(invoice),
    make("fieldset", { class: "methods" }, make("legend", {}, t("pay with")),
      method("good", t(isStars ? "test stars" : "test card"), t("this payment succeeds"), true),
      method("bad", t(isStars ? "no stars" : "declined card"), t("this payment fails"), false)),
    make("p", { class: "note" }, t("no real money", { bot: world.bot.first_name })),
    make("p", { class: "problem", role: "alert" }),
  ];
}

// Show how to pay the invoice, or its receipt if it is paid.
export function showPaySheet(message) {
  const { invoice, receipt } = message;
  if (receipt) {
    const number = make("p", { class: "note" }, t("receipt number", { receipt }));
    return show(t("receipt"), [bill(invoice), number], [["ok", t("close")]], { name: "sheet" });
  }
  const amount = money(invoice.total_amount, invoice.currency);
  const closed = show(t("payment"), content(invoice),
    [["", t("cancel"), "quiet"], ["pay", t("pay", { amount })]], { name: "sheet" });
  const { dialog } = closed;
  const form = dialog.querySelector("form");
  const button = form.querySelector("footer button:last-child");
  const problem = form.querySelector(".problem");
  button.focus();
  form.addEventListener("submit", async (event) => {
    if (event.submitter?.value !== "pay") return;
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    problem.textContent = "";
    const decline = form.querySelector("input[value=bad]").checked;
    const paid = await attempt(() => act(`users/${place.person}/pay`, { message_id: message.message_id, decline }));
    button.removeAttribute("aria-busy");
    if (paid?.ok) {
      dialog.close("");
      toast(t("paid", { money: amount }));
    } else if (paid) problem.textContent = `${t("not paid")} ${paid.error_message}`;
  });
  return closed;
}
