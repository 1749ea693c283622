// The review: one photo after the other. An answer is saved in the background, and the next photo, which was fetched
// before, is there at once. Everything from data is set as text.

import { call } from "./api.js";
import { byId } from "./dom.js";

const AHEAD = 6; // bins that are leased, the shown one included
const CALM = 5000; // milliseconds between two looks for new work

export class Review {
  #items = [];
  #done = new Set();
  #last = null;
  #startedAt = 0;
  #outbox;
  #show;
  #fetching = false;
  #photos = new Map();

  /** `show(title, text)` shows a state instead of a photo. */
  constructor(outbox, show) {
    this.#outbox = outbox;
    this.#show = show;
  }

  async start() {
    for (const button of document.querySelectorAll("#keys [data-count]")) {
      button.addEventListener("click", () => this.#answer(Number(button.dataset.count)));
    }
    byId("more").addEventListener("click", () => this.#askNumber());
    byId("cannot-tell").addEventListener("click", () => this.#answer(null));
    byId("undo").addEventListener("click", () => this.#undo());
    byId("help-open").addEventListener("click", () => byId("help").showModal());
    byId("zoom").addEventListener("click", () => this.#zoom());
    byId("number-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#answer(Number(byId("number").value));
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("pagehide", () => this.#release());
    setInterval(() => document.hidden || byId("counting").hidden || this.#items.length || this.#fill(), CALM);
    await this.#fill();
  }

  /** What the desk said of an answer: shown only now, so that people count blind. */
  stored(answer, reply) {
    if (this.#last?.id !== answer.id) return;
    const { bin_id: bin, count } = answer.body;
    byId("last-text").textContent = `${bin}: ${reply.basis ? compared(count, reply) : described(count, reply.shown)}`;
  }

  refused(answer) {
    if (!answer.body.after) this.#done.delete(answer.body.bin_id); // a check is not asked again
    if (this.#last?.id === answer.id) byId("last").hidden = true;
  }

  async #fill() {
    if (this.#fetching) return;
    this.#fetching = true;
    try {
      const { items, more } = await call("POST", "api/queue", { limit: AHEAD });
      const known = new Set([...this.#items.map(name), ...this.#done]);
      const fresh = items.filter((item) => !known.has(name(item)));
      fresh.forEach((item) => this.#prefetch(item));
      const wasEmpty = !this.#items.length;
      this.#items.push(...fresh);
      if (wasEmpty) this.#draw(more);
    } catch (problem) {
      if (problem.status === 401) throw problem;
      if (!this.#items.length) this.#show("The desk can't be reached", "It tries again every few seconds.");
    } finally {
      this.#fetching = false;
    }
  }

  #prefetch(item) {
    const photo = new Image();
    photo.src = item.photo.url;
    this.#photos.set(name(item), photo);
  }

  #draw(more = true) {
    const [item] = this.#items;
    byId("review").hidden = !item;
    byId("state").hidden = Boolean(item);
    if (!item) {
      const [title, text] = more
        ? ["Others are looking at what waits", "New bins appear here as soon as there are some."]
        : ["Nothing waits for a look", "New bins appear here as soon as there are some."];
      this.#show(title, text);
      return this.#offerUndo();
    }
    byId("bin").textContent = item.bin_id;
    byId("about").textContent = about(item);
    const photo = byId("photo");
    photo.src = item.photo.url;
    photo.alt = `Photo of bin ${item.bin_id}`;
    byId("number").blur(); // at once: a browser takes the focus of a hidden field away only with the next frame
    byId("number-form").hidden = true;
    byId("number").value = "";
    byId("reason").value = "";
    this.#zoom(false);
    this.#startedAt = performance.now();
  }

  #answer(count) {
    const item = this.#items.shift();
    if (!item) return;
    const id = crypto.randomUUID();
    const seconds = Math.round(performance.now() - this.#startedAt) / 1000;
    const said = {
      bin_id: item.bin_id, image_id: item.image_id, count, cannot_tell: count === null, seconds: Math.min(seconds, 3600),
    };
    const [path, body] = item.after
      ? ["api/checks", { ...said, after: item.after }]
      : ["api/decisions", { ...said, decision_id: id, reason_code: byId("reason").value, blind: item.shown === null }];
    this.#done.add(name(item));
    this.#photos.delete(name(item));
    this.#last = { id, item };
    byId("last").hidden = false;
    byId("last-text").textContent = `${item.bin_id}: ${count === null ? "can't tell" : `${count} counted`}.`;
    this.#draw();
    this.#outbox.add({ id, path, body, etag: item.etag });
    if (this.#items.length < AHEAD) this.#fill();
  }

  /** Where nothing waits any more. Without the focus: a space too much must not undo. */
  #offerUndo() {
    const button = byId("state-action");
    button.hidden = !this.#last;
    button.textContent = "Undo the last answer";
    button.onclick = () => this.#undo();
  }

  async #undo() {
    if (!this.#last) return;
    const { id, item } = this.#last;
    this.#last = null;
    byId("last").hidden = true;
    try {
      if (!this.#outbox.remove(id) && !item.after) { // the next answer to a check replaces this one
        const { etag } = await call("POST", "api/undo", { bin_id: item.bin_id, decision_id: id });
        item.etag = etag;
      }
      this.#done.delete(name(item));
      this.#items.unshift(item);
      this.#draw();
    } catch (problem) {
      byId("last").hidden = false;
      byId("last-text").textContent = `${item.bin_id}: not undone. ${problem.message}`;
      if (byId("review").hidden) byId("state-text").textContent = byId("last-text").textContent;
      this.#last = { id, item };
    }
  }

  #askNumber() {
    byId("number-form").hidden = false;
    byId("number").focus();
  }

  #zoom(on = byId("zoom").getAttribute("aria-pressed") !== "true") {
    byId("zoom").setAttribute("aria-pressed", String(on));
    if (on) byId("zoom").focus(); // so that the arrow keys move the photo
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (byId("counting").hidden || byId("help").open) return;
    if (byId("review").hidden) return event.key.toLowerCase() === "u" && this.#undo();
    if (event.target.matches("input, select")) return leave(event);
    const actions = {
      " ": () => this.#answer(null), 6: () => this.#askNumber(), u: () => this.#undo(), z: () => this.#zoom(),
      r: () => byId("reason").focus(), "?": () => byId("help").showModal(),
    };
    const action = /^[0-5]$/.test(event.key) ? () => this.#answer(Number(event.key)) : actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    if (document.activeElement instanceof HTMLButtonElement) document.activeElement.blur();
    action();
  }

  #release() {
    const bins = this.#items.filter((item) => !item.after).map((item) => item.bin_id);
    if (bins.length) call("POST", "api/queue/release", { bin_ids: bins }).catch(() => {}); // else the leases run out
  }
}

/** The bin, or for a photo that was counted already the check: a bin may be asked about twice, once as a check. */
function name(item) {
  return item.after ? `check after ${item.after}` : item.bin_id;
}

/** From a field, Escape leads back to the keys; from the reason, Enter does too. */
function leave(event) {
  const isReason = event.target.id === "reason";
  if (event.key !== "Escape" && !(isReason && event.key === "Enter")) return;
  event.preventDefault();
  event.target.blur();
  if (!isReason) byId("number-form").hidden = true;
}

function about(item) {
  const taken = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(item.captured_at));
  const goods = item.goods.map(({ sku, item_volume_l: litres }) =>
    [sku, litres && `${new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 }).format(litres)} l each`].filter(Boolean).join(", "));
  return [`Photo of ${taken}.`, ...goods.filter(Boolean)].join(" ");
}

const saidText = (count) => (count === null ? "you can't tell" : `${count} counted`);

/** About a photo that was counted already. */
function compared(count, { known, basis }) {
  const whose = { known: "two people", other: "somebody", own: "you" }[basis];
  const before = `a check of how we count: ${whose} said ${known} before`;
  return `${saidText(count)}; ${before}${count === known ? "" : ", which stays until a supervisor asks again"}.`;
}

function described(count, shown) {
  const said = saidText(count);
  const orders = shown.expected.map((line) => `${line.expected} expected by ${line.consignment_id}: ${line.verdict}`);
  const model = shown.model.count ?? (shown.model.at_least === null ? null : `${shown.model.at_least} or more`);
  return [said, ...orders, model === null ? "" : `the model counted ${model}`].filter(Boolean).join("; ") + ".";
}
