// Call the control API. The token comes once in the page's address. After that it is stored for
// this tab only.

const address = new URL(location.href);
if (address.searchParams.has("token")) {
  sessionStorage.setItem("token", address.searchParams.get("token"));
  history.replaceState(null, "", address.pathname);
}

const headers = () => ({ Authorization: `Bearer ${sessionStorage.getItem("token") ?? ""}` });

export class Refused extends Error {}

async function answer(response) {
  const body = await response.json();
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

const pictures = new Map();

// Return an address of a picture's bytes for an <img>, which cannot send the token itself.
export function picture(fileId) {
  if (!pictures.has(fileId)) {
    pictures.set(
      fileId,
      fetch(`/control/files/${encodeURIComponent(fileId)}`, { headers: headers() })
        .then((response) => response.blob())
        .then((blob) => URL.createObjectURL(blob)),
    );
  }
  return pictures.get(fileId);
}
