// What a supervisor asks for when the count of a bin won't do: a new photo, another person, or the model once more.

import { call } from "./api.js";
import { element } from "./dom.js";

/** The choices for `{ bin_id, image_id, etag, decided }`, or "" if none can be asked for. */
export function askMenu(bin, desk) {
  if (!bin.image_id || !desk.me.roles.includes("supervisor")) return "";
  const menu = element("details", { class: "menu" }, element("summary", {}, "Ask for…"));
  const add = (ask, done, ...label) => menu.append(element("button", { type: "button", onclick: () => carryOut(menu, ask, done, bin, desk) }, ...label));
  if (!bin.decided?.cannot_tell) add(newPhoto(bin), "A new photo is asked for. The line waits until it arrives.", "A new photo");
  if (bin.decided) add(() => anotherLook(bin), "It waits in the review again.", "Another look, without what people answered");
  add(() => call("POST", "api/recount", { bin_id: bin.bin_id, image_id: bin.image_id }), "The model counts the photo again.", "Another count by the model");
  return menu;
}

async function carryOut(menu, ask, done, bin, desk) {
  try {
    await ask();
    desk.notice("");
    const text = element("span", { role: "status", tabindex: "-1" }, done);
    menu.replaceWith(text);
    text.focus();
  } catch (problem) {
    desk.notice(`Nothing was asked for bin \u2068${bin.bin_id}\u2069: ${problem.message}`);
  }
}

/** The answer that the photo can't tell: the bin's lines say then that a new one is needed, until it arrives. */
function newPhoto(bin) {
  const id = crypto.randomUUID(); // one for all attempts, so that the answer is stored once
  const { bin_id, image_id, etag } = bin;
  return () => call("POST", "api/decisions", { decision_id: id, bin_id, image_id, cannot_tell: true, reason_code: "new_photo" }, { "If-Match": etag });
}

/** Without any standing answer the line is in the queue again, for everybody at once. Two people may have answered. */
async function anotherLook({ bin_id, image_id, decided }) {
  let standing = decided;
  while (standing) {
    await call("POST", "api/undo", { bin_id, decision_id: standing.decision_id });
    const now = await call("GET", `api/bin?${new URLSearchParams({ id: bin_id })}`);
    standing = now.image_id === image_id ? now.decided : null;
  }
  await call("POST", "api/queue/release", { bin_ids: [bin_id] });
}
