// The order lines that wait for people, the riskiest first.

import { call } from "./api.js";
import { countedText, riskBar } from "./counts.js";
import { dueText, element, emptyState, link, Table, verdictMark, whole } from "./dom.js";

const AT_ONCE = 100;
const GROUPS = { look: "To look at", act: "To act on" };
const NOTHING = {
  look: "Every line is settled, or its photo has not been counted yet.",
  act: "No line is short, over, missing or unread.",
};
const VERDICTS = ["SHORT", "OVER", "MISSING", "UNREADABLE", "UNCERTAIN", "MATCH"];

export async function open(root, parameters) {
  const group = parameters.get("group") in GROUPS ? parameters.get("group") : "look";
  const asked = { group, verdict: parameters.get("verdict") ?? "", overdue: parameters.get("overdue") === "true" };
  const first = await page(asked);
  root.append(element("h2", {}, "Lines"), element("p", {}, link("consignments", {}, "By consignment")), toolbar(asked));
  if (!first.lines.length) return root.append(emptyState(`Nothing ${GROUPS[group].toLowerCase()}`, NOTHING[group]));
  const table = new Table("First what is due first, then the riskiest.", COLUMNS, ["Expected", "Counted"]);
  table.add(first.lines.map(cells));
  const more = new More(asked, first.next, table);
  root.append(table.root, more.root);
  return () => more.end();
}

function page(asked, after = "") {
  const given = Object.entries({ ...asked, limit: AT_ONCE, after }).filter(([, value]) => value !== "");
  return call("GET", `api/lines?${new URLSearchParams(given)}`);
}

/** The lines behind the first ones: they come when somebody scrolls near them, or presses the button. */
class More {
  #asked;
  #next;
  #table;
  #button = element("button", { type: "button", onclick: () => this.#load() }, "Show more");
  #problem = element("p", { role: "alert" });
  #near = new IntersectionObserver((changes) => changes.at(-1).isIntersecting && this.#load(), { rootMargin: "1200px" });
  root = element("div", {}, this.#problem, this.#button);

  constructor(asked, next, table) {
    this.#asked = asked;
    this.#table = table;
    this.#wait(next);
  }

  end() {
    this.#near.disconnect();
  }

  #wait(next) {
    this.#next = next;
    this.root.hidden = !next;
    if (next) this.#near.observe(this.#button);
  }

  async #load() {
    this.end(); // one page at a time; what is observed again and near is reported again
    this.#button.disabled = true;
    this.#problem.textContent = "";
    try {
      const found = await page(this.#asked, this.#next);
      this.#table.keepWidths();
      this.#table.add(found.lines.map(cells));
      this.#wait(found.next);
    } catch (problem) {
      this.#problem.textContent = `The next lines can't be shown: ${problem.message}`;
    }
    this.#button.disabled = false;
  }
}

function toolbar(asked) {
  const go = (changes) => {
    location.hash = `#lines?${new URLSearchParams({ ...asked, ...changes })}`;
  };
  const tabs = Object.entries(GROUPS).map(([name, label]) =>
    element("button", { type: "button", "aria-pressed": String(name === asked.group), onclick: () => go({ group: name }) }, label));
  const options = ["", ...VERDICTS].map((each) => element("option", { value: each, selected: each === asked.verdict }, each || "All"));
  return element("div", { class: "toolbar" },
    element("div", { class: "tabs", role: "group", "aria-label": "Which lines" }, tabs),
    element("label", {}, "Verdict", element("select", { onchange: (event) => go({ verdict: event.target.value }) }, options)),
    element("label", { class: "check" },
      element("input", { type: "checkbox", checked: asked.overdue, onchange: (event) => go({ overdue: event.target.checked }) }), "Overdue only"));
}

const COLUMNS = ["Risk", "Bin", "Consignment", "Expected", "Counted", "Verdict", "Due", "Why"];

/** A line as cells for COLUMNS. */
function cells(line) {
  return [
    riskBar(line.risk),
    link("bins", { id: line.bin_id }, line.bin_id),
    link("consignment", { id: line.consignment_id }, line.consignment_id),
    whole(line.expected),
    countedText(line),
    verdictMark(line.verdict),
    dueText(line),
    line.reason,
  ];
}
