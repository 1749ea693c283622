// Take data out: CSV for spreadsheets and warehouse systems, and a count sheet to print.

import { call, download } from "./api.js";
import { element, moment, Table } from "./dom.js";

const FILES = {
  lines: ["Lines that wait", "With expected and counted numbers, risk and reason."],
  decisions: ["What people counted", "Every decision of the day, also those undone."],
  adjustments: ["Adjustments", "Where people counted another number than an order expects: bin, counted, expected, reason, who and when."],
};
const MOST = 200;

export function open(root, parameters, desk) {
  const today = new Date().toLocaleDateString("sv", { timeZone: desk.config.site_zone }); // sv writes ISO 8601
  const day = element("input", { type: "date", id: "day", value: today, max: today, required: true });
  root.append(
    element("h2", {}, "Take out"),
    element("div", { class: "toolbar no-print" }, element("label", { for: "day" }, "Day at the site", day)),
    element("ul", { class: "choices no-print" }, Object.entries(FILES).map(([what, [name, text]]) => element("li", {},
      element("div", {}, element("h3", {}, name), element("p", { class: "quiet" }, text)),
      element("button", { type: "button", "aria-label": `Download ${name} as CSV`, onclick: () => save(what, day.value, desk) }, "Download CSV")))),
    sheet(desk));
}

async function save(what, day, desk) {
  try {
    const address = URL.createObjectURL(await download(`api/export.csv?${new URLSearchParams({ what, ...(day && { day }) })}`));
    const anchor = element("a", { href: address, download: `bintally-${what}-${day}.csv` });
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    desk.notice("");
  } catch (problem) {
    desk.notice(`The file could not be made: ${problem.message}`);
  }
}

/** A count sheet for paper. The expected numbers are left out unless asked for, so that people count unbiased. */
function sheet(desk) {
  const shown = element("input", { type: "checkbox", id: "with-expected" });
  const place = element("div", {});
  const print = async () => {
    try {
      const { lines, next } = await call("GET", `api/lines?limit=${MOST}`);
      place.replaceChildren(countSheet(lines, shown.checked), next ? `The first ${MOST} bins.` : "");
      window.print();
    } catch (problem) {
      desk.notice(`The sheet could not be made: ${problem.message}`);
    }
  };
  return element("section", { class: "stack", "aria-labelledby": "sheet" },
    element("div", { class: "no-print stack" },
      element("h3", { id: "sheet" }, "Count sheet"),
      element("p", { class: "quiet" }, "The bins that wait for a look, with a box for the count, to print."),
      element("div", { class: "toolbar" },
        element("label", { class: "check" }, shown, "With expected numbers"),
        element("button", { type: "button", onclick: print }, "Print"))),
    place);
}

function countSheet(lines, withExpected) {
  const columns = ["Bin", "Consignment", ...(withExpected ? ["Expected"] : []), "Due", "Count"];
  const table = new Table("Bins to count", columns, ["Expected"]);
  const ordered = lines.toSorted((one, other) => one.bin_id.localeCompare(other.bin_id, undefined, { numeric: true }));
  table.add(ordered.map((line) => [
    line.bin_id, line.consignment_id, ...(withExpected ? [line.expected] : []), line.due_at ? moment(line.due_at) : "",
    element("span", { class: "box", "aria-label": "to fill in" }),
  ]));
  return table.root;
}
