// Keep what somebody has begun to write. A draft belongs to a person and a chat.

const key = (person, chat) => `draft ${person} ${chat}`;

export function readDraft(person, chat) {
  try {
    return JSON.parse(localStorage.getItem(key(person, chat)));
  } catch {
    return null;
  }
}

export function writeDraft(person, chat, draft) {
  if (draft.text.trim()) localStorage.setItem(key(person, chat), JSON.stringify(draft));
  else localStorage.removeItem(key(person, chat));
}

export const draftOf = (person, chat) => readDraft(person, chat)?.text ?? "";
