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
  const answer = await sent(method, path, body, headers);
  await refuse(answer);
  return answer.json();
}

/** A file of the API, as a Blob. */
export async function download(path) {
  const answer = await sent("GET", path);
  await refuse(answer);
  return answer.blob();
}

/** Throws the problem that an answer reports, unless it is a success or says that nothing has changed. */
async function refuse(answer) {
  if (answer.ok || answer.status === 304) return;
  const { code, detail } = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, code ?? "", detail ?? `The desk answered ${answer.status}.`);
}

async function sent(method, path, body, headers = {}) {
  const all = { ...headers };
  if (token()) all.Authorization = `Bearer ${token()}`;
  if (body !== undefined) all["Content-Type"] = "application/json";
  try {
    // keepalive: a request that was sent when the tab was closed still arrives. Browsers allow it 64 KiB.
    const text = JSON.stringify(body);
    return await fetch(path, { method, headers: all, body: text, keepalive: method === "POST" && (text?.length ?? 0) < 60_000 });
  } catch {
    throw new Problem(0, "offline", "The desk can't be reached.");
  }
}

const EVERY = 5000; // milliseconds

/** Call `draw(found)` now and whenever the answer of `path` changes, until the returned function is called.
 *
 * Nothing is asked while the page is hidden. The ETag saves the transfer of what is known. `onProblem(problem)` hears of
 * failures, and `draw` is called again after them.
 */
export function watch(path, draw, onProblem) {
  let etag = "";
  let timer = 0;
  let stopped = false;
  async function look() {
    clearTimeout(timer);
    if (stopped || document.hidden) return;
    try {
      const answer = await sent("GET", path, undefined, etag ? { "If-None-Match": etag } : {});
      await refuse(answer);
      const found = answer.status === 304 ? null : await answer.json();
      if (stopped) return;
      if (found) draw(found);
      if (found) etag = answer.headers.get("ETag") ?? "";
    } catch (problem) {
      etag = "";
      if (!stopped) onProblem(problem);
    }
    if (!stopped) timer = setTimeout(look, EVERY);
  }
  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
}
