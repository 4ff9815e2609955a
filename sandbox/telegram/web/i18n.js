// Show texts in the reader's language: the chosen one, else the browser's.

import english from "/texts-en.js";
import russian from "/texts-ru.js";

export const LANGUAGES = { en: "English", ru: "Русский" };
const TEXTS = { en: english, ru: russian };

const chosen = localStorage.getItem("language");
const offered = navigator.languages.map((name) => name.slice(0, 2));
export const language = [chosen, ...offered].find((name) => name in TEXTS) ?? "en";
document.documentElement.lang = language;

const plural = new Intl.PluralRules(language);

// Return a text. {name} in it is replaced by `values.name`. A text by count has a form for each of
// the language's plurals.
export function t(name, values = {}) {
  let text = TEXTS[language][name] ?? TEXTS.en[name];
  if (text === undefined) throw new Error(`there is no text ${name}`);
  if (typeof text === "object") text = text[plural.select(values.count)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
}

// Return a text that the server gives in several languages.
export const pick = (texts) => texts[language] ?? texts.en ?? Object.values(texts)[0] ?? "";

export function chooseLanguage(name) {
  localStorage.setItem("language", name);
  location.reload();
}

export const number = (value) => new Intl.NumberFormat(language).format(value);

const compact = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
export const shortNumber = (value) => compact.format(value);

export function money(amount, currency) {
  if (currency === "XTR") return `⭐ ${number(amount)}`;
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

const clockFormat = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat(language, { day: "numeric", month: "long" });
const yearFormat = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" });
const shortFormat = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
const weekFormat = new Intl.DateTimeFormat(language, { weekday: "short" });
const fullFormat = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

const day = (seconds) => Math.floor((seconds - new Date(seconds * 1000).getTimezoneOffset() * 60) / 86400);

export const clockTime = (seconds) => clockFormat.format(seconds * 1000);
export const fullTime = (seconds) => fullFormat.format(seconds * 1000);
export const dayKey = (seconds) => String(day(seconds));

export function dayName(seconds, now) {
  const ago = day(now) - day(seconds);
  if (ago === 0) return t("today");
  if (ago === 1) return t("yesterday");
  const sameYear = new Date(seconds * 1000).getFullYear() === new Date(now * 1000).getFullYear();
  return (sameYear ? dayFormat : yearFormat).format(seconds * 1000);
}

// The short time of a chat in the list.
export function listTime(seconds, now) {
  const ago = day(now) - day(seconds);
  if (ago === 0) return clockTime(seconds);
  return (ago > 0 && ago < 7 ? weekFormat : shortFormat).format(seconds * 1000);
}

export function fileSize(bytes) {
  if (bytes < 1024) return `${number(bytes)} B`;
  if (bytes < 1024 ** 2) return `${number(Math.round(bytes / 102.4) / 10)} KB`;
  return `${number(Math.round(bytes / 1024 ** 2 * 10) / 10)} MB`;
}
