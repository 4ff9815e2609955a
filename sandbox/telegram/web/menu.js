// Show a menu of actions at a button or at the mouse.

import { make } from "/dom.js";
import { icon } from "/icons.js";

let current = null;

export function closeMenu() {
  current?.close();
}

// `entries` are {icon, text, action, danger}. `at` is an element or {x, y}.
export function openMenu(at, entries, label) {
  closeMenu();
  const opener = document.activeElement;
  const menu = make("div", { class: "menu", role: "menu", "aria-label": label });
  function close() {
    menu.remove();
    removeEventListener("pointerdown", outside, true);
    removeEventListener("resize", close);
    current = null;
    if (at instanceof Element) at.setAttribute("aria-expanded", "false");
  }
  function outside(event) {
    if (!menu.contains(event.target)) close();
  }
  const items = entries.filter(Boolean).map((entry) => make("button", {
    role: entry.checked === undefined ? "menuitem" : "menuitemradio",
    "aria-checked": entry.checked === undefined ? null : String(entry.checked),
    class: entry.danger ? "danger" : null,
    tabIndex: -1,
    onclick() {
      close();
      if (opener?.isConnected) opener.focus({ preventScroll: true });
      entry.action();
    },
  }, entry.icon ? icon(entry.icon) : null, make("span", {}, entry.text),
  entry.detail ? make("small", {}, entry.detail) : null));
  menu.append(...items);
  menu.addEventListener("keydown", (event) => {
    const index = items.indexOf(document.activeElement);
    const next = {
      ArrowDown: (index + 1) % items.length, ArrowUp: (index - 1 + items.length) % items.length,
      Home: 0, End: items.length - 1,
    }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      items[next].focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      close();
      if (opener?.isConnected) opener.focus({ preventScroll: true });
    }
  });
  // A screen reader finds the menu in the same part of the page as its button.
  (opener?.closest("section, nav, dialog") ?? document.querySelector("main")).append(menu);
  const box = at instanceof Element ? at.getBoundingClientRect() : { left: at.x, right: at.x, top: at.y, bottom: at.y };
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = box.left + width > innerWidth - 8 ? Math.max(8, box.right - width) : box.left;
  const top = box.bottom + height > innerHeight - 8 ? Math.max(8, box.top - height) : box.bottom;
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
  if (at instanceof Element) at.setAttribute("aria-expanded", "true");
  current = { close };
  addEventListener("pointerdown", outside, true);
  addEventListener("resize", close);
  items[0]?.focus({ preventScroll: true });
}
