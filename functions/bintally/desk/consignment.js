// A consignment: its verdict and its lines, the worst first. Supervisors accept differences here.

import { call } from "./api.js";
import { countedText, oddsBars } from "./counts.js";
import { element, link, moment, plural, Table, verdictMark, whole } from "./dom.js";

const COLUMNS = ["Verdict", "Bin", "Expected", "Counted", "Odds", "Due", "Why", "Accepted"];
const REASONS = { recounted: "Counted again by hand", damaged: "Damaged items", moved: "Items are elsewhere", substitute: "Substitute agreed", other: "Another reason" };

export async function open(root, parameters, desk) {
  const id = parameters.get("id") ?? "";
  const found = await call("GET", `api/consignment?${new URLSearchParams({ id })}`);
  const tally = Object.entries(found.tally).map(([verdict, number]) => `${whole(number)} ${verdict}`).join(", ");
  root.append(
    element("h2", {}, `Consignment ${found.consignment_id}`),
    element("p", {}, verdictMark(found.verdict), element("span", { class: "quiet" }, ` ${plural(found.lines.length, "line")}: ${tally}`)));
  const table = new Table("The worst first.", COLUMNS, ["Expected", "Counted"]);
  const mayAccept = desk.me.roles.includes("supervisor");
  table.add(found.lines.map((line) => cells(line, mayAccept, desk)));
  root.append(table.root);
}

function cells(line, mayAccept, desk) {
  return [
    verdictMark(line.verdict), link("bins", { id: line.bin_id }, line.bin_id), whole(line.expected), countedText(line),
    oddsBars(line), line.due_at ? moment(line.due_at) : "", line.reason, acceptance(line, mayAccept, desk),
  ];
}

/** Who accepted the difference, or the way to accept it. */
function acceptance(line, mayAccept, desk) {
  if (line.accepted) return acceptedText(line.accepted);
  if (!mayAccept || line.waits_for !== "act" || line.verdict === "MISSING") return "";
  const reason = element("select", { "aria-label": `Reason to accept ${line.bin_id}`, required: true },
    element("option", { value: "" }, "Reason…"), Object.entries(REASONS).map(([code, text]) => element("option", { value: code }, text)));
  const form = element("form", { class: "accept" }, reason, element("button", { type: "submit" }, "Accept"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const body = { consignment_id: line.consignment_id, bin_id: line.bin_id, reason_code: reason.value };
      const { accepted } = await call("POST", "api/accept", body);
      form.replaceWith(accepted ? element("span", {}, ...acceptedText(accepted)) : "Accepted.");
      desk.notice("");
    } catch (problem) {
      desk.notice(`${line.bin_id} was not accepted: ${problem.message}`);
    }
  });
  return form;
}

function acceptedText({ by, at, reason_code: code }) {
  return [REASONS[code] ?? code, ", ", by, ", ", moment(at)];
}
