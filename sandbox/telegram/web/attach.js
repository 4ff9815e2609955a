// Send files of one's own, and sample files.

import { upload } from "/api.js";
import { sendMessage, takeReply } from "/composer.js";
import { attempt, show, toast } from "/dialogs.js";
import { $, make } from "/dom.js";
import { fileSize, t } from "/i18n.js";
import { icon } from "/icons.js";
import { openMenu } from "/menu.js";
import { currentChat } from "/store.js";

const MOST = 10; // files in an album
const SAMPLES = ["photo", "video", "animation", "document"];
const OTHERS = ["sticker", "voice", "video_note", "contact", "location"];

function visualKind(file) {
  if (/^image\/(png|jpeg|webp|bmp)$/.test(file.type)) return "photo";
  if (file.type === "image/gif") return "animation";
  return file.type.startsWith("video/") ? "video" : null;
}

function preview(file) {
  if (visualKind(file) !== "photo" && visualKind(file) !== "animation") {
    return make("div", { class: "file-row" }, icon("file"),
      make("span", {}, make("b", {}, file.name), make("small", {}, fileSize(file.size))));
  }
  const image = make("img", { class: "chosen-picture", alt: file.name, src: URL.createObjectURL(file) });
  image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  return image;
}

function check(name, text, isChecked) {
  return make("label", { class: "check" }, make("input", { type: "checkbox", name, checked: isChecked }),
    make("span", {}, text));
}

async function sendFiles(files, { caption, asFiles, hasSpoiler }) {
  const album = files.length > 1 ? { media_group_id: String(Math.floor(Math.random() * 1e15)) } : {};
  const reply = takeReply();
  for (const [index, file] of files.entries()) {
    const kind = (asFiles ? null : visualKind(file)) ?? "document";
    const id = await upload(file, kind);
    const text = index === 0 && caption ? { caption } : {};
    const spoiler = hasSpoiler && kind !== "document" ? { has_media_spoiler: true } : {};
    const sent = await sendMessage({ [kind]: id, ...text, ...album, ...spoiler, ...reply },
      { text: `📎 ${file.name}${text.caption ? `\n${text.caption}` : ""}` });
    if (!sent) return;
  }
}

export async function offerFiles(list) {
  const files = [...list].slice(0, MOST);
  if (!files.length || !currentChat() || $("composer").hidden) return;
  if (list.length > MOST) toast(t("files at most", { count: MOST }));
  const isVisual = files.every(visualKind);
  const caption = make("textarea", { rows: 2, name: "caption", placeholder: t("caption"), "aria-label": t("caption") });
  const asFiles = check("files", t("send as files"), !isVisual);
  const spoiler = check("spoiler", t("hide behind a spoiler"), false);
  const closed = show(t("send files", { count: files.length }),
    [make("div", { class: "chosen" }, files.map(preview)), caption, ...(isVisual ? [asFiles, spoiler] : [])],
    [["", t("cancel"), "quiet"], ["ok", t("send")]]);
  const answer = await closed;
  if (answer !== "ok") return;
  await attempt(() => sendFiles(files, {
    caption: caption.value.trim(),
    asFiles: asFiles.firstElementChild.checked,
    hasSpoiler: spoiler.firstElementChild.checked,
  }));
}

function chooseFiles(accept) {
  const input = $("file");
  input.accept = accept;
  input.value = "";
  input.click();
}

const sample = (kind) => ({
  icon: kind === "document" ? "file" : "photo", text: t("sample", { kind: t(`kind ${kind}`) }),
  action: () => sendMessage({ [kind]: true, ...takeReply() }, { text: t("sending kind", { kind: t(`kind ${kind}`) }) }),
});

const other = (kind) => ({
  icon: "plus", text: t(`kind ${kind}`),
  action: () => sendMessage({ [kind]: true, ...takeReply() }, { text: t("sending kind", { kind: t(`kind ${kind}`) }) }),
});

function entries() {
  const isChannel = currentChat()?.type === "channel";
  return [
    { icon: "photo", text: t("photo or video"), action: () => chooseFiles("image/*,video/*") },
    { icon: "file", text: t("file"), action: () => chooseFiles("") },
    ...SAMPLES.map(sample), ...(isChannel ? [] : OTHERS.map(other)),
  ];
}

export function begin() {
  const button = $("attach");
  button.append(icon("attach"));
  button.addEventListener("click", () => openMenu(button, entries(), t("attach")));
  $("file").addEventListener("change", () => offerFiles($("file").files));
  const stage = $("chat");
  stage.addEventListener("dragover", (event) => event.preventDefault());
  stage.addEventListener("drop", (event) => {
    event.preventDefault();
    offerFiles(event.dataTransfer.files);
  });
}
