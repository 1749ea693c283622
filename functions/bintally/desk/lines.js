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
  root.append(table.root, moreButton(asked, first.next, table));
}

function page(asked, after = "") {
  const given = Object.entries({ ...asked, limit: AT_ONCE, after }).filter(([, value]) => value !== "");
  return call("GET", `api/lines?${new URLSearchParams(given)}`);
}

function moreButton(asked, next, table) {
  const button = element("button", { type: "button", hidden: !next }, "Show more");
  button.addEventListener("click", async () => {
    const found = await page(asked, next);
    table.add(found.lines.map(cells));
    next = found.next;
    button.hidden = !next;
  });
  return button;
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
