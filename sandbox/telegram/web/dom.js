// Build elements, and change lists by difference. Texts come from unknown authors: they are set as
// text and never as HTML.

export const $ = (id) => document.getElementById(id);

const PROPERTIES = new Set(["hidden", "disabled", "value", "checked", "type", "tabIndex"]);

// Make an element. `on…` are listeners, and null and false leave an attribute out.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (tag === "button") element.type = "button";
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// --- changes wait while somebody presses, because a replaced button would lose the click

let isPressed = false;
const waiting = new Set();

function release() {
  isPressed = false;
  const changes = [...waiting];
  waiting.clear();
  for (const change of changes) change();
}

addEventListener("pointerdown", () => { isPressed = true; }, true);
for (const name of ["pointerup", "pointercancel", "blur"]) {
  addEventListener(name, () => setTimeout(release), true);
}

// Call `change` now, or after the mouse button or the finger is up again.
export function whenReleased(change) {
  if (isPressed) waiting.add(change);
  else change();
}

// --- lists

function replaceKeepingFocus(old, element) {
  const active = old.contains(document.activeElement) ? document.activeElement : null;
  const key = active?.dataset.key;
  old.replaceWith(element);
  if (!active) return;
  const again = key && element.querySelector(`[data-key="${CSS.escape(key)}"]`);
  (again || element).focus({ preventScroll: true });
}

// Let `list` show the wanted rows in their order. A row is {key, signature, build, update}: an
// element is built again only if its signature changes, and `update` is called each time.
export function reconcile(list, known, rows) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const wanted = new Set(rows.map((row) => row.key));
  for (const [key, { element }] of known) {
    if (wanted.has(key)) continue;
    element.remove();
    known.delete(key);
  }
  let cursor = list.firstElementChild;
  for (const row of rows) {
    let entry = known.get(row.key);
    if (entry?.signature !== row.signature) {
      const element = row.build();
      if (entry) {
        if (cursor === entry.element) cursor = element;
        replaceKeepingFocus(entry.element, element);
      }
      entry = { element, signature: row.signature };
      known.set(row.key, entry);
    }
    if (entry.element === cursor) cursor = cursor.nextElementSibling;
    else list.insertBefore(entry.element, cursor);
    row.update?.(entry.element);
  }
  if (!focused || focused === document.activeElement) return;
  if (focused.isConnected) focused.focus({ preventScroll: true });
  else if (document.activeElement === document.body) {
    (list.closest("[tabindex]") ?? list).focus({ preventScroll: true });
  }
}

export function face(id, name, extra = "") {
  const letter = [...(name ?? "")].find((character) => /[\p{L}\p{N}]/u.test(character)) ?? "?";
  return make("span", { class: `face hue${Math.abs(id) % 7} ${extra}`, "aria-hidden": "true" },
    letter.toUpperCase());
}
