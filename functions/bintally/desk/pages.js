// The pages of the desk besides the review: which there are, who sees them, and which one the address names.

import * as bins from "./bins.js";
import * as bring from "./bring.js";
import * as confirm from "./confirm.js";
import * as consignment from "./consignment.js";
import * as consignments from "./consignments.js";
import { byId, element, emptyState } from "./dom.js";
import * as lines from "./lines.js";
import * as take from "./take.js";
import * as today from "./today.js";

const READERS = ["viewer", "supervisor"];
const ALL = ["viewer", "counter", "supervisor"];
const COUNTERS = ["counter", "supervisor"];

// In the order of the navigation. A page without a label is reached by links. `open(root, parameters, desk)` fills the
// page and may return a function that ends it; `desk` has `me`, `config`, `notice(text)` and `askToSignIn(text)`.
const PAGES = {
  review: { label: "Review", roles: COUNTERS },
  confirm: { label: "Confirm", roles: ["supervisor"], open: confirm.open },
  lines: { label: "Lines", roles: READERS, open: lines.open },
  consignments: { label: "Consignments", roles: READERS, open: consignments.open },
  consignment: { title: "Consignment", roles: READERS, open: consignment.open },
  bins: { label: "Bins", roles: ALL, open: bins.open },
  today: { label: "Today", roles: ALL, open: today.open },
  "bring-in": { label: "Bring in", roles: COUNTERS, open: bring.open },
  "take-out": { label: "Take out", roles: READERS, open: take.open },
};

const isReview = (name) => name === "review";

export class Pages {
  #desk;
  #end = null;
  #opened = 0;

  constructor(desk) {
    this.#desk = desk;
  }

  /** Show the page that the address names, now and whenever it changes. */
  start() {
    this.#drawNavigation();
    addEventListener("hashchange", () => this.#open());
    this.#open();
  }

  #allowed(name) {
    return PAGES[name]?.roles.some((role) => this.#desk.me.roles.includes(role));
  }

  #drawNavigation() {
    const shown = Object.keys(PAGES).filter((name) => PAGES[name].label && this.#allowed(name));
    byId("pages").replaceChildren(...shown.map((name) => element("a", { href: `#${name}` }, PAGES[name].label)));
    byId("pages").hidden = shown.length < 2;
  }

  async #open() {
    const opened = ++this.#opened;
    this.#end?.();
    this.#end = null;
    const [asked, query] = location.hash.slice(1).split("?");
    const name = this.#allowed(asked) ? asked : Object.keys(PAGES).find((each) => this.#allowed(each));
    const root = this.#frame(name);
    if (!root) return;
    root.setAttribute("aria-busy", "true");
    try {
      const end = (await PAGES[name].open(root, new URLSearchParams(query), this.#desk)) ?? null;
      if (opened === this.#opened) this.#end = end;
      else end?.(); // somebody went on while this page was being fetched
    } catch (problem) {
      if (problem.status === 401) return this.#desk.askToSignIn("Your sign-in has ended.");
      root.replaceChildren(emptyState("This page can't be shown", problem.message, retry()));
    } finally {
      root.removeAttribute("aria-busy");
    }
  }

  /** Mark the page in the navigation. Returns the empty element to fill, or null for the review. */
  #frame(name) {
    for (const each of byId("pages").children) {
      if (each.hash !== `#${name}`) {
        each.removeAttribute("aria-current");
        continue;
      }
      each.setAttribute("aria-current", "page");
    }
    byId("counting").hidden = !isReview(name);
    byId("view").hidden = isReview(name);
    const root = element("section", { class: "page" });
    byId("view").replaceChildren(root);
    document.title = `${PAGES[name].title ?? PAGES[name].label} · bintally desk`;
    return isReview(name) ? null : root;
  }
}

function retry() {
  return element("button", { type: "button", onclick: () => dispatchEvent(new HashChangeEvent("hashchange")) }, "Try again");
}
