// Probable matches: twelve photos that probably show what is ordered, confirmed in one go. Those that don't are marked
// with a click, and stay in the review. Nothing is confirmed that was not on the screen.

import { call } from "./api.js";
import { element, emptyState, plural, whole } from "./dom.js";

const AT_ONCE = 12;

export function open(root, parameters, desk) {
  const page = new Confirm(root, desk);
  page.fill();
  return () => page.release();
}

class Confirm {
  #desk;
  #cells = []; // { item, expected, id, button }
  #last = []; // what can be undone
  #left = new Set(); // bins for the review
  #startedAt = 0;
  #grid = element("div", { class: "grid" });
  #said = element("p", { role: "status" });
  #button = element("button", { type: "button", class: "primary", onclick: () => this.#confirm() });
  #undoButton = element("button", { type: "button", hidden: true, onclick: () => this.#undo() }, "Undo");
  #bar = element("div", { class: "toolbar" }, this.#button, this.#undoButton);

  constructor(root, desk) {
    this.#desk = desk;
    root.append(element("h2", {}, "Probable matches"),
      element("p", {}, "Each photo probably shows the number below it. Mark those that don't, or that you can't tell: they stay in the review. Then confirm the rest together."),
      this.#said, this.#grid, this.#bar);
  }

  async fill() {
    this.#button.disabled = true;
    try {
      const { items } = await call("POST", "api/queue/probable", { limit: AT_ONCE, without: [...this.#left].slice(-1000) });
      this.#show(items);
    } catch (problem) {
      this.#failed(problem);
    }
  }

  release() {
    const bins = this.#cells.map(({ item }) => item.bin_id);
    if (bins.length) call("POST", "api/queue/release", { bin_ids: bins }).catch(() => {}); // else the leases run out
    this.#cells = [];
  }

  #show(items) {
    this.#cells = items.map((item) => this.#cell(item));
    this.#startedAt = performance.now();
    const none = emptyState("No probable matches wait", "What the model is less sure of is in the review.");
    this.#grid.replaceChildren(...(items.length ? this.#cells.map(({ button }) => button) : [none]));
    this.#label();
  }

  #cell(item) {
    const expected = item.shown.expected[0].expected;
    const state = element("span", {}, `${whole(expected)} expected`);
    const toggle = () => {
      const marked = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(marked));
      state.textContent = marked ? "Not confirmed" : `${whole(expected)} expected`;
      this.#label();
    };
    const button = element("button", { type: "button", "aria-pressed": "false", onclick: toggle },
      element("img", { src: item.photo.url, alt: `Photo of bin ${item.bin_id}` }), element("span", {}, item.bin_id), state);
    return { item, expected, id: crypto.randomUUID(), button };
  }

  #chosen() {
    return this.#cells.filter(({ button }) => button.getAttribute("aria-pressed") !== "true");
  }

  #label() {
    const number = this.#chosen().length;
    this.#button.hidden = !this.#cells.length;
    this.#button.disabled = false;
    this.#button.textContent = number ? `Confirm ${plural(number, "bin")}` : "Leave all for the review";
  }

  async #confirm() {
    const chosen = this.#chosen();
    const marked = this.#cells.length - chosen.length;
    const seconds = Math.min((performance.now() - this.#startedAt) / 1000 / this.#cells.length, 3600);
    this.#button.disabled = true;
    const failed = await each(chosen, ({ item, expected, id }) => call("POST", "api/decisions", {
      decision_id: id, bin_id: item.bin_id, image_id: item.image_id, count: expected, seconds, reason_code: "grid",
    }, { "If-Match": item.etag }));
    if (failed.some(({ problem }) => problem.status === 401)) return this.#desk.askToSignIn("Your sign-in has ended.");
    const lost = new Set(failed.map(({ cell }) => cell));
    this.#last = chosen.filter((cell) => !lost.has(cell));
    this.#undoButton.hidden = !this.#last.length;
    const passing = failed.filter(({ problem }) => problem.isPassing);
    this.#cells = this.#cells.filter((cell) => !this.#last.includes(cell));
    if (passing.length) return this.#keep(passing);
    this.#said.textContent = [`${plural(this.#last.length, "bin")} confirmed.`, marked && `${whole(marked)} left for the review.`,
      failed.length && `${whole(failed.length)} changed meanwhile: not confirmed.`].filter(Boolean).join(" ");
    this.#cells.forEach(({ item }) => this.#left.add(item.bin_id));
    this.release();
    await this.fill();
  }

  /** What could not be saved stays, under its own id, so that it is stored once. */
  #keep(passing) {
    this.#grid.replaceChildren(...this.#cells.map(({ button }) => button));
    this.#label();
    this.#said.textContent = `${plural(this.#last.length, "bin")} confirmed, ${whole(passing.length)} not: ${passing[0].problem.message} Try again.`;
  }

  async #undo() {
    const undone = this.#last;
    this.#undoButton.hidden = true;
    const failed = await each(undone, ({ item, id }) => call("POST", "api/undo", { bin_id: item.bin_id, decision_id: id }));
    this.#last = failed.map(({ cell }) => cell);
    this.#undoButton.hidden = !failed.length;
    this.#said.textContent = failed.length
      ? `${whole(failed.length)} not undone: ${failed[0].problem.message}`
      : `${plural(undone.length, "bin")} wait again.`;
    await call("POST", "api/queue/release", { bin_ids: undone.map(({ item }) => item.bin_id) }).catch(() => {});
  }

  #failed(problem) {
    if (problem.status === 401) return this.#desk.askToSignIn("Your sign-in has ended.");
    this.#cells = [];
    const retry = element("button", { type: "button", onclick: () => this.fill() }, "Try again");
    this.#grid.replaceChildren(emptyState("The desk can't be reached", problem.message, retry));
    this.#label();
  }
}

/** Do something with all cells at once. Returns those that failed, each with its problem. */
async function each(cells, act) {
  const results = await Promise.allSettled(cells.map(act));
  return cells.map((cell, index) => ({ cell, problem: results[index].reason })).filter(({ problem }) => problem);
}
