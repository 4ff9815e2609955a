// Call the control API. The token comes once in the page's address. After that it is stored for
// this tab only.

const address = new URL(location.href);
if (address.searchParams.has("token")) {
  sessionStorage.setItem("token", address.searchParams.get("token"));
  address.searchParams.delete("token");
  history.replaceState(null, "", address.pathname + address.search + address.hash);
}

const headers = () => ({ Authorization: `Bearer ${sessionStorage.getItem("token") ?? ""}` });

export class Refused extends Error {}
export class WrongToken extends Refused {}

async function answer(response) {
  const body = await response.json();
  if (response.status === 401) throw new WrongToken(body.error);
  if (!response.ok) throw new Refused(body.error);
  return body;
}

export async function see(path, signal) {
  return answer(await fetch(`/control/${path}`, { headers: headers(), signal }));
}

export async function act(path, body = {}) {
  const options = { method: "POST", headers: headers(), body: JSON.stringify(body) };
  return answer(await fetch(`/control/${path}`, options));
}

// Store a file of the person, and return its id.
export async function upload(file, kind) {
  const query = new URLSearchParams({ kind, name: file.name });
  const stored = await answer(await fetch(`/control/files?${query}`, {
    method: "POST",
    headers: { ...headers(), "Content-Type": file.type || "application/octet-stream" },
    body: file,
  }));
  return stored.file_id;
}

const addresses = new Map();

// Return an address of a file's bytes for an <img> or a <video>, which cannot send the token.
export function fileAddress(fileId, type) {
  if (!addresses.has(fileId)) {
    const loaded = fetch(`/control/files/${encodeURIComponent(fileId)}`, { headers: headers() })
      .then((response) => (response.ok ? response.blob() : Promise.reject(new Error("no file"))))
      .then((blob) => URL.createObjectURL(type ? new Blob([blob], { type }) : blob));
    addresses.set(fileId, loaded);
  }
  return addresses.get(fileId);
}
