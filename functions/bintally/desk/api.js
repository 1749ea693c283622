// Requests to the desk's API. Addresses are relative, because the local stack serves the desk below a path.

import { token } from "./session.js";

/** An answer that is not a success. `status` is 0 if there was none. */
export class Problem extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }

  /** Whether the same request may succeed later. */
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export async function call(method, path, body, headers = {}) {
  const sent = { ...headers };
  if (token()) sent.Authorization = `Bearer ${token()}`;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  let answer;
  try {
    // keepalive: a request that was sent when the tab was closed still arrives.
    answer = await fetch(path, { method, headers: sent, body: JSON.stringify(body), keepalive: method === "POST" });
  } catch {
    throw new Problem(0, "offline", "The desk can't be reached.");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, found.code ?? "", found.detail ?? `The desk answered ${answer.status}.`);
  return found;
}
